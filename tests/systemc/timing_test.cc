// SPDX-License-Identifier: Apache-2.0
// The model's target against the RTL's: the same transactions of the same program, every result bit
// and every time. Nothing stalls here.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "cosim/cosim_util.h"
#include "systemc/bench.h"
#include "systemc/program.h"
#include "szt/cycle_model.h"
#include "szt/matmul.h"
#include "szt/sim/registers.h"
#include "szt/systemc/address_map.h"
#include "szt/systemc/rtl_target.h"

namespace szt::systemc {
namespace {

namespace registers = sim::matmul;
using sim::Beats;

// How irq_o follows the acceptance of the last result: done_o, DONE, irq_o, a register each.
constexpr std::uint64_t kResultToIrq = 2;

// What a program saw of a command.
struct Observation {
  std::uint64_t started = 0, irq = 0;
  std::uint32_t cycles = 0, status = 0, done_count = 0;
  std::vector<std::int32_t> results;
  std::uint32_t packets = 0;
  std::vector<std::uint64_t> times;  // of everything, in order
  bool operator==(const Observation&) const = default;
};

Observation run_command(Bench& bench, const Configuration& configuration, const Beats& beats) {
  Observation seen;
  bench.run([&](Port& port) {
    const std::uint32_t cycles_before = port.read_ok(registers::kCycles);
    write_beats(port, configuration, beats);
    seen.started = start(port, beats.command);
    if (!port.wait_irq(100'000)) {
      ADD_FAILURE() << "no interrupt";
      return;
    }
    seen.irq = port.edge();
    seen.times = {port.edge()};
    seen.cycles = port.read_ok(registers::kCycles) - cycles_before;
    seen.status = port.read_ok(registers::kStatus);
    seen.done_count = port.read_ok(registers::kDoneCount);
    seen.times.push_back(port.edge());
    const std::size_t expected = std::size_t{beats.command.m} * beats.command.n_tiles *
                                 sim::result_beat_lanes(configuration);
    while (seen.packets < beats.command.n_tiles) {
      if (read_results(port, configuration, seen.results)) {
        ++seen.packets;
      } else if (seen.results.size() >= expected || port.edge() > seen.irq + 10'000) {
        ADD_FAILURE() << "a result or its TLAST is missing";
        return;
      }
      seen.times.push_back(port.edge());
    }
    port.write_ok(registers::kStatus, registers::kStatusDone.mask());
    seen.times.push_back(port.edge());
    port.wait_cycles(2);
  });
  return seen;
}

struct Case {
  std::string configuration;
  Style style;
};
std::string name_of(const testing::TestParamInfo<Case>& info) {
  return info.param.configuration + to_string(info.param.style);
}
std::vector<Case> cases() {
  std::vector<Case> list;
  for (const std::string_view name : rtl_configurations()) {
    for (const Style style : {Style::kBlocking, Style::kNonBlocking, Style::kFourPhase}) {
      list.push_back({std::string(name), style});
    }
  }
  return list;
}

class TimingTest : public testing::TestWithParam<Case> {
 protected:
  const Configuration& configuration() const {
    return find_configuration(GetParam().configuration);
  }
  // In 1..3 tiles: whole ones, and one element less or more.
  std::vector<std::uint32_t> sizes(int unit) const {
    const auto u = static_cast<std::uint32_t>(unit);
    return {1, u - 1, u, u + 1, 2 * u - 1, 2 * u, 3 * u - 1, 3 * u};
  }

  // Runs a command on both; every time and result must be the same, and the cycle model's.
  Observation expect_same(const Beats& beats) {
    const Observation of_model = run_command(model_, configuration(), beats);
    const Observation of_rtl = run_command(rtl_, configuration(), beats);
    const std::uint64_t cycles = command_cycles(configuration(), beats.command);
    EXPECT_EQ(of_rtl.irq - of_rtl.started, cycles + kResultToIrq);
    EXPECT_EQ(of_model.irq - of_model.started, cycles + kResultToIrq);
    EXPECT_EQ(of_model.cycles, cycles);
    EXPECT_EQ(of_model.times, of_rtl.times);
    EXPECT_EQ(of_model.results, of_rtl.results);
    EXPECT_TRUE(of_model == of_rtl);
    EXPECT_EQ(of_rtl.done_count, ++commands_);
    return of_rtl;
  }

  Bench model_{Kind::kModel, GetParam().style, configuration()};
  Bench rtl_{Kind::kRtl, GetParam().style, configuration()};
  std::uint32_t commands_ = 0;
  std::mt19937_64 generator_{test_seed()};
};

// The core counts tiles of K and N, and single vectors.
TEST_P(TimingTest, EveryShapeAndModeTakesTheSameTimeAsTheRtl) {
  const int edge = std::max(configuration().rows, configuration().cols);
  for (const std::uint32_t m : sizes(edge)) {
    if (m > static_cast<std::uint32_t>(configuration().acc_depth)) continue;
    for (std::uint32_t k = 1; k <= 3; ++k) {
      for (std::uint32_t n = 1; n <= 3; ++n) {
        for (const DecodeMode mode : kAllDecodeModes) {
          SCOPED_TRACE(fmt::format("M={} {} K tiles {} N tiles mode {}, SZT_TEST_SEED={}", m, k, n,
                                   static_cast<int>(mode), test_seed()));
          const Beats beats = sim::make_beats(configuration(), {m, k, n, mode}, generator_);
          EXPECT_EQ(expect_same(beats).results, beats.expected);
          ASSERT_FALSE(HasFailure());
        }
      }
    }
  }
  EXPECT_EQ(model_.irq_edges(), rtl_.irq_edges());
}

// Whole products with ragged edges, padded as the driver does it.
TEST_P(TimingTest, RaggedProductsTakeTheSameTimeAsTheRtl) {
  const int edge = std::max(configuration().rows, configuration().cols);
  const auto cols = static_cast<std::size_t>(configuration().cols);
  for (const std::uint32_t m : {1U, static_cast<std::uint32_t>(edge) + 1}) {
    for (const std::uint32_t k : sizes(configuration().rows)) {
      for (const std::uint32_t n : sizes(configuration().cols)) {
        const DecodeMode mode = kAllDecodeModes[generator_() % kDecodeModeCount];
        const sim::Work work = sim::random_work({m, k, n}, generator_, mode);
        SCOPED_TRACE(fmt::format("{} mode {}, SZT_TEST_SEED={}", sim::to_string({m, k, n}),
                                 static_cast<int>(mode), test_seed()));
        const Observation seen = expect_same(beats_of(work, configuration()));
        std::vector<std::int32_t> y(std::size_t{m} * n), got(y.size());
        matmul_reference(work.x, m, work.weights, mode, y);
        ASSERT_EQ(seen.results.size(), m * ((n + cols - 1) / cols) * cols);
        for (std::size_t row = 0; row < m; ++row) {
          for (std::size_t col = 0; col < n; ++col) {
            got[row * n + col] = seen.results[(col / cols * m + row) * cols + col % cols];
          }
        }
        EXPECT_EQ(got, y);
        ASSERT_FALSE(HasFailure());
      }
    }
  }
}

// Every level of the results in every cycle, and STATUS as seen by a program that polls it.
TEST_P(TimingTest, ResultsComeInTheSameCycles) {
  const auto rows = static_cast<std::uint32_t>(configuration().rows);
  for (const Command& command :
       {Command{3, 2, 3, DecodeMode::kForward}, Command{rows + 2, 1, 3, DecodeMode::kSign},
        Command{std::min<std::uint32_t>(3 * rows,
                                        static_cast<std::uint32_t>(configuration().acc_depth)),
                3, 2, DecodeMode::kZeroSign}}) {
    SCOPED_TRACE(fmt::format("M={}", command.m));
    const Beats beats = sim::make_beats(configuration(), command, generator_);
    std::vector<std::uint32_t> levels[2], states[2];
    for (const Kind kind : {Kind::kModel, Kind::kRtl}) {
      Bench bench(kind, GetParam().style, configuration());
      bench.run([&](Port& port) {
        const std::uint64_t end = command_cycles(configuration(), command) + 100;
        write_beats(port, configuration(), beats);
        const std::uint64_t begin = start(port, command);
        std::vector<std::int32_t> got;
        while (port.edge() < begin + end) {
          const std::uint32_t level = port.read_ok(kResultsLevel);
          levels[kind == Kind::kRtl].push_back(level);
          if ((level & kLevelLast) != 0) read_results(port, configuration(), got);
        }
        EXPECT_EQ(got, beats.expected);
      });
    }
    EXPECT_EQ(levels[0], levels[1]);
    for (const Kind kind : {Kind::kModel, Kind::kRtl}) {
      Bench bench(kind, GetParam().style, configuration());
      bench.run([&](Port& port) {
        const std::uint64_t end = command_cycles(configuration(), command) + 20;
        write_beats(port, configuration(), beats);
        const std::uint64_t begin = start(port, command);
        while (port.edge() < begin + end) {
          states[kind == Kind::kRtl].push_back(port.read_ok(registers::kStatus));
          states[kind == Kind::kRtl].push_back(port.read_ok(registers::kCycles));
        }
      });
    }
    EXPECT_EQ(states[0], states[1]);
  }
}

// An acknowledgement in any cycle around DONE: one that comes too early clears nothing.
TEST_P(TimingTest, DoneIsAcknowledgedInTheSameCycles) {
  const Command command = {4, 1, 1, DecodeMode::kForward};
  const std::uint64_t cycles = command_cycles(configuration(), command);
  std::vector<std::uint32_t> states[2];
  std::vector<IrqEdge> irq_edges[2];
  for (const Kind kind : {Kind::kModel, Kind::kRtl}) {
    Bench bench(kind, GetParam().style, configuration());
    for (std::uint64_t before = 0; before < 10; ++before) {
      const Beats beats = sim::make_beats(configuration(), command, generator_);
      bench.run([&](Port& port) {
        write_beats(port, configuration(), beats);
        const std::uint64_t begin = start(port, command);
        port.wait_cycles(cycles + 4 - before);
        EXPECT_LT(begin, port.edge());
        port.write_ok(registers::kStatus, registers::kStatusDone.mask());
        states[kind == Kind::kRtl].push_back(port.read_ok(registers::kStatus));
        port.wait_cycles(20);
        states[kind == Kind::kRtl].push_back(port.read_ok(registers::kStatus));
        EXPECT_EQ(collect(port, configuration(), command), beats.expected);
        port.wait_cycles(2);
      });
    }
    irq_edges[kind == Kind::kRtl] = bench.irq_edges();
  }
  EXPECT_EQ(states[0], states[1]);
  EXPECT_EQ(irq_edges[0], irq_edges[1]);
  EXPECT_EQ(irq_edges[1].size(), 20U);
}

// Commands that queue behind each other end when the RTL ends them.
TEST_P(TimingTest, QueuedCommandsEndInTheSameCycles) {
  const auto width =
      static_cast<std::uint32_t>(std::max(configuration().rows, configuration().cols));
  for (int round = 0; round < 8; ++round) {
    SCOPED_TRACE(fmt::format("round {}, SZT_TEST_SEED={}", round, test_seed()));
    std::vector<Beats> list;
    for (int i = 0; i < 3; ++i) {
      // Long enough that the other two are queued before the first ends.
      const std::uint32_t m[] = {1, width / 2, width, width + 3};
      list.push_back(sim::make_beats(
          configuration(),
          {m[generator_() % 4], i == 0 ? 12U : static_cast<std::uint32_t>(1 + generator_() % 4),
           static_cast<std::uint32_t>(1 + generator_() % 3),
           kAllDecodeModes[generator_() % kDecodeModeCount]},
          generator_));
    }
    std::vector<std::uint64_t> ends[2];
    for (const Kind kind : {Kind::kModel, Kind::kRtl}) {
      Bench bench(kind, GetParam().style, configuration());
      bench.run([&](Port& port) {
        std::vector<std::int32_t> got, expected;
        for (const Beats& beats : list) {
          write_beats(port, configuration(), beats);
          expected.insert(expected.end(), beats.expected.begin(), beats.expected.end());
        }
        const std::uint64_t begin = start(port, list[0].command);
        start(port, list[1].command);
        start(port, list[2].command);
        // The edge at which each command's last result is there.
        std::size_t packets = 0, command = 0;
        while (command < list.size() && port.edge() < begin + 100'000) {
          const std::uint32_t level = port.read_ok(kResultsLevel);
          const std::uint64_t seen = port.edge();
          if ((level & kLevelLast) == 0) continue;
          read_results(port, configuration(), got);
          if (++packets < list[command].command.n_tiles) continue;
          packets = 0;
          ++command;
          ends[kind == Kind::kRtl].push_back(seen - begin);
        }
        EXPECT_EQ(got, expected);
        EXPECT_EQ(port.read_ok(registers::kDoneCount), 3U);
        EXPECT_EQ(port.read_ok(registers::kCycles),
                  command_cycles(configuration(), list[0].command) +
                      queued_command_cycles(configuration(), list[0].command, list[1].command) +
                      queued_command_cycles(configuration(), list[1].command, list[2].command));
      });
    }
    EXPECT_EQ(ends[0], ends[1]);
    ASSERT_EQ(ends[1].size(), 3U);
    // It costs a cycle to look.
    EXPECT_EQ(ends[1][0], command_cycles(configuration(), list[0].command) + 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Configurations, TimingTest, testing::ValuesIn(cases()), name_of);

}  // namespace
}  // namespace szt::systemc
