// SPDX-License-Identifier: Apache-2.0
// The model's target against the RTL's while streams stall: every level word, result, register and
// change of irq in the same cycle, whenever the beats come and go.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "cosim/cosim_util.h"
#include "systemc/bench.h"
#include "systemc/feeder.h"
#include "systemc/program.h"
#include "szt/sim/registers.h"
#include "szt/systemc/address_map.h"
#include "szt/systemc/rtl_target.h"

namespace szt::systemc {
namespace {

namespace registers = sim::matmul;
using sim::Beats;

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
    for (const Style style : {Style::kBlocking, Style::kFourPhase}) {
      list.push_back({std::string(name), style});
    }
  }
  return list;
}

class StallTest : public testing::TestWithParam<Case> {
 protected:
  const Configuration& configuration() const {
    return find_configuration(GetParam().configuration);
  }
  std::uint32_t random(std::uint32_t bound) {
    return static_cast<std::uint32_t>(generator_() % bound);
  }
  Beats random_beats() {
    const auto depth = static_cast<std::uint32_t>(configuration().acc_depth);
    const auto edge = static_cast<std::uint32_t>(configuration().rows + configuration().cols);
    const std::uint32_t m = random(2) == 0 ? 1 + random(5) : 1 + random(edge);
    return sim::make_beats(configuration(),
                           {std::min(m, depth), 1 + random(4), 1 + random(3),
                            kAllDecodeModes[random(kDecodeModeCount)]},
                           generator_);
  }
  // The same program on both; what it saw must be the same.
  template <typename Program>
  Observation expect_same(const Program& program) {
    Observation seen[2];
    for (const Kind kind : {Kind::kModel, Kind::kRtl}) {
      Bench bench(kind, GetParam().style, configuration());
      Observation& here = seen[kind == Kind::kRtl];
      bench.run([&](Port& port) { program(port, here); });
      here.irq = bench.irq_edges();
    }
    EXPECT_EQ(seen[0].results, seen[1].results);
    EXPECT_EQ(seen[0].irq, seen[1].irq);
    const auto [model, rtl] = std::mismatch(seen[0].words.begin(), seen[0].words.end(),
                                            seen[1].words.begin(), seen[1].words.end());
    if (model != seen[0].words.end() || rtl != seen[1].words.end()) {
      ADD_FAILURE() << "first difference: model "
                    << (model == seen[0].words.end() ? "-" : to_string(*model)) << ", rtl "
                    << (rtl == seen[1].words.end() ? "-" : to_string(*rtl));
    }
    return seen[1];
  }

  std::mt19937_64 generator_{test_seed()};
  testing::ScopedTrace trace_{__FILE__, __LINE__, fmt::format("SZT_TEST_SEED={}", test_seed())};
};

// Beats in fits, early and late, of up to three commands that queue behind each other.
TEST_P(StallTest, GapsOfTheInputsCostTheSameCycles) {
  for (int round = 0; round < 40; ++round) {
    SCOPED_TRACE(fmt::format("round {}", round));
    std::vector<Beats> list;
    std::string text;
    for (std::uint32_t i = 0, n = 1 + random(3); i < n; ++i) {
      list.push_back(random_beats());
      const Command& command = list.back().command;
      text +=
          fmt::format("[M={} K tiles {} N tiles {}]", command.m, command.k_tiles, command.n_tiles);
    }
    SCOPED_TRACE(text);
    const Feed feed = random_feed(configuration(), list, generator_);
    const std::uint32_t starts_gap = random(3) == 0 ? random(200) : 0;
    const std::uint32_t look = random(4);
    const Observation seen = expect_same([&](Port& port, Observation& here) {
      Feeder feeder(port, configuration(), feed);
      std::size_t started = 0, packets = 0, expected_packets = 0;
      for (const Beats& beats : list) expected_packets += beats.command.n_tiles;
      std::uint64_t next_start = port.edge();
      const std::uint64_t limit = port.edge() + 20'000;
      while (packets < expected_packets && port.edge() < limit) {
        feeder.push_due();
        if (started < list.size() && port.edge() >= next_start) {
          start(port, list[started++].command);
          next_start = port.edge() + starts_gap;
          continue;
        }
        if (look == 1) here.look(port, kCodesLevel);
        if (look == 2) here.look(port, kActivationsLevel);
        if (look == 3) here.look(port, registers::kStatus);
        here.look(port, kResultsLevel);
        if ((here.words.back().value & kLevelLast) == 0) continue;
        read_results(port, configuration(), here.results);
        ++packets;
      }
      port.wait_cycles(5);
      here.look(port, registers::kCycles);
      here.look(port, registers::kDoneCount);
      here.look(port, registers::kStatus);
      port.wait_cycles(3);
    });
    std::vector<std::int32_t> expected;
    for (const Beats& beats : list) {
      expected.insert(expected.end(), beats.expected.begin(), beats.expected.end());
    }
    EXPECT_EQ(seen.results, expected);
    if (HasFailure()) return;
  }
}

