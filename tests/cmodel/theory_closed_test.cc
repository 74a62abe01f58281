// SPDX-License-Identifier: Apache-2.0
// Closed forms: normal distribution, state changes, first-passage times of the diffusion.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "szt/theory_mfpt.h"
#include "szt/theory_phi.h"
#include "szt/theory_random.h"

namespace szt {
namespace {

TEST(Normal, QuantileInvertsTheTail) {
  for (int i = 1; i < 20000; ++i) {
    const double p = i / 20000.0;
    ASSERT_NEAR(normal_tail(-normal_quantile(p)) / p, 1, 1e-14) << p;
  }
  // The relative error of the tail is x^2 times that of x.
  for (double p = 0.4; p > 1e-300; p /= 1.7) {
    const double x = normal_quantile(p);
    ASSERT_NEAR(normal_tail(-x) / p, 1, 2e-15 * (1 + x * x)) << p;
  }
  for (const double p : {0.1, 1e-3, 1e-8}) {
    EXPECT_NEAR(normal_quantile(1 - p), -normal_quantile(p), 1e-7);
  }
  EXPECT_EQ(normal_quantile(0.5), 0);
  EXPECT_NEAR(normal_quantile(0.975), 1.9599639845400545, 1e-15);
  EXPECT_NEAR(normal_quantile(1e-10), -6.3613409024040557, 1e-14);
}

TEST(Normal, StreamsAreFixedForEver) {
  RandomStream a(1, 2);
  RandomStream b(1, 2);
  RandomStream other_stream(1, 3);
  RandomStream other_seed(2, 2);
  const std::uint64_t first = a.next();
  EXPECT_EQ(first, 0x9EDBE9BD18AD781DU);  // by another program
  EXPECT_EQ(b.next(), first);
  EXPECT_NE(other_stream.next(), first);
  EXPECT_NE(other_seed.next(), first);
}

TEST(Normal, DrawsHaveTheMomentsOfTheNormal) {
  constexpr int kDraws = 400000;
  double sums[5] = {};
  double lag = 0;
  double last = 0;
  // Many short streams: their starts must be independent, too.
  for (std::uint64_t stream = 0; stream < kDraws / 8; ++stream) {
    RandomStream random(7, stream);
    for (int i = 0; i < 8; ++i) {
      const double x = random.normal();
      double power = 1;
      for (double& sum : sums) {
        sum += power / kDraws;
        power *= x;
      }
      lag += x * last / kDraws;
      last = x;
    }
  }
  const double error = 4.5 / std::sqrt(kDraws);
  EXPECT_NEAR(sums[1], 0, error);
  EXPECT_NEAR(sums[2], 1, std::sqrt(2) * error);
  EXPECT_NEAR(sums[3], 0, std::sqrt(15) * error);
  EXPECT_NEAR(sums[4], 3, std::sqrt(96) * error);
  EXPECT_NEAR(lag, 0, error);
}

TEST(StateChange, IsTheProbabilityOfLeavingTheCell) {
  const auto bt = [](double w, double sigma) {
    return state_change_probability(WeightFormat::kBalancedTernary, w, 1, sigma);
  };
  const auto szt = [](double w, double sigma) {
    return state_change_probability(WeightFormat::kSignedZero, w, 1, sigma);
  };
  EXPECT_NEAR(bt(0, 0.25), 6.334248366623993e-05, 1e-19);  // 2 Qf(4)
  EXPECT_NEAR(szt(0, 0.25), 0.5 + normal_tail(4), 1e-15);
  EXPECT_NEAR(szt(0, 0.1), 0.5, 1e-15);
  EXPECT_LT(bt(0, 0.1), 1.6e-23);
  for (const double sigma : {0.01, 0.1, 0.3, 1.0, 10.0}) {
    for (double w = -3; w <= 3; w += 0.125) {
      const double outside = std::fabs(w) - 1;
      if (outside > 0) {
        EXPECT_EQ(bt(w, sigma), szt(w, sigma));
        EXPECT_NEAR(bt(w, sigma), normal_tail(outside / sigma), 1e-16);
        continue;
      }
      EXPECT_NEAR(bt(w, sigma), normal_tail((1 + w) / sigma) + normal_tail((1 - w) / sigma), 1e-15);
      // The probability of a sign change is what SZT has more, less that of the far cell.
      const double a = std::fabs(w);
      EXPECT_NEAR(szt(w, sigma), normal_tail(a / sigma) + normal_tail((1 - a) / sigma), 1e-15);
      EXPECT_GE(szt(w, sigma), bt(w, sigma));
    }
    EXPECT_EQ(szt(-0.0, sigma), szt(0.0, sigma));
  }
  // Boundaries belong where the encoder puts them.
  EXPECT_NEAR(szt(1, 0.01), 0.5, 1e-15);
  EXPECT_NEAR(szt(std::nextafter(1.0, 2.0), 0.01), 0.5, 1e-12);
}

TEST(StateChange, FiguresOfTheDocument) {
  const auto bt = WeightFormat::kBalancedTernary;
  const auto szt = WeightFormat::kSignedZero;
  EXPECT_NEAR(state_change_probability(bt, 0, 1, 0.25), 0.00006, 5e-6);
  EXPECT_NEAR(state_change_probability(szt, 0, 1, 0.25), 0.50003, 5e-6);
  EXPECT_NEAR(state_change_probability(bt, 0, 1, 0.1), 1.5e-23, 5e-25);
  EXPECT_NEAR(state_change_probability(bt, 0.5, 1, 0.1), 2.9e-7, 5e-9);
  EXPECT_NEAR(state_change_probability(szt, 0.5, 1, 0.1), 5.7e-7, 5e-9);
  EXPECT_NEAR(mean_state_change_probability(bt, 1, 0.25), 0.0997, 5e-5);
  EXPECT_NEAR(mean_state_change_probability(szt, 1, 0.25), 0.1995, 5e-5);
  EXPECT_NEAR(mean_state_change_probability(bt, 1, 0.1), 0.0399, 5e-5);
  EXPECT_NEAR(mean_state_change_probability(szt, 1, 0.1), 0.0798, 5e-5);
}

TEST(StateChange, MeanOverTheDeadZone) {
  constexpr int kPoints = 200000;
  for (const WeightFormat format : {WeightFormat::kBalancedTernary, WeightFormat::kSignedZero}) {
    for (const double sigma : {0.05, 0.25, 1.0, 5.0}) {
      double sum = 0;
      for (int i = 0; i < kPoints; ++i) {
        const double w = 3 * (2 * (i + 0.5) / kPoints - 1);
        sum += state_change_probability(format, w, 3, sigma) / kPoints;
      }
      EXPECT_NEAR(mean_state_change_probability(format, 3, sigma), sum, 1e-8);
    }
  }
  // Halving the cell doubles the mean as long as the noise does not cross it.
  EXPECT_NEAR(mean_state_change_probability(WeightFormat::kSignedZero, 1, 0.05),
              2 * mean_state_change_probability(WeightFormat::kBalancedTernary, 1, 0.05), 1e-12);
}

// Section 7's formula as it is written, in long double.
long double written_out(double half, Walk walk, double w) {
  const long double v = walk.drift;
  const long double d = static_cast<long double>(walk.sigma) * walk.sigma / 2;
  const long double l = half;
  const long double top = std::exp(-v * w / d) - std::exp(-v * l / d);
  return (l - w) / v - 2 * l / v * top / (std::exp(v * l / d) - std::exp(-v * l / d));
}

// The same with the differences taken before they are lost.
long double factored(double half, Walk walk, double w) {
  const long double v = walk.drift;
  const long double d = static_cast<long double>(walk.sigma) * walk.sigma / 2;
  const long double l = half;
  const long double top = std::exp(-v * l / d) * std::expm1(v * (l - w) / d);
  return (l - w) / v - l / v * top / std::sinh(v * l / d);
}

double relative(double value, long double expected) {
  return static_cast<double>(std::fabs(static_cast<long double>(value) / expected - 1));
}

TEST(ExitTime, WithoutDrift) {
  for (const double sigma : {0.01, 0.3, 2.0}) {
    const double d = sigma * sigma / 2;
    for (double w = -2; w <= 2; w += 0.25) {
      EXPECT_NEAR(exit_time(dead_zone(2), {sigma}, w) * 2 * d, 4 - w * w, 1e-14) << w;
      // First change: |w| (L - |w|) / (2D).
      const double a = std::fabs(w);
      const Cell cell = w < 0 ? Cell{-2, 0} : zero_plus_cell(2);
      EXPECT_NEAR(exit_time(cell, {sigma}, w) * 2 * d, a * (2 - a), 1e-14) << w;
    }
    EXPECT_NEAR(mean_exit_time(dead_zone(2), {sigma}) * 3 * d, 4, 1e-14);
    EXPECT_NEAR(mean_exit_time(zero_plus_cell(2), {sigma}) * 12 * d, 4, 1e-14);
  }
  EXPECT_EQ(exit_time(dead_zone(1), {0.1}, 1.5), 0);
  EXPECT_EQ(exit_time(dead_zone(1), {0.1, 0.1}, -1), 0);
}

TEST(ExitTime, IsTheWrittenFormulaWhereThatCanBeEvaluated) {
  double worst = 0;
  for (const double half : {0.5, 1.0, 3.0}) {
    for (double peclet = 1e-6; peclet < 2000; peclet *= 1.3) {
      for (const double sign : {1.0, -1.0}) {
        const double sigma = 0.2;
        const Walk walk{sigma, sign * peclet * Walk{sigma}.diffusion() / half};
        for (int i = -15; i <= 15; ++i) {
          const double w = half * i / 16;
          const double time = exit_time(dead_zone(half), walk, w);
          // Rounding leaves some 2^-64 / peclet^2 of the one form, 2^-64 / peclet of the other.
          ASSERT_LT(relative(time, factored(half, walk, w)), 1e-11 + 1e-18 / peclet)
              << "peclet " << peclet << " sign " << sign << " w " << w;
          if (peclet < 1e-3) continue;
          worst = std::max(worst, relative(time, written_out(half, walk, w)));
        }
      }
    }
  }
  EXPECT_LT(worst, 1e-12);
}

TEST(ExitTime, HasNoSeamAtTheSeries) {
  const double sigma = 0.1;
  for (const double w : {-0.999, -0.5, 0.0, 0.3, 0.99}) {
    const auto at = [&](double peclet) {
      return exit_time(dead_zone(1), {sigma, peclet * Walk{sigma}.diffusion()}, w);
    };
    const double below = at(std::nextafter(1e-4, 0));
    EXPECT_NEAR(at(1.0000001e-4) / below, 1, 2e-11) << w;
  }
  const auto mean = [&](double peclet) {
    return mean_exit_time(dead_zone(1), {sigma, peclet * Walk{sigma}.diffusion()});
  };
  EXPECT_NEAR(mean(0.1 * (1 + 1e-14)) / mean(0.1 * (1 - 1e-14)), 1, 1e-12);
}

TEST(ExitTime, SurvivesAnyDrift) {
  for (const double drift : {1e-300, 1e-30, 1e-8, 1.0, 1e8, 1e300}) {
    for (const double sign : {1.0, -1.0}) {
      const Walk walk{0.01, sign * drift};
      double last = sign > 0 ? std::numeric_limits<double>::infinity() : 0;
      for (const double w : {-0.9999, -0.5, 0.0, 0.5, 0.9999}) {
        const double time = exit_time(dead_zone(1), walk, w);
        EXPECT_TRUE(std::isfinite(time) && time > 0) << drift << " " << w;
        EXPECT_EQ(time, exit_time(dead_zone(1), {0.01, -sign * drift}, -w));
        // Under a strong drift the way is ballistic.
        if (drift >= 1) {
          if (std::fabs(w) < 0.9) {
            EXPECT_NEAR(time * drift, 1 - sign * w, 1e-3) << drift << " " << w;
          }
          EXPECT_EQ(time<last, sign> 0) << drift << " " << w;
        }
        last = time;
      }
      const double mean = mean_exit_time(dead_zone(1), walk);
      EXPECT_TRUE(std::isfinite(mean) && mean > 0);
    }
  }
}

TEST(ExitTime, MeanIsTheMean) {
  constexpr int kPoints = 20000;
  for (const double peclet : {0.0, 1e-5, 0.05, 0.09, 0.11, 1.0, 5.0, 40.0}) {
    const Walk walk{0.1, peclet * Walk{0.1}.diffusion() / 1.5};
    double sum = 0;  // the midpoint rule
    for (int i = 0; i < kPoints; ++i) {
      sum += exit_time(dead_zone(1.5), walk, 1.5 * (2 * (i + 0.5) / kPoints - 1)) / kPoints;
    }
    EXPECT_NEAR(mean_exit_time(dead_zone(1.5), walk) / sum, 1, 1e-6) << peclet;
  }
}

TEST(ExitTime, FourfoldInContinuousTime) {
  for (const double sigma : {0.005, 0.1, 1.0}) {
    EXPECT_NEAR(mean_exit_time(dead_zone(1), {sigma}) / mean_exit_time(zero_plus_cell(1), {sigma}),
                4, 1e-14);
  }
}

}  // namespace
}  // namespace szt
