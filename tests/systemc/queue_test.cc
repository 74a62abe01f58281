// SPDX-License-Identifier: Apache-2.0
// Which STARTs a target takes and which it refuses: one command waits at the registers, two in the
// core's queue, and others are on their way through the array.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "systemc/feeder.h"
#include "systemc/target_testing.h"
#include "szt/sim/registers.h"
#include "szt/systemc/address_map.h"

namespace szt::systemc {
namespace {

namespace registers = sim::matmul;
using sim::Beats;

class QueueTest : public testing::TestWithParam<Style> {
 protected:
  std::uint32_t random(std::uint32_t bound) {
    return static_cast<std::uint32_t>(generator_() % bound);
  }

  std::mt19937_64 generator_{test_seed()};
  testing::ScopedTrace trace_{__FILE__, __LINE__, fmt::format("SZT_TEST_SEED={}", test_seed())};
};

// While the first runs, three more can be started: four unfinished commands.
TEST_P(QueueTest, FourUnfinishedCommandsAreTaken) {
  const Configuration& configuration = find_configuration("tiny");
  const Command command = {60, 1, 1, DecodeMode::kForward};
  for (const Kind kind : {Kind::kModel, Kind::kRtl}) {
    Bench bench(kind, GetParam(), configuration);
    bench.run([&](Port& port) {
      std::vector<std::int32_t> expected, got;
      for (int i = 0; i < 4; ++i) {
        const Beats beats = sim::make_beats(configuration, command, generator_);
        write_beats(port, configuration, beats);
        expected.insert(expected.end(), beats.expected.begin(), beats.expected.end());
      }
      start(port, command);
      port.wait_cycles(16);
      for (int i = 0; i < 3; ++i) {
        port.write_ok(registers::kControl, registers::kControlStart.mask());
        port.wait_cycles(6);
      }
      EXPECT_EQ(port.read_ok(registers::kDoneCount), 0U);
      for (int i = 0; i < 4; ++i) {
        const std::vector<std::int32_t> part = collect(port, configuration, command);
        got.insert(got.end(), part.begin(), part.end());
      }
      EXPECT_EQ(got, expected);
      EXPECT_EQ(port.read_ok(registers::kDoneCount), 4U);
      EXPECT_EQ(port.read_ok(registers::kStatus), 0U);
    });
  }
}

// STARTs in any cycle, full queue or not.
TEST_P(QueueTest, StartsAreTakenAndRefusedInTheSameCycles) {
  constexpr int kStarts = 12;
  for (int round = 0; round < 60; ++round) {
    const char* const names[] = {"tiny", "wide", "tall"};
    const Configuration& configuration = find_configuration(names[random(3)]);
    const Command command = {1 + random(random(2) == 0 ? 3 : 17), 1 + random(2), 1 + random(2),
                             DecodeMode::kSign};
    SCOPED_TRACE(fmt::format("round {}: {} M={} K tiles {} N tiles {}", round, configuration.name,
                             command.m, command.k_tiles, command.n_tiles));
    std::vector<Beats> list;
    for (int i = 0; i < kStarts; ++i) {
      list.push_back(sim::make_beats(configuration, command, generator_));
    }
    Feed feed = random_feed(configuration, list, generator_);
    std::vector<std::uint32_t> gaps;
    for (int i = 0; i < kStarts; ++i) gaps.push_back(random(random(2) == 0 ? 4 : 90));
    const bool resets = random(6) == 0;
    Observation seen[2];
    for (const Kind kind : {Kind::kModel, Kind::kRtl}) {
      Observation& here = seen[kind == Kind::kRtl];
      Bench bench(kind, GetParam(), configuration);
      bench.run([&](Port& port) {
        Feeder feeder(port, configuration, feed);
        start(port, command);
        for (const std::uint32_t gap : gaps) {
          feeder.push_due();
          for (std::uint32_t i = 0; i < gap; ++i) {
            port.wait_cycles(1);
            feeder.push_due();
          }
          const std::uint32_t first =
              &gap == &gaps[5] && resets
                  ? registers::kControlSoftReset.mask() | registers::kControlFlush.mask()
                  : 0;
          port.write_ok(registers::kControl, registers::kControlStart.mask() |
                                                 registers::kControlIrqEnable.mask() | first);
          here.look(port, registers::kStatus);
          here.look(port, kCodesLevel);
          here.look(port, kActivationsLevel);
        }
        while (!feeder.done()) {
          port.wait_cycles(1);
          feeder.push_due();
        }
        port.wait_cycles(1500);
        std::size_t before = 0;
        do {
          before = here.results.size();
          read_results(port, configuration, here.results);
        } while (here.results.size() != before);
        here.look(port, registers::kStatus);
        here.look(port, registers::kDoneCount);
        here.look(port, registers::kCycles);
        here.look(port, kCodesLevel);
        here.look(port, kActivationsLevel);
      });
      here.irq = bench.irq_edges();
    }
    const auto [model, rtl] = std::mismatch(seen[0].words.begin(), seen[0].words.end(),
                                            seen[1].words.begin(), seen[1].words.end());
    if (model != seen[0].words.end()) {
      ADD_FAILURE() << "model " << to_string(*model) << ", rtl " << to_string(*rtl);
    }
    EXPECT_EQ(seen[0].results, seen[1].results);
    EXPECT_EQ(seen[0].irq, seen[1].irq);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Styles, QueueTest, testing::Values(Style::kBlocking, Style::kFourPhase),
                         [](const auto& given) { return to_string(given.param); });

}  // namespace
}  // namespace szt::systemc
