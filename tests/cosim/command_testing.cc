// SPDX-License-Identifier: Apache-2.0
#include "cosim/command_testing.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "szt/code.h"
#include "szt/sim/registers.h"

namespace szt::sim {

Beats make_beats(const Configuration& configuration, const Command& command,
                 std::mt19937_64& generator) {
  const auto rows = static_cast<std::size_t>(configuration.rows);
  const auto cols = static_cast<std::size_t>(configuration.cols);
  Beats beats{command, {}, {}, {}};
  for (std::uint32_t n = 0; n < command.n_tiles; ++n) {
    std::vector<std::int32_t> sums(command.m * cols, 0);
    for (std::uint32_t k = 0; k < command.k_tiles; ++k) {
      std::vector<Code> tile(rows * cols);
      for (Code& code : tile) code = kAllCodes[generator() >> 62];
      for (std::size_t r = 0; r < rows; ++r) {
        std::vector<std::uint8_t> beat(code_beat_bytes(configuration), 0);
        for (std::size_t c = 0; c < cols; ++c) {
          const auto code = static_cast<unsigned>(tile[r * cols + c]);
          beat[c / 4] = static_cast<std::uint8_t>(beat[c / 4] | code << (2 * (c % 4)));
        }
        beats.codes.insert(beats.codes.end(), beat.begin(), beat.end());
      }
      for (std::uint32_t m = 0; m < command.m; ++m) {
        for (std::size_t r = 0; r < rows; ++r) {
          const auto a = static_cast<std::int8_t>(generator());
          beats.activations.push_back(a);
          for (std::size_t c = 0; c < cols; ++c) {
            sums[m * cols + c] += a * decode(tile[r * cols + c], command.mode);
          }
        }
      }
    }
    beats.expected.insert(beats.expected.end(), sums.begin(), sums.end());
  }
  return beats;
}

void write_register(Device& device, std::uint32_t address, std::uint32_t value) {
  EXPECT_TRUE(device.write_register(address, value)) << "write to " << address;
}

std::uint32_t read_register(Device& device, std::uint32_t address) {
  const auto value = device.read_register(address);
  EXPECT_TRUE(value.has_value()) << "read of " << address;
  return value.value_or(0);
}

void start(Device& device, const Command& command, std::uint32_t control) {
  write_register(device, matmul::kM, command.m);
  write_register(device, matmul::kKTiles, command.k_tiles);
  write_register(device, matmul::kNTiles, command.n_tiles);
  write_register(device, matmul::kMode, static_cast<std::uint32_t>(command.mode));
  write_register(device, matmul::kControl, matmul::kControlStart.mask() | control);
}

std::vector<Span> run_commands(Device& device, const std::vector<Beats>& list) {
  const std::size_t cols = result_beat_lanes(device.configuration());
  std::size_t started = 0, code_list = 0, code_at = 0, act_list = 0, act_at = 0;
  std::size_t n_tile = 0, row = 0;  // of the next result
  std::vector<std::int32_t> got, expected;
  std::vector<Span> spans;
  std::vector<std::uint64_t> starts;
  for (const Beats& beats : list) {
    expected.insert(expected.end(), beats.expected.begin(), beats.expected.end());
  }
  const auto push = [&] {
    while (code_list < list.size()) {
      const std::vector<std::uint8_t>& codes = list[code_list].codes;
      code_at += code_beat_bytes(device.configuration()) *
                 device.push_codes(std::span(codes).subspan(code_at), true);
      if (code_at < codes.size()) break;
      code_at = 0;
      ++code_list;
    }
    while (act_list < list.size()) {
      const std::vector<std::int8_t>& activations = list[act_list].activations;
      act_at += activation_beat_bytes(device.configuration()) *
                device.push_activations(std::span(activations).subspan(act_at), true);
      if (act_at < activations.size()) break;
      act_at = 0;
      ++act_list;
    }
  };
  std::vector<std::int32_t> lanes(64 * cols);
  std::size_t seen = 0;  // result lanes
  std::uint64_t moved = device.cycle();
  while (spans.size() < list.size()) {
    if (got.size() != seen) moved = device.cycle();
    seen = got.size();
    // The longest command of any test brings its first result long before.
    if (device.cycle() - moved > 1'000'000) {
      ADD_FAILURE() << "no result for a million cycles: " << device.describe();
      return spans;
    }
    push();
    while (started < list.size() &&
           matmul::kStatusQueue.get(read_register(device, matmul::kStatus)) < 2) {
      start(device, list[started++].command);
      starts.push_back(device.cycle() - 1);
      push();
    }
    device.advance(1000);
    while (true) {
      const Popped popped = device.pop_results(lanes);
      if (popped.beats == 0) break;
      got.insert(got.end(), lanes.begin(),
                 lanes.begin() + static_cast<std::ptrdiff_t>(popped.beats * cols));
      if (spans.size() == list.size()) break;
      const Command& command = list[spans.size()].command;
      row += popped.beats;
      EXPECT_EQ(popped.last, row == command.m) << "result beat " << row << " of " << command.m;
      if (row < command.m) continue;
      row = 0;
      if (++n_tile < command.n_tiles) continue;
      n_tile = 0;
      spans.push_back({starts[spans.size()], popped.cycle});
    }
    if (testing::Test::HasFailure()) return spans;
  }
  EXPECT_EQ(got, expected);
  const std::uint32_t status = read_register(device, matmul::kStatus);
  EXPECT_EQ(status & matmul::kStatusSticky, matmul::kStatusDone.mask());
  EXPECT_EQ(matmul::kStatusBusy.get(status), 0U);
  return spans;
}

std::vector<std::uint64_t> busy_cycles(const std::vector<Span>& spans) {
  std::vector<std::uint64_t> cycles;
  std::uint64_t previous = 0;
  for (const Span& span : spans) {
    cycles.push_back(span.ended - std::max(span.started, previous));
    previous = span.ended;
  }
  return cycles;
}

}  // namespace szt::sim
