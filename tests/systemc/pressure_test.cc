// SPDX-License-Identifier: Apache-2.0
// The model's target against the RTL's when results wait for room and when a soft reset comes into
// the middle of something.
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

class PressureTest : public testing::TestWithParam<Style> {
 protected:
  std::uint32_t random(std::uint32_t bound) {
    return static_cast<std::uint32_t>(generator_() % bound);
  }
  // The program on both, from the same state of the generator.
  template <typename Program>
  Observation expect_same(const Configuration& configuration, const Program& program) {
    Observation seen[2];
    const std::uint64_t seed = generator_();
    for (const Kind kind : {Kind::kModel, Kind::kRtl}) {
      Bench bench(kind, GetParam(), configuration);
      Observation& here = seen[kind == Kind::kRtl];
      generator_.seed(seed);
      bench.run([&](Port& port) { program(port, here); });
      here.irq = bench.irq_edges();
    }
    EXPECT_EQ(seen[0].words.size(), seen[1].words.size());
    const auto [model, rtl] = std::mismatch(seen[0].words.begin(), seen[0].words.end(),
                                            seen[1].words.begin(), seen[1].words.end());
    if (model != seen[0].words.end() && rtl != seen[1].words.end()) {
      ADD_FAILURE() << "model " << to_string(*model) << ", rtl " << to_string(*rtl);
    }
    EXPECT_EQ(seen[0].results, seen[1].results);
    EXPECT_EQ(seen[0].irq, seen[1].irq);
    return seen[1];
  }
  // Takes up to so many result beats.
  void take(Port& port, const Configuration& configuration, Observation& here, std::size_t most) {
    here.look(port, kResultsLevel);
    const std::size_t lanes = std::min<std::size_t>(here.words.back().value & kLevelBeats, most) *
                              sim::result_beat_lanes(configuration);
    if (lanes == 0) return;
    const std::size_t before = here.results.size();
    here.results.resize(before + lanes);
    EXPECT_EQ(port.transport(tlm::TLM_READ_COMMAND, kResults,
                             {reinterpret_cast<std::uint8_t*>(&here.results[before]),
                              lanes * sizeof(std::int32_t)}),
              tlm::TLM_OK_RESPONSE);
  }

  std::mt19937_64 generator_{test_seed()};
  testing::ScopedTrace trace_{__FILE__, __LINE__, fmt::format("SZT_TEST_SEED={}", test_seed())};
};

