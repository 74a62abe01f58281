// SPDX-License-Identifier: Apache-2.0
// The core's command port, queueing and TLAST rules, driven beat by beat.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "cosim/cosim_util.h"
#include "szt/cycle_model.h"
#include "szt/error.h"
#include "szt/matmul.h"

namespace szt::sim {
namespace {

// A command with its beats: codes and activations are already whole tiles.
struct Beats {
  Command command;
  std::vector<std::uint8_t> codes;
  std::vector<std::int8_t> activations;
  std::vector<std::int32_t> expected;  // result beats in order
};

class ControlTest : public testing::TestWithParam<std::string> {
 protected:
  const Configuration& configuration() const { return find_configuration(GetParam()); }
  std::uint32_t rows() const { return static_cast<std::uint32_t>(configuration().rows); }
  std::uint32_t cols() const { return static_cast<std::uint32_t>(configuration().cols); }
  std::uint32_t depth() const { return static_cast<std::uint32_t>(configuration().acc_depth); }

  // Random beats and what they multiply to, straight from the definition of the streams.
  Beats make_beats(const Command& command) {
    Beats beats{command, {}, {}, {}};
    for (std::uint32_t n = 0; n < command.n_tiles; ++n) {
      std::vector<std::int32_t> sums(std::size_t{command.m} * cols(), 0);
      for (std::uint32_t k = 0; k < command.k_tiles; ++k) {
        std::vector<Code> tile(std::size_t{rows()} * cols());
        for (Code& code : tile) code = kAllCodes[generator_() >> 62];
        for (std::uint32_t r = 0; r < rows(); ++r) {
          std::vector<std::uint8_t> beat(code_beat_bytes(configuration()), 0);
          for (std::uint32_t c = 0; c < cols(); ++c) {
            const auto code = static_cast<unsigned>(tile[r * cols() + c]);
            beat[c / 4] = static_cast<std::uint8_t>(beat[c / 4] | code << (2 * (c % 4)));
          }
          beats.codes.insert(beats.codes.end(), beat.begin(), beat.end());
        }
        for (std::uint32_t m = 0; m < command.m; ++m) {
          for (std::uint32_t r = 0; r < rows(); ++r) {
            const auto a = static_cast<std::int8_t>(generator_());
            beats.activations.push_back(a);
            for (std::uint32_t c = 0; c < cols(); ++c) {
              sums[m * cols() + c] += a * decode(tile[r * cols() + c], command.mode);
            }
          }
        }
      }
      beats.expected.insert(beats.expected.end(), sums.begin(), sums.end());
    }
    return beats;
  }

  // Runs the commands, all offered at once; returns their cycles.
  std::vector<std::uint64_t> run(Device& device, const std::vector<Beats>& list) {
    std::size_t submitted = 0, code_list = 0, code_at = 0, act_list = 0, act_at = 0;
    std::vector<std::int32_t> got, expected;
    std::vector<std::uint64_t> cycles;
    for (const Beats& beats : list) {
      expected.insert(expected.end(), beats.expected.begin(), beats.expected.end());
    }
    std::vector<std::int32_t> lanes(64 * cols());
    for (int guard = 0; cycles.size() < list.size(); ++guard) {
      if (guard == 20'000'000) {
        ADD_FAILURE() << "no end: " << device.describe();
        return cycles;
      }
      while (submitted < list.size() && device.submit(list[submitted].command)) ++submitted;
      while (code_list < list.size()) {
        const std::vector<std::uint8_t>& codes = list[code_list].codes;
        code_at += code_beat_bytes(configuration()) *
                   device.push_codes(std::span(codes).subspan(code_at), true);
        if (code_at < codes.size()) break;
        code_at = 0;
        ++code_list;
      }
      while (act_list < list.size()) {
        const std::vector<std::int8_t>& activations = list[act_list].activations;
        act_at += rows() * device.push_activations(std::span(activations).subspan(act_at), true);
        if (act_at < activations.size()) break;
        act_at = 0;
        ++act_list;
      }
      device.advance(1000);
      while (const std::size_t beats = device.pop_results(lanes)) {
        got.insert(got.end(), lanes.begin(),
                   lanes.begin() + static_cast<std::ptrdiff_t>(beats * cols()));
      }
      while (const auto timing = device.pop_timing()) cycles.push_back(timing->cycles);
    }
    EXPECT_EQ(got, expected);
    return cycles;
  }

