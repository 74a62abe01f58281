// SPDX-License-Identifier: Apache-2.0
// What absmean and mse promise: RoundClip by division, and the least squared error.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "seed.h"
#include "szt/threshold.h"

namespace szt {
namespace {

constexpr float kDenormMin = std::numeric_limits<float>::denorm_min();

Calibration run(const std::vector<float>& weights, RuleKind kind) {
  return calibrate(Dtype::kF32, weights.data(), weights.size(), Rule{kind, 0});
}

// RoundClip(quotient, -1, 1), halves to even: 0.5 itself becomes 0.
int round_clip(float quotient) { return quotient > 0.5F ? 1 : quotient < -0.5F ? -1 : 0; }

int ternary(float w, float threshold) { return w > threshold ? 1 : w < -threshold ? -1 : 0; }

// Tensors of a few weights, one of which is within a few units in the last place of mean|w| / 2.
std::vector<float> near_half_mean(std::mt19937_64& random) {
  std::uniform_real_distribution<float> uniform(0.5F, 1.0F);
  const std::size_t n = 3 + random() % 6;
  const float center = std::ldexp(uniform(random), static_cast<int>(random() % 60) - 30);
  std::vector<float> weights = {center};
  double rest =
      2.0 * static_cast<double>(n) * static_cast<double>(center) - static_cast<double>(center);
  while (weights.size() + 1 < n) {
    const auto w = static_cast<float>(rest * 0.5 * static_cast<double>(uniform(random)));
    weights.push_back((random() & 1U) != 0 ? w : -w);
    rest -= static_cast<double>(w);
  }
  const auto last =
      static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(static_cast<float>(rest)));
  weights.push_back(std::bit_cast<float>(last + static_cast<std::int32_t>(random() % 9) - 4));
  return weights;
}

TEST(Absmean, IsRoundClipByDivision) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  int at_half = 0;
  int reciprocal_differs = 0;
  int stored_scale_differs = 0;
  for (int i = 0; i < 200000; ++i) {
    const std::vector<float> weights = near_half_mean(random);
    const Calibration result = run(weights, RuleKind::kAbsmean);
    const MagnitudeSum sum = sum_magnitudes(Dtype::kF32, weights.data(), weights.size(), -1);
    const float g = float32_toward_zero(sum.mean());
    const float inverse = 1.0F / g;
    for (const float w : weights) {
      const int expected = round_clip(w / g);
      ASSERT_EQ(ternary(w, result.threshold), expected) << "w " << w << ", g " << g;
      // In double the mean needs no rounding.
      ASSERT_EQ(std::fabs(static_cast<double>(w)) / sum.mean() > 0.5, expected != 0);
      at_half += std::fabs(w) == g / 2 ? 1 : 0;
      reciprocal_differs += round_clip(w * inverse) != expected ? 1 : 0;
      if (round_clip(w / result.scale) != expected) {
        ++stored_scale_differs;
        ASSERT_EQ(std::fabs(w), result.scale / 2);
        ASSERT_GT(static_cast<double>(result.scale), sum.mean());
      }
    }
  }
  // Each of these is rare enough to have been missed, and was not.
  EXPECT_GT(at_half, 100);
  EXPECT_GT(reciprocal_differs, 100);
  EXPECT_GT(stored_scale_differs, 100);
}

TEST(Absmean, IsRoundClipInTheSubnormalsToo) {
  for (int a = 0; a <= 40; ++a) {
    for (int b = 0; b <= 40; ++b) {
      for (int c = 1; c <= 7; ++c) {
        const std::vector<float> weights = {static_cast<float>(a) * kDenormMin,
                                            static_cast<float>(-b) * kDenormMin,
                                            static_cast<float>(c) * kDenormMin};
        const Calibration result = run(weights, RuleKind::kAbsmean);
        const auto g = static_cast<float>((a + b + c) / 3) * kDenormMin;
        if (g == 0) continue;
        for (const float w : weights) {
          ASSERT_EQ(ternary(w, result.threshold), round_clip(w / g)) << a << " " << b << " " << c;
        }
      }
    }
  }
}