// More results than the window holds, taken in fits; at the end, the reset while one is held.
TEST_P(PressureTest, ResultsThatWaitCostTheSameCycles) {
  for (int round = 0; round < 6; ++round) {
    const char* const names[] = {"tiny", "tall", "wide"};
    const Configuration& configuration = find_configuration(names[round % 3]);
    const std::uint32_t m =
        round < 3 ? static_cast<std::uint32_t>(configuration.acc_depth) : 1 + random(5);
    const Command command = {m, m < 4 ? 1 : 1 + random(2), 2700 / m, DecodeMode::kForward};
    SCOPED_TRACE(fmt::format("{} M={} K tiles {} N tiles {}", configuration.name, m,
                             command.k_tiles, command.n_tiles));
    const Beats beats = sim::make_beats(configuration, command, generator_);
    const bool reset = random(2) == 0;
    const Observation seen = expect_same(configuration, [&](Port& port, Observation& here) {
      std::size_t code = 0, activation = 0;
      const auto top_up = [&](std::uint64_t window, std::uint64_t level, std::size_t beat_bytes,
                              std::span<const std::uint8_t> all, std::size_t& at) {
        here.look(port, level);
        const std::size_t count =
            std::min<std::size_t>({here.words.back().value & kLevelBeats,
                                   (all.size() - at) / beat_bytes, 1 + random(300)});
        if (count == 0) return;
        port.write_beats(window, beat_bytes, all.subspan(at, count * beat_bytes),
                         at + count * beat_bytes == all.size());
        at += count * beat_bytes;
      };
      start(port, command);
      while (code < beats.codes.size() || activation < beats.activations.size()) {
        top_up(kCodes, kCodesLevel, sim::code_beat_bytes(configuration), beats.codes, code);
        top_up(kActivations, kActivationsLevel, sim::activation_beat_bytes(configuration),
               bytes_of(beats.activations), activation);
        port.wait_cycles(random(40));
        if (port.edge() > 200'000) break;
        // From here on it may only end if results are taken.
        if (port.edge() > 40'000) take(port, configuration, here, 1 + random(3));
      }
      // Until the window is full.
      const std::uint64_t full = std::uint64_t{2700 / m} * std::max(m, 12U) * command.k_tiles;
      if (port.edge() < full) port.wait_cycles(full - port.edge());
      for (int i = 0; i < 200; ++i) {
        take(port, configuration, here, 1 + random(random(4) == 0 ? 60 : 3));
        // The room makes credits, these let vectors go: a cycle sooner or later.
        for (int j = 0; j < 6; ++j) here.look(port, kActivationsLevel);
        port.wait_cycles(random(random(3) == 0 ? 80 : 4));
        if (i % 8 == 0) here.look(port, registers::kStatus);
        if (i == 20 && reset) {
          port.write_ok(registers::kControl,
                        registers::kControlSoftReset.mask() | registers::kControlIrqEnable.mask());
        }
      }
      const std::uint64_t limit = port.edge() + 100'000;
      do {
        take(port, configuration, here, 2048);
        here.look(port, registers::kStatus);
      } while (registers::kStatusBusy.get(here.words.back().value) != 0 && port.edge() < limit);
      while ((port.read_ok(kResultsLevel) & kLevelBeats) != 0)
        take(port, configuration, here, 2048);
      here.look(port, registers::kStatus);
      here.look(port, registers::kCycles);
      here.look(port, registers::kDoneCount);
      port.wait_cycles(3);
    });
    if (!reset) {
      EXPECT_EQ(seen.results, beats.expected);
    }
    if (HasFailure()) return;
  }
}

// A reset at any time while beats come in fits; what the dropped commands still get is discarded,
// in front of the next command's beats.
TEST_P(PressureTest, ASoftResetAmongLateBeatsCostsTheSameCycles) {
  for (int round = 0; round < 60; ++round) {
    const char* const names[] = {"tiny", "tall", "wide"};
    const Configuration& configuration = find_configuration(names[random(3)]);
    std::vector<Beats> list;
    const std::size_t dropped = 1 + random(3);
    for (std::size_t i = 0; i < dropped + 1; ++i) {
      list.push_back(sim::make_beats(
          configuration,
          {1 + random(12), 1 + random(3), 1 + random(2), kAllDecodeModes[random(kDecodeModeCount)]},
          generator_));
    }
    const Feed feed = random_feed(configuration, list, generator_);
    const std::uint32_t wait = random(200), behind = random(60);
    SCOPED_TRACE(fmt::format("round {}: {}, {} commands dropped after {} cycles", round,
                             configuration.name, dropped, wait));
    expect_same(configuration, [&](Port& port, Observation& here) {
      Feeder feeder(port, configuration, feed);
      const auto idle = [&](std::uint32_t cycles) {
        for (std::uint32_t i = 0; i < cycles; ++i) {
          feeder.push_due();
          port.wait_cycles(1);
        }
        feeder.push_due();
      };
      for (std::size_t i = 0; i < dropped; ++i) {
        feeder.push_due();
        start(port, list[i].command);
      }
      idle(wait);
      port.write_ok(registers::kControl,
                    registers::kControlSoftReset.mask() | registers::kControlIrqEnable.mask());
      here.look(port, registers::kStatus);
      here.look(port, registers::kCycles);
      idle(behind);
      start(port, list.back().command);
      std::size_t packets = 0;
      const std::uint64_t limit = port.edge() + 6'000;
      while (port.edge() < limit && (!feeder.done() || packets < list.back().command.n_tiles)) {
        feeder.push_due();
        here.look(port, random(2) == 0 ? kCodesLevel : kActivationsLevel);
        here.look(port, registers::kStatus);
        here.look(port, kResultsLevel);
        const std::uint32_t level = here.words.back().value;
        if ((level & kLevelLast) != 0) ++packets;
        take(port, configuration, here, 2048);
      }
      here.look(port, registers::kStatus);
      here.look(port, registers::kCycles);
      here.look(port, registers::kDoneCount);
      here.look(port, kCodesLevel);
      here.look(port, kActivationsLevel);
      port.wait_cycles(3);
    });
    if (HasFailure()) return;
  }
}

// SOFT_RESET, FLUSH and START in one write: the command begins when the queue is out of its reset.
TEST_P(PressureTest, AStartWithASoftResetBeginsInTheSameCycle) {
  for (const char* const name : {"tiny", "tall", "medium"}) {
    const Configuration& configuration = find_configuration(name);
    const Beats beats = sim::make_beats(configuration, {5, 2, 1, DecodeMode::kSign}, generator_);
    const Observation seen = expect_same(configuration, [&](Port& port, Observation& here) {
      start(port, beats.command);  // no beats: dropped
      write_beats(port, configuration, beats);
      port.write_ok(registers::kControl, registers::kControlSoftReset.mask());
      port.wait_cycles(100);  // all of them are discarded
      write_beats(port, configuration, beats);
      here.look(port, registers::kCycles);
      port.write_ok(registers::kControl,
                    registers::kControlSoftReset.mask() | registers::kControlFlush.mask() |
                        registers::kControlStart.mask() | registers::kControlIrqEnable.mask());
      here.look(port, registers::kCycles);
      here.look(port, kCodesLevel);
      EXPECT_TRUE(port.wait_irq(1000));
      here.look(port, kResultsLevel);
      here.look(port, registers::kCycles);
      take(port, configuration, here, 2048);
      port.wait_cycles(3);
    });
    EXPECT_EQ(seen.results, beats.expected);
  }
}

// A beat that comes around the edge of FLUSH is discarded or the next command's, as in the RTL.
TEST_P(PressureTest, AFlushTakesTheSameBeats) {
  if (GetParam() == Style::kBlocking) GTEST_SKIP() << "needs transactions at a time";
  const Configuration& configuration = find_configuration("tiny");
  const Command command = {2, 1, 1, DecodeMode::kForward};
  const std::size_t bytes = sim::code_beat_bytes(configuration);
  for (std::uint64_t offset = 0; offset < 6; ++offset) {
    SCOPED_TRACE(fmt::format("{} cycles behind the write's begin", offset));
    const Beats beats = sim::make_beats(configuration, command, generator_);
    std::vector<std::uint8_t> flush = {static_cast<std::uint8_t>(registers::kControlFlush.mask()),
                                       0, 0, 0};
    const Observation seen = expect_same(configuration, [&](Port& port, Observation& here) {
      start(port, command);
      port.write_ok(registers::kControl, registers::kControlSoftReset.mask());
      start(port, command);
      port.wait_cycles(20);
      const auto sent = port.send(tlm::TLM_WRITE_COMMAND, registers::kControl, flush);
      port.wait_cycles(offset);
      port.write_beats(kCodes, bytes, std::span(beats.codes).first(bytes), false);
      std::uint64_t end = 0;
      EXPECT_EQ(port.finish(sent, end), tlm::TLM_OK_RESPONSE);
      here.look(port, kCodesLevel);
      port.write_beats(kCodes, bytes, std::span(beats.codes).subspan(bytes), true);
      // One more, for the case that the first is lost.
      port.write_beats(kCodes, bytes, std::span(beats.codes).first(bytes), true);
      write_activations(port, configuration, beats);
      for (int i = 0; i < 40; ++i) here.look(port, kCodesLevel);
      here.look(port, registers::kStatus);
      take(port, configuration, here, 2048);
    });
    EXPECT_EQ(seen.results == beats.expected, offset > 2);
  }
}

INSTANTIATE_TEST_SUITE_P(Styles, PressureTest, testing::Values(Style::kBlocking, Style::kFourPhase),
                         [](const auto& given) { return to_string(given.param); });

}  // namespace
}  // namespace szt::systemc