  std::mt19937_64 generator_{test_seed()};
  testing::ScopedTrace trace_{__FILE__, __LINE__, fmt::format("SZT_TEST_SEED={}", test_seed())};
};

TEST_P(ControlTest, QueuedCommandsOfAnySizeAndModeTakeTheModelsCycles) {
  const std::unique_ptr<Device> device = make_rtl_device(configuration());
  const std::uint32_t edge = std::max(rows(), cols());
  const std::uint32_t sizes[] = {1, 2, 4, edge - 1, edge, edge + 1, depth()};
  for (int round = 0; round < 12; ++round) {
    SCOPED_TRACE(fmt::format("round {}", round));
    std::vector<Beats> list;
    for (int i = 0; i < 8; ++i) {
      list.push_back(make_beats({std::min(depth(), sizes[generator_() % std::size(sizes)]),
                                 static_cast<std::uint32_t>(1 + generator_() % 4),
                                 static_cast<std::uint32_t>(1 + generator_() % 3),
                                 kAllDecodeModes[generator_() % kDecodeModeCount]}));
    }
    const std::vector<std::uint64_t> cycles = run(*device, list);
    ASSERT_EQ(cycles.size(), list.size());
    EXPECT_EQ(cycles[0], command_cycles(configuration(), list[0].command));
    for (std::size_t i = 1; i < list.size(); ++i) {
      EXPECT_EQ(cycles[i],
                queued_command_cycles(configuration(), list[i - 1].command, list[i].command))
          << "command " << i;
    }
    EXPECT_EQ(device->last_errors(), 0U);
    if (HasFailure()) return;
  }
}

// When M covers the array there is no idle cycle between two commands.
TEST_P(ControlTest, NoBubbleBetweenCommands) {
  const std::unique_ptr<Device> device = make_rtl_device(configuration());
  const std::uint32_t m = std::max(rows(), cols());
  if (m > depth()) GTEST_SKIP() << "the accumulator is shallower than the array";
  const std::vector<Beats> list = {make_beats({m, 1, 1, DecodeMode::kForward}),
                                   make_beats({m, 1, 1, DecodeMode::kForward}),
                                   make_beats({m, 1, 1, DecodeMode::kForward})};
  const std::vector<std::uint64_t> cycles = run(*device, list);
  EXPECT_EQ(cycles, (std::vector<std::uint64_t>{m + fill_cycles(configuration()), m, m}));
}

TEST_P(ControlTest, QueuedCommandsUnderStalls) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(fmt::format("stall seed {}", seed));
    const std::unique_ptr<Device> device = make_rtl_device(
        configuration(), {.stalls = StreamStalls::all(StallPattern::burst(0.6, 20), seed),
                          .trace = {},
                          .initial_state = seed});
    std::vector<Beats> list;
    for (std::uint32_t i = 0; i < 12; ++i) {
      list.push_back(
          make_beats({std::min(depth(), 1 + i % 5), 1 + i % 3, 1 + i % 2, kAllDecodeModes[i % 3]}));
    }
    run(*device, list);
    EXPECT_EQ(device->last_errors(), 0U);
    if (HasFailure()) return;
  }
}

// Many commands finish behind results that nobody takes: busy, done and the order must hold.
TEST_P(ControlTest, ManyTinyCommandsBehindBackPressure) {
  StreamStalls stalls;
  stalls.results = StallPattern::periodic(700);
  const std::unique_ptr<Device> device =
      make_rtl_device(configuration(), {.stalls = stalls, .trace = {}, .initial_state = 0});
  std::vector<Beats> list;
  for (std::uint32_t i = 0; i < 60; ++i) {
    list.push_back(make_beats({1, 1, 1, kAllDecodeModes[i % 3]}));
  }
  EXPECT_EQ(run(*device, list).size(), list.size());
  EXPECT_EQ(device->last_errors(), 0U);
}

