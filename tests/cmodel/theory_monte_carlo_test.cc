// SPDX-License-Identifier: Apache-2.0
// Monte-Carlo through the encoder against closed forms and the integral equation. Intervals hold
// for a whole test's family with 99 %; the streams are fixed, so that a run is no lottery.
#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <vector>

#include "szt/theory_intervals.h"
#include "szt/theory_mfpt.h"
#include "szt/theory_phi.h"
#include "szt/theory_random.h"

namespace szt {
namespace {

TEST(Intervals, OfAProbability) {
  // No hit: n ln(1 / (1 - p)) = ln(2 / error).
  const Interval none = probability_interval(0, 1000, 0.01);
  EXPECT_EQ(none.low, 0);
  EXPECT_NEAR(none.high, -std::expm1(-std::log(200) / 1000), 1e-12);
  const Interval all = probability_interval(1000, 1000, 0.01);
  EXPECT_EQ(all.high, 1);
  EXPECT_NEAR(all.low, 1 - none.high, 1e-12);
  // For many samples: sqrt(2 ln(2 / error) p (1 - p) / n) to each side.
  const Interval half = probability_interval(500000, 1000000, 0.01);
  EXPECT_NEAR(half.high - 0.5, std::sqrt(2 * std::log(200) * 0.25 / 1e6), 1e-7);
  EXPECT_NEAR(half.high - 0.5, 0.5 - half.low, 1e-12);
  EXPECT_TRUE(probability_interval(1, 1000000, 1e-4).contains(1e-6));
  EXPECT_FALSE(probability_interval(1, 1000000, 1e-4).contains(1e-12));
}

TEST(Intervals, HoldForTheWholeFamilyAndNotByBeingWide) {
  // Families of 10 estimates each: of 300, 3 may miss, 12 do with a probability of 1e-4.
  constexpr std::size_t kFamilies = 300;
  constexpr std::size_t kTests = 10;
  constexpr std::size_t kSamples = 2000;
  const double error = error_each(kTests);
  EXPECT_DOUBLE_EQ(error, 0.001);
  int missed = 0;
  int missed_at_half_the_width = 0;
  int missed_mean = 0;
  int missed_mean_at_half_the_width = 0;
  std::vector<std::uint64_t> samples(kSamples);
  for (std::size_t family = 0; family < kFamilies; ++family) {
    bool miss = false, miss_half = false, miss_mean = false, miss_mean_half = false;
    for (std::size_t test = 0; test < kTests; ++test) {
      RandomStream random(99, family * kTests + test);
      const double p = std::ldexp(1.0, -static_cast<int>(test));  // 1 to 0.002
      std::uint64_t hits = 0;
      for (std::uint64_t& sample : samples) {
        hits += random.uniform() < p ? 1U : 0U;
        // Geometric: as skewed as first-passage times are.
        sample = static_cast<std::uint64_t>(-50 * std::log(random.uniform())) + 1;
      }
      const Interval interval = probability_interval(hits, kSamples, error);
      miss = miss || !interval.contains(p);
      const double share = static_cast<double>(hits) / kSamples;
      miss_half = miss_half || std::fabs(p - share) >
                                   (p > share ? interval.high - share : share - interval.low) / 2;
      const MeanEstimate estimate = estimate_mean(samples, error);
      const double mean = 1 / -std::expm1(-1 / 50.0);
      miss_mean = miss_mean || !estimate.interval.contains(mean);
      miss_mean_half = miss_mean_half || std::fabs(mean - estimate.mean) >
                                             (estimate.interval.high - estimate.mean) / 2;
    }
    missed += miss ? 1 : 0;
    missed_at_half_the_width += miss_half ? 1 : 0;
    missed_mean += miss_mean ? 1 : 0;
    missed_mean_at_half_the_width += miss_mean_half ? 1 : 0;
  }
  EXPECT_LE(missed, 11);
  EXPECT_LE(missed_mean, 11);
  EXPECT_GE(missed_at_half_the_width, 30);
  EXPECT_GE(missed_mean_at_half_the_width, 100);
}

// Estimates of this test and of the walks': their intervals hold together with 99 %.
constexpr std::size_t kFamily = 2 * (3 * 17 + 9);

TEST(StateChangeMonteCarlo, AgreesWithTheClosedForm) {
  const std::vector<double> sigmas = {0.05, 0.25, 1.0};
  constexpr int kPoints = 17;
  constexpr std::uint64_t kSamples = 100000;
  static_assert(kFamily == 2 * (3 * kPoints + 9));
  const double error = error_each(kFamily);
  std::uint64_t stream = 0;
  for (const double sigma : sigmas) {
    for (int i = 0; i < kPoints; ++i) {
      const float w = static_cast<float>(i) / 4 - 2;
      const double exact = static_cast<double>(w);
      const StateChanges changes = count_state_changes(w, 1, sigma, 11, stream++, kSamples);
      ASSERT_EQ(changes.samples, kSamples);
      EXPECT_TRUE(
          probability_interval(changes.balanced_ternary, kSamples, error)
              .contains(state_change_probability(WeightFormat::kBalancedTernary, exact, 1, sigma)))
          << sigma << " " << w << " " << changes.balanced_ternary;
      EXPECT_TRUE(
          probability_interval(changes.signed_zero, kSamples, error)
              .contains(state_change_probability(WeightFormat::kSignedZero, exact, 1, sigma)))
          << sigma << " " << w << " " << changes.signed_zero;
    }
  }
  // The sharpest of them could tell one formula from the other.
  const StateChanges center = count_state_changes(0, 1, 0.25, 11, stream, kSamples);
  EXPECT_FALSE(probability_interval(center.signed_zero, kSamples, error).contains(6.3e-5));
}

TEST(StateChangeMonteCarlo, DoesNotDependOnThreads) {
  const StateChanges one = count_state_changes(0.9F, 1, 0.2, 5, 3, 100001, 1);
  for (const unsigned threads : {2U, 3U, 8U}) {
    const StateChanges many = count_state_changes(0.9F, 1, 0.2, 5, 3, 100001, threads);
    EXPECT_EQ(many.balanced_ternary, one.balanced_ternary);
    EXPECT_EQ(many.signed_zero, one.signed_zero);
  }
  EXPECT_NE(count_state_changes(0.9F, 1, 0.2, 6, 3, 100001).signed_zero, one.signed_zero);
  EXPECT_NE(count_state_changes(0.9F, 1, 0.2, 5, 4, 100001).signed_zero, one.signed_zero);
}

struct Means {
  MeanEstimate exit;
  MeanEstimate change;
};

Means simulate(const PathSet& set, std::size_t paths, double error) {
  std::vector<Passage> passages(paths);
  simulate_passages(set, 0, passages);
  std::vector<std::uint64_t> exits;
  std::vector<std::uint64_t> changes;
  for (const Passage& passage : passages) {
    EXPECT_LE(passage.first_change, passage.exit);
    EXPECT_GE(passage.first_change, 1U);
    exits.push_back(passage.exit);
    changes.push_back(passage.first_change);
  }
  return {estimate_mean(exits, error), estimate_mean(changes, error)};
}

TEST(PassageMonteCarlo, AgreesWithTheIntegralEquation) {
  struct Case {
    double sigma;
    double drift;
    std::optional<double> start;
    std::size_t paths;
  };
  const std::vector<Case> cases = {
      {0.4, 0, {}, 40000},       {0.1, 0, {}, 20000},      {0.03, 0, {}, 4000},
      {0.1, 0, -0.25, 20000},    {0.1, 0.005, {}, 20000},  {0.1, -0.02, {}, 20000},
      {0.03, 0.003, 0.5, 10000}, {0.1, 0.05, -0.9, 20000}, {0.05, -0.01, -0.0, 10000},
  };
  ASSERT_EQ(cases.size(), 9U);
  const double error = error_each(kFamily);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(i);
    const Case& c = cases[i];
    const Walk walk{c.sigma * 0.75, c.drift * 0.75};
    const std::optional<double> start =
        c.start ? std::optional<double>(*c.start * 0.75) : std::nullopt;
    const Means means = simulate({0.75F, walk, start, 100 + i}, c.paths, error);
    const Cell inner = start && std::signbit(*start) ? Cell{-0.75, 0} : zero_plus_cell(0.75);
    const DiscreteSolution exit(dead_zone(0.75), walk);
    const DiscreteSolution change(inner, walk);
    const double exit_mean = start ? exit.at(*start) : exit.mean();
    const double change_mean = start ? change.at(*start) : change.mean();
    EXPECT_TRUE(means.exit.interval.contains(exit_mean)) << means.exit.mean << " " << exit_mean;
    EXPECT_TRUE(means.change.interval.contains(change_mean))
        << means.change.mean << " " << change_mean;
    // The intervals are narrow enough to refuse the diffusion where that differs.
    if (c.sigma == 0.1 && !start) {
      EXPECT_FALSE(means.exit.interval.contains(mean_exit_time(dead_zone(0.75), walk)));
      EXPECT_FALSE(means.change.interval.contains(mean_exit_time(inner, walk)));
    }
  }
}

TEST(PassageMonteCarlo, DoesNotDependOnThreadsOrParts) {
  const PathSet set{1, {0.1, 0.001}, {}, 42};
  std::vector<Passage> whole(1000);
  simulate_passages(set, 0, whole, 1);
  std::vector<Passage> parts(1000);
  simulate_passages(set, 0, std::span(parts).first(333), 3);
  simulate_passages(set, 333, std::span(parts).subspan(333), 5);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    ASSERT_EQ(whole[i].exit, parts[i].exit) << i;
    ASSERT_EQ(whole[i].first_change, parts[i].first_change) << i;
  }
}

}  // namespace
}  // namespace szt