// A host that sends each vector only after the result of the one before it.
TEST_P(StallTest, AVectorMayWaitForTheResultBeforeIt) {
  for (const std::uint32_t tiles : {1U, 2U}) {
    const Beats beats =
        sim::make_beats(configuration(), {4, 1, tiles, DecodeMode::kForward}, generator_);
    const std::size_t beat_bytes = sim::activation_beat_bytes(configuration());
    const Observation seen = expect_same([&](Port& port, Observation& here) {
      write_codes(port, configuration(), beats);
      start(port, beats.command);
      const std::uint64_t limit = port.edge() + 10'000;
      for (std::size_t v = 0; v < std::size_t{4} * tiles && port.edge() < limit; ++v) {
        port.write_beats(kActivations, beat_bytes,
                         bytes_of(beats.activations).subspan(v * beat_bytes, beat_bytes),
                         v + 1 == std::size_t{4} * tiles);
        do {
          here.look(port, kResultsLevel);
        } while (here.words.back().value == 0 && port.edge() < limit);
        read_results(port, configuration(), here.results);
      }
      port.wait_cycles(4);
      here.look(port, registers::kStatus);
      here.look(port, registers::kCycles);
    });
    EXPECT_EQ(seen.results, beats.expected);
  }
}

// One chunk early, the other late, in the middle of a tile.
TEST_P(StallTest, AChunkThatIsLateDelaysWhatFollowsOnly) {
  const auto depth = static_cast<std::uint32_t>(configuration().acc_depth);
  for (const std::uint32_t m : {1U, 2U, 3U, 8U, std::min(64U, depth)}) {
    for (const std::uint32_t k_tiles : {1U, 3U, 5U}) {
      for (const std::uint32_t early : {0U, 1U, m / 2}) {
        for (const bool codes : {false, true}) {
          SCOPED_TRACE(
              fmt::format("M={} K tiles {}, {} early, codes {}", m, k_tiles, early, codes));
          const Beats beats =
              sim::make_beats(configuration(), {m, k_tiles, 1, DecodeMode::kForward}, generator_);
          Feed feed;
          feed.codes = beats.codes;
          feed.activations.assign(bytes_of(beats.activations).begin(),
                                  bytes_of(beats.activations).end());
          const std::size_t all_codes = beats.codes.size() / sim::code_beat_bytes(configuration());
          const std::size_t all_activations = std::size_t{m} * k_tiles;
          const std::size_t first = std::min<std::size_t>(early, codes ? all_codes : m);
          feed.code_lasts = {all_codes};
          feed.activation_lasts = {all_activations};
          feed.pushes = {{0, codes, first},
                         {0, !codes, codes ? all_activations : all_codes},
                         {150, codes, (codes ? all_codes : all_activations) - first}};
          expect_same([&](Port& port, Observation& here) {
            Feeder feeder(port, configuration(), feed);
            feeder.push_due();
            start(port, beats.command);
            port.wait_cycles(120);
            while (!feeder.done()) {
              port.wait_cycles(1);
              feeder.push_due();
            }
            EXPECT_TRUE(port.wait_irq(5'000));
            here.look(port, registers::kCycles);
            here.look(port, registers::kCycles);
          });
          if (HasFailure()) return;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Configurations, StallTest, testing::ValuesIn(cases()), name_of);

}  // namespace
}  // namespace szt::systemc