// Every support set of every small integer tensor: the squared error is sum(w^2) - S^2 / k, S the
// sum of |w| over the set and k its size, so that the largest S^2 / k wins, the smallest k of equal
// ones. Integers compare exactly.
TEST(Mse, IsTheBestOfAllSubsets) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  int several_optima = 0;
  for (std::size_t n = 1; n <= 6; ++n) {
    const int base = 6;
    int tensors = 1;
    for (std::size_t i = 0; i < n; ++i) tensors *= base;
    for (int t = 0; t < tensors; ++t) {
      std::vector<int> magnitudes;
      for (int rest = t; magnitudes.size() < n; rest /= base) magnitudes.push_back(rest % base);
      long best_square = 0;
      long best_size = 1;
      bool several = false;
      for (unsigned set = 1; set < (1U << n); ++set) {
        long sum = 0;
        long size = 0;
        for (std::size_t i = 0; i < n; ++i) {
          if ((set >> i & 1U) == 0) continue;
          sum += magnitudes[i];
          ++size;
        }
        const long left = sum * sum * best_size;
        const long right = best_square * size;
        if (left == right && size != best_size && sum != 0) several = true;
        if (left > right || (left == right && size < best_size)) {
          if (left > right) several = false;
          best_square = sum * sum;
          best_size = size;
        }
      }
      several_optima += several ? 1 : 0;
      std::vector<float> weights;
      for (const int m : magnitudes) {
        weights.push_back(static_cast<float>((random() & 1U) != 0 ? m : -m));
      }
      const Calibration result = run(weights, RuleKind::kMse);
      std::sort(magnitudes.rbegin(), magnitudes.rend());
      SCOPED_TRACE(::testing::PrintToString(weights));
      if (best_square == 0) {
        ASSERT_EQ(result.nonzero, 0U);
        ASSERT_EQ(result.threshold, 0.0F);
        ASSERT_EQ(result.scale, 0.0F);
        continue;
      }
      const auto k = static_cast<std::size_t>(best_size);
      ASSERT_EQ(result.nonzero, k);
      ASSERT_EQ(result.threshold, k == n ? 0.0F : static_cast<float>(magnitudes[k]));
      ASSERT_EQ(result.scale, static_cast<float>(std::sqrt(static_cast<double>(best_square)) /
                                                 static_cast<double>(k)));
    }
  }
  EXPECT_GT(several_optima, 10);
}

TEST(Mse, TheObjectiveIsNotUnimodal) {
  const Calibration tie = run({1, -3, 1, -1}, RuleKind::kMse);  // 9, 8, 25/3, 9: the smallest k
  EXPECT_EQ(tie.threshold, 1.0F);
  EXPECT_EQ(tie.scale, 3.0F);
  EXPECT_EQ(tie.nonzero, 1U);
  const Calibration second = run({1, -3, 1, -1, 1}, RuleKind::kMse);  // 9, 8, 25/3, 9, 49/5
  EXPECT_EQ(second.threshold, 0.0F);
  EXPECT_EQ(second.scale, 7.0F / 5);
  EXPECT_EQ(second.nonzero, 5U);
}

TEST(Mse, EqualWeightsAreTakenTogether) {
  for (const std::size_t n : {1U, 2U, 100U, 5000U}) {
    const Calibration result = run(std::vector<float>(n, -0.3F), RuleKind::kMse);
    EXPECT_EQ(result.threshold, 0.0F) << n;
    EXPECT_EQ(result.scale, 0.3F) << n;
    EXPECT_EQ(result.nonzero, n) << n;
  }
  const Calibration zeros = run({2, 0, -2, 0, 2, 0}, RuleKind::kMse);
  EXPECT_EQ(zeros.threshold, 0.0F);
  EXPECT_EQ(zeros.scale, 2.0F);
  EXPECT_EQ(zeros.nonzero, 3U);
}

// On real-valued tensors no other threshold has a smaller error, in long double.
TEST(Mse, NoOtherThresholdIsBetter) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  std::normal_distribution<float> normal;
  const std::size_t n = 400;
  std::vector<float> weights(n);
  for (float& w : weights) w = normal(random);
  const auto error = [&](float threshold) {
    long double sum = 0;
    long double count = 0;
    for (const float w : weights) {
      if (std::fabs(w) <= threshold) continue;
      sum += std::fabs(static_cast<long double>(w));
      count += 1;
    }
    const long double scale = count == 0 ? 0 : sum / count;
    long double total = 0;
    for (const float w : weights) {
      const long double d =
          static_cast<long double>(w) - scale * static_cast<long double>(ternary(w, threshold));
      total += d * d;
    }
    return total;
  };
  const Calibration result = run(weights, RuleKind::kMse);
  const long double least = error(result.threshold);
  int worse = 0;
  for (const float w : weights) {
    const long double other = error(std::fabs(w));
    ASSERT_GE(other, least * (1 - 1e-13L));
    worse += other > least * (1 + 1e-9L) ? 1 : 0;
  }
  EXPECT_GT(worse, 300);
  // For Gaussian weights Li et al. approximate the optimum by 0.7 mean|w| (0.6 sigma).
  EXPECT_NEAR(result.threshold, 0.6F, 0.15F);
}

}  // namespace
}  // namespace szt
