// SPDX-License-Identifier: Apache-2.0
// When a vector is accepted, to the cycle, whatever gaps its stream has: no later than what it has
// to wait for, and no earlier.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "cosim/matmul_bench.h"
#include "szt/sim/registers.h"

namespace szt::sim {
namespace {

// Cycles between two uses of a vector's place in the accumulator.
constexpr int kHazardWindow = 4;

struct Vector {
  int gap;  // cycles from the acceptance of the one before to the offer of this one, at least 1
  int accepted;  // in which cycle
};

// The cycles in which M vectors for each of some tiles of one command are accepted: the first one
// as it came, those behind it by the rules.
std::vector<int> expected_cycles(const std::vector<Vector>& vectors, std::size_t m) {
  constexpr int kPeriod = static_cast<int>(kRows);  // cycles from tile to tile, at least
  std::vector<int> cycles = {vectors.front().accepted};
  int swap = cycles.front() - 1;  // the tile is in the array
  for (std::size_t i = 1; i < vectors.size(); ++i) {
    int cycle = cycles.back() + vectors[i].gap;
    if (i % m == 0) {
      swap = std::max(swap + kPeriod, cycles.back());
      cycle = std::max(cycle, swap + 1);
    }
    if (i >= m) cycle = std::max(cycle, cycles[i - m] + kHazardWindow);
    cycles.push_back(cycle);
  }
  return cycles;
}

TEST(TimingTest, VectorsWaitForNothingButTheirPlaceAndTheirTile) {
  constexpr std::uint32_t kTiles = 40;
  for (std::uint64_t seed = 1; seed <= 24; ++seed) {
    std::mt19937_64 generator(seed);
    const auto m = static_cast<std::uint32_t>(1 + seed % 6);
    const int longest = static_cast<int>(2 + seed % 5);
    SCOPED_TRACE(fmt::format("seed {}, M {}, gaps up to {} cycles", seed, m, longest));
    std::vector<Vector> vectors(std::size_t{m} * kTiles);
    for (Vector& vector : vectors) {
      vector.gap = std::uniform_int_distribution(1, longest)(generator);
      vector.accepted = 0;
    }

    MatmulBench bench;
    const CorePins& p = bench.p;
    bench.ready_every = 1;
    bench.set_command(m, kTiles, 1, 0);
    bench.send(kRows * kTiles, 0, 1);
    bench.senders.pop_back();  // the activations' are offered here
    bench.control(matmul::kControlStart.mask());
    std::size_t next = 0;
    int offer = 0, cycle = 0;
    for (; next < vectors.size() && cycle < kTimeout; ++cycle) {
      const bool valid = cycle >= offer;
      p.s_axis_activations_tvalid.set(valid ? 1 : 0);
      p.s_axis_activations_tlast.set(next + 1 == vectors.size() ? 1 : 0);
      const bool accepted = valid && p.s_axis_activations_tready.high();
      bench.edge();
      if (!accepted) continue;
      vectors[next++].accepted = cycle;
      if (next < vectors.size()) offer = cycle + vectors[next].gap;
    }
    p.s_axis_activations_tvalid.set(0);
    ASSERT_EQ(next, vectors.size()) << "hangs";
    std::vector<int> cycles;
    for (const Vector& vector : vectors) cycles.push_back(vector.accepted);
    ASSERT_EQ(cycles, expected_cycles(vectors, m));
    for (int i = 0; i < 50; ++i) bench.edge();
    EXPECT_EQ(bench.results.size(), m);
    EXPECT_EQ(bench.status(), matmul::kStatusDone.mask());
  }
}

// Several cores in one process, each taken down while another one is up.
TEST(SeveralCoresTest, OneGoesWhileAnotherRuns) {
  auto first = std::make_unique<MatmulBench>();
  for (int i = 0; i < 3; ++i) {
    auto second = std::make_unique<MatmulBench>();
    first.reset();
    EXPECT_EQ(second->status(), 0U);
    first = std::move(second);
    MatmulBench third;
    EXPECT_EQ(third.status(), 0U);
  }
  EXPECT_EQ(first->status(), 0U);
}

}  // namespace
}  // namespace szt::sim
