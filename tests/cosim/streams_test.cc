// SPDX-License-Identifier: Apache-2.0
// The flow-control primitives: order, no loss, no duplicate, stable payload, full rate, under the
// cross product of idle gaps and back-pressure, then a long stress.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <deque>
#include <random>
#include <vector>

#include "Vunit_streams.h"
#include "cosim/cosim_util.h"
#include "coverage_file.h"
#include "szt/sim/stall.h"

namespace szt::sim {
namespace {

constexpr int kStreams = 6;
constexpr std::array<int, kStreams> kWidths = {64, 1, 64, 64, 64, 1};
constexpr std::array<std::size_t, kStreams> kCapacities = {2, 2, 8, 4, 32, 16};
constexpr std::array<int, kStreams> kLatencies = {1, 1, 3, 3, 3, 3};

class StreamsTest : public testing::Test {
 protected:
  StreamsTest() {
    top_.clk_i = 0;
    top_.rst_ni = 0;
    top_.valid_i = 0x3F;  // a master that offers in reset
    top_.ready_i = 0x3F;
    top_.eval();
    for (int i = 0; i < 3; ++i) {
      clock();
      EXPECT_EQ(top_.ready_o, 0) << "ready in reset";
      EXPECT_EQ(top_.valid_o, 0) << "valid in reset";
    }
    top_.valid_i = 0;
    top_.ready_i = 0;
    top_.rst_ni = 1;
    clock();
  }

  void clock() {
    top_.clk_i = 1;
    top_.eval();
    top_.clk_i = 0;
    top_.eval();
  }

  void set_data(int stream, std::uint64_t value) {
    top_.data_i[static_cast<std::size_t>(2 * stream)] = static_cast<std::uint32_t>(value);
    top_.data_i[static_cast<std::size_t>(2 * stream + 1)] = static_cast<std::uint32_t>(value >> 32);
  }
  std::uint64_t data(int stream) const {
    return top_.data_o[static_cast<std::size_t>(2 * stream)] |
           static_cast<std::uint64_t>(top_.data_o[static_cast<std::size_t>(2 * stream + 1)]) << 32;
  }

  // Sends `beats` random beats through every stream; returns the cycles that it took.
  int run(const StallPattern& gaps, const StallPattern& pressure, int beats, std::uint64_t seed) {
    std::mt19937_64 generator(seed);
    std::vector<StallGenerator> source, sink;
    for (std::uint64_t i = 0; i < kStreams; ++i) {
      source.emplace_back(gaps, seed * 100 + i);
      sink.emplace_back(pressure, seed * 100 + 50 + i);
    }
    std::array<std::deque<std::uint64_t>, kStreams> inside;
    std::array<int, kStreams> sent{}, received{};
    std::array<bool, kStreams> offered{}, waited{};
    std::array<std::uint64_t, kStreams> offer{}, held{};
    int cycles = 0;
    for (; cycles < 400 * beats + 1000; ++cycles) {
      unsigned valid = 0, ready = 0;
      for (int s = 0; s < kStreams; ++s) {
        const auto i = static_cast<std::size_t>(s);
        if (!offered[i] && sent[i] < beats && !source[i].next()) {
          offered[i] = true;
          offer[i] = generator() & (kWidths[i] == 64 ? ~std::uint64_t{0} : 1);
          set_data(s, offer[i]);
        }
        valid |= static_cast<unsigned>(offered[i]) << s;
        ready |= static_cast<unsigned>(!sink[i].next()) << s;
      }
      const unsigned in_ready = top_.ready_o, out_valid = top_.valid_o;
      top_.valid_i = static_cast<CData>(valid);
      top_.ready_i = static_cast<CData>(ready);
      top_.eval();
      EXPECT_EQ(top_.ready_o, in_ready) << "ready depends on an input";
      EXPECT_EQ(top_.valid_o, out_valid) << "valid depends on an input";
      bool done = true;
      for (int s = 0; s < kStreams; ++s) {
        const auto i = static_cast<std::size_t>(s);
        const bool out = ((out_valid >> s) & 1) != 0;
        if (waited[i]) {
          EXPECT_TRUE(out) << "valid fell, stream " << s;
          EXPECT_EQ(data(s), held[i]) << "payload changed, stream " << s;
        }
        waited[i] = out && ((ready >> s) & 1) == 0;
        held[i] = data(s);
        if (out && ((ready >> s) & 1) != 0) {
          if (inside[i].empty()) {
            ADD_FAILURE() << "a beat from nowhere, stream " << s;
            return -1;
          }
          EXPECT_EQ(data(s), inside[i].front()) << "stream " << s << " beat " << received[i];
          inside[i].pop_front();
          ++received[i];
        }
        if (((valid & in_ready) >> s & 1) != 0) {
          inside[i].push_back(offer[i]);
          offered[i] = false;
          ++sent[i];
        }
        EXPECT_LE(inside[i].size(), kCapacities[i]) << "stream " << s;
        done = done && received[i] == beats;
      }
      clock();
      if (done || HasFailure()) break;
    }
    for (std::size_t i = 0; i < kStreams; ++i) EXPECT_EQ(received[i], beats) << "stream " << i;
    return cycles + 1;
  }