// Tile counters beyond 8 and 16 bits.
TEST_P(ControlTest, ManyTiles) {
  const std::unique_ptr<Device> device = make_rtl_device(configuration());
  for (const Command& command :
       {Command{1, 1, 300, DecodeMode::kForward}, Command{1, 300, 1, DecodeMode::kForward},
        Command{2, 17, 33, DecodeMode::kForward}, Command{1, 1, 66'000, DecodeMode::kForward}}) {
    const std::vector<std::uint64_t> cycles = run(*device, {make_beats(command)});
    EXPECT_EQ(cycles, std::vector<std::uint64_t>{command_cycles(configuration(), command)});
    if (HasFailure()) return;
  }
}

TEST_P(ControlTest, NothingIsAcceptedWithoutACommand) {
  const std::unique_ptr<Device> device = make_rtl_device(configuration());
  const Beats beats = make_beats({3, 2, 2, DecodeMode::kForward});
  device->push_codes(beats.codes, true);
  device->push_activations(beats.activations, true);
  for (int i = 0; i < 50; ++i) device->advance(10);
  EXPECT_EQ(device->handshakes(), 0U);
}

// Codes are taken at most two tiles ahead, and never for more than the commands at hand.
TEST_P(ControlTest, CodesOfTheNextCommandWaitForIt) {
  const std::unique_ptr<Device> device = make_rtl_device(configuration());
  const Beats one = make_beats({1, 1, 1, DecodeMode::kForward});
  const Beats next = make_beats({1, 1, 1, DecodeMode::kForward});
  device->push_codes(one.codes, true);
  device->push_codes(next.codes, true);
  ASSERT_TRUE(device->submit(one.command));
  for (int i = 0; i < 200; ++i) device->advance(1);
  EXPECT_EQ(device->handshakes(), 1U + rows());
}

class LastTest : public ControlTest {};

TEST_P(LastTest, MisplacedTlastIsReportedAndChangesNothing) {
  // On codes and on activations: a TLAST too many after each beat, and the right one missing.
  const Beats beats = make_beats({3, 2, 1, DecodeMode::kForward});
  const std::span<const std::uint8_t> codes(beats.codes);
  const std::span<const std::int8_t> activations(beats.activations);
  for (const bool on_codes : {true, false}) {
    const std::size_t total = on_codes ? 2 * rows() : 6;  // beats of the stream
    for (std::size_t cut = 1; cut <= total; ++cut) {
      SCOPED_TRACE(fmt::format("{}: TLAST {}", on_codes ? "codes" : "activations",
                               cut == total ? "missing" : fmt::format("after {} beats", cut)));
      const std::unique_ptr<Device> device = make_rtl_device(configuration());
      ASSERT_TRUE(device->submit(beats.command));
      if (on_codes) {
        const std::size_t bytes = code_beat_bytes(configuration());
        device->push_codes(codes.first(cut * bytes), cut < total);
        if (cut < total) device->push_codes(codes.subspan(cut * bytes), true);
        device->push_activations(activations, true);
      } else {
        device->push_codes(codes, true);
        device->push_activations(activations.first(cut * rows()), cut < total);
        if (cut < total) device->push_activations(activations.subspan(cut * rows()), true);
      }
      for (int i = 0; i < 400; ++i) device->advance(1);
      std::vector<std::int32_t> lanes(beats.expected.size());
      EXPECT_EQ(device->pop_results(lanes), 3U);
      EXPECT_EQ(lanes, beats.expected);
      EXPECT_EQ(device->last_errors(), 1U);
      EXPECT_TRUE(device->pop_timing().has_value());
      if (HasFailure()) return;
    }
  }
}

TEST_P(ControlTest, IllegalCommandsAreRefused) {
  const std::unique_ptr<Device> device = make_rtl_device(configuration());
  const DecodeMode mode = DecodeMode::kForward;
  for (const Command& command :
       {Command{0, 1, 1, mode}, Command{depth() + 1, 1, 1, mode}, Command{1, 0, 1, mode},
        Command{1, 1U << 24, 1, mode}, Command{1, 1, 0, mode}, Command{1, 1, 1U << 24, mode}}) {
    EXPECT_THROW(device->submit(command), InputError);
  }
}

TEST_P(ControlTest, TraceIsWritten) {
  const std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) / fmt::format("szt_control_{}.fst", GetParam());
  {
    const std::unique_ptr<Device> device =
        make_rtl_device(configuration(), {.stalls = {}, .trace = path, .initial_state = 0});
    const Beats beats = make_beats({3, 2, 1, DecodeMode::kForward});
    const std::vector<std::uint64_t> cycles = run(*device, {beats});
    // Tracing evaluates in other steps; the behaviour is the same.
    EXPECT_EQ(cycles, std::vector<std::uint64_t>{command_cycles(configuration(), beats.command)});
  }
  EXPECT_NO_THROW(check_trace(path));
  // A trace cut short is noticed.
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  EXPECT_THROW(check_trace(path), InputError);
  std::filesystem::remove(path);
  EXPECT_THROW(check_trace(path), InputError);
  EXPECT_THROW(make_rtl_device(configuration(),
                               {.stalls = {}, .trace = "/dev/null/trace.fst", .initial_state = 0}),
               InputError);
}

const auto kName = [](const auto& name) { return name.param; };
INSTANTIATE_TEST_SUITE_P(Rtl, ControlTest, testing::ValuesIn(test_configurations()), kName);
INSTANTIATE_TEST_SUITE_P(Rtl, LastTest, testing::ValuesIn(test_configurations()), kName);

}  // namespace
}  // namespace szt::sim