  CountedTop<Vunit_streams> counted_;
  Vunit_streams& top_ = *counted_;
};

TEST_F(StreamsTest, GapsTimesBackPressure) {
  const StallPattern patterns[] = {{},
                                   StallPattern::random(0.5),
                                   StallPattern::random(0.95),
                                   StallPattern::burst(0.5, 40),
                                   StallPattern::periodic(2)};
  std::uint64_t seed = test_seed();
  for (const StallPattern& gaps : patterns) {
    for (const StallPattern& pressure : patterns) {
      SCOPED_TRACE(fmt::format("seed {}", ++seed));
      run(gaps, pressure, 200, seed);
      if (HasFailure()) return;
    }
  }
}

TEST_F(StreamsTest, LongStress) {
  SCOPED_TRACE(fmt::format("SZT_TEST_SEED={}", test_seed()));
  run(StallPattern::burst(0.5, 9), StallPattern::burst(0.5, 11), 30'000, test_seed());
}

// One beat a cycle for as long as both sides want it.
TEST_F(StreamsTest, FullRate) {
  const int cycles = run({}, {}, 300, 1);
  EXPECT_LE(cycles, 300 + 8);
  top_.valid_i = 0x3F;
  top_.ready_i = 0x3F;
  for (int i = 0; i < 8; ++i) clock();
  for (int i = 0; i < 50; ++i) {
    clock();
    EXPECT_EQ(top_.valid_o, 0x3F);
    EXPECT_EQ(top_.ready_o, 0x3F);
  }
}

TEST_F(StreamsTest, HoldsExactlyItsCapacity) {
  top_.ready_i = 0;
  top_.valid_i = 0x3F;
  std::array<std::size_t, kStreams> accepted{};
  for (int i = 0; i < 50; ++i) {
    for (std::size_t s = 0; s < kStreams; ++s) accepted[s] += (unsigned{top_.ready_o} >> s) & 1U;
    clock();
  }
  EXPECT_EQ(accepted, kCapacities);
}

TEST_F(StreamsTest, Latency) {
  top_.ready_i = 0;
  top_.valid_i = 0x3F;
  clock();
  top_.valid_i = 0;
  for (int cycle = 1; cycle <= 4; ++cycle) {
    for (std::size_t s = 0; s < kStreams; ++s) {
      EXPECT_EQ((top_.valid_o >> s) & 1, cycle >= kLatencies[s]) << "stream " << s;
    }
    clock();
  }
}

TEST_F(StreamsTest, ResetEmpties) {
  top_.ready_i = 0;
  top_.valid_i = 0x3F;
  for (int i = 0; i < 9; ++i) clock();
  EXPECT_EQ(top_.valid_o, 0x3F);
  top_.rst_ni = 0;
  clock();
  EXPECT_EQ(top_.valid_o, 0);
  EXPECT_EQ(top_.ready_o, 0);
  top_.valid_i = 0;
  top_.rst_ni = 1;
  for (int i = 0; i < 9; ++i) clock();
  EXPECT_EQ(top_.valid_o, 0);
  EXPECT_EQ(top_.ready_o, 0x3F);
}

}  // namespace
}  // namespace szt::sim
