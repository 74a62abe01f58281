// SPDX-License-Identifier: Apache-2.0
// First-passage times by the differential and by the integral equation.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "szt/error.h"
#include "szt/theory_mfpt.h"
#include "szt/theory_random.h"

namespace szt {
namespace {

TEST(Diffusion, AgreesWithTheClosedForm) {
  for (const Cell cell : {dead_zone(1), zero_plus_cell(2), Cell{-3, 1}}) {
    for (const double drift : {0.0, 1e-9, 1e-4, 0.003, -0.01, 0.05, -0.2}) {
      const Walk walk{0.1, drift};
      const DiffusionSolution solution(cell, walk);
      const double mean = mean_exit_time(cell, walk);
      EXPECT_NEAR(solution.mean() / mean, 1, 1e-8) << drift;
      for (int i = 1; i < 40; ++i) {
        const double w = cell.low + (cell.high - cell.low) * i / 40;
        ASSERT_NEAR(solution.at(w) / mean, exit_time(cell, walk, w) / mean, 1e-7)
            << drift << " " << w;
      }
      EXPECT_EQ(solution.at(cell.low), 0);
      EXPECT_EQ(solution.at(cell.high + 1), 0);
    }
  }
}

TEST(Diffusion, ConvergesAtFourthOrder) {
  const Walk walk{0.1, 0.02};
  const double exact = exit_time(dead_zone(1), walk, 0.25);
  const auto error = [&](std::size_t intervals) {
    return std::fabs(DiffusionSolution(dead_zone(1), walk, intervals).at(0.25) - exact);
  };
  // 64 is the least that this drift takes.
  EXPECT_NEAR(std::log2(error(64) / error(128)), 4, 0.3);
  EXPECT_NEAR(std::log2(error(128) / error(256)), 4, 0.3);
}

TEST(Diffusion, RefusesADriftTooStrong) {
  EXPECT_THROW(DiffusionSolution(dead_zone(1), {0.005, 10}), InputError);
  EXPECT_THROW(DiffusionSolution(dead_zone(1), {0.005, -1e300}), InputError);
}

TEST(Discrete, SolvesItsEquation) {
  // The right-hand side again, by the midpoint rule, from values between the nodes.
  for (const double drift : {0.0, 0.03, -0.15}) {
    const Walk walk{0.1, drift};
    const DiscreteSolution solution(dead_zone(1), walk);
    constexpr int kPoints = 4000;
    std::vector<double> times(kPoints);
    for (int i = 0; i < kPoints; ++i)
      times[static_cast<std::size_t>(i)] = solution.at(2 * (i + 0.5) / kPoints - 1);
    for (const double w : {-1.0, -0.4, 0.0, 0.7, 1.0}) {
      double sum = 1;
      for (int i = 0; i < kPoints; ++i) {
        const double to = 2 * (i + 0.5) / kPoints - 1;
        const double z = (to - w - drift) / 0.1;
        sum += 2.0 / kPoints * std::exp(-z * z / 2) / (0.1 * std::sqrt(2 * M_PI)) *
               times[static_cast<std::size_t>(i)];
      }
      EXPECT_NEAR(solution.at(w) / sum, 1, 1e-5) << drift << " " << w;
    }
  }
}

TEST(Discrete, NodesAreEnough) {
  for (const double sigma : {5.0, 0.5, 0.1, 0.01, 0.005}) {
    const DiscreteSolution coarse(dead_zone(1), {sigma});
    const DiscreteSolution fine(dead_zone(1), {sigma}, DiscreteSolution::kOrder + 8);
    EXPECT_NEAR(coarse.mean() / fine.mean(), 1, 1e-10) << sigma;
    EXPECT_NEAR(coarse.at(0.3) / fine.at(0.3), 1, 1e-10) << sigma;
    EXPECT_GT(fine.nodes(), coarse.nodes());
    // And a rule too coarse shows.
    if (sigma < 0.2) {
      EXPECT_GT(std::fabs(DiscreteSolution(dead_zone(1), {sigma}, 4).mean() / fine.mean() - 1),
                1e-6);
    }
  }
}

TEST(Discrete, KnownLimits) {
  // With noise far wider than the cell, a step stays with probability p = 2 phi(0) / sigma.
  const double p = 2 * normal_density(0) / 1000;
  EXPECT_NEAR(DiscreteSolution(dead_zone(1), {1000.0}).mean(), 1 / (1 - p), 1e-9);
  // A drift that clears the cell in one step.
  EXPECT_NEAR(DiscreteSolution(dead_zone(1), {0.1, 4}).at(0), 1, 1e-12);
  // Mirror images.
  const DiscreteSolution there(dead_zone(1), {0.1, 0.02});
  const DiscreteSolution back(dead_zone(1), {0.1, -0.02});
  EXPECT_NEAR(there.at(0.4), back.at(-0.4), 1e-9);
  EXPECT_NEAR(there.mean(), back.mean(), 1e-9);
}

double mean_exit(double sigma) { return DiscreteSolution(dead_zone(1), {sigma}).mean(); }
double mean_change(double sigma) { return DiscreteSolution(zero_plus_cell(1), {sigma}).mean(); }

TEST(Discrete, Ratios) {
  EXPECT_NEAR(mean_exit(0.1) / mean_change(0.1), 3.41, 0.005);
  EXPECT_NEAR(mean_exit(0.01) / mean_change(0.01), 3.93, 0.005);
  EXPECT_NEAR(mean_exit(0.005) / mean_change(0.005), 3.965, 0.0005);
}

TEST(Discrete, FiguresOfTheDocument) {
  EXPECT_NEAR(mean_exit(0.1), 79.01, 0.005);
  EXPECT_NEAR(mean_change(0.1), 23.19, 0.005);
  EXPECT_NEAR(mean_exit(0.01), 6784, 0.5);
  EXPECT_NEAR(mean_change(0.01), 1726, 0.5);
  EXPECT_NEAR(mean_exit(0.005), 26900, 0.5);
  EXPECT_NEAR(mean_change(0.005), 6784, 0.5);
  const auto exit = [](double drift) {
    return DiscreteSolution(dead_zone(1), {0.01, drift}).mean();
  };
  const auto change = [](double drift) {
    return DiscreteSolution(zero_plus_cell(1), {0.01, drift}).mean();
  };
  EXPECT_NEAR(exit(1e-4), 5456, 0.5);
  EXPECT_NEAR(change(1e-4), 1618, 0.5);
  EXPECT_NEAR(exit(1e-3), 961, 0.5);
  EXPECT_NEAR(change(1e-3), 461, 0.5);
  EXPECT_NEAR(exit(1e-2), 101, 0.5);
  EXPECT_NEAR(change(1e-2), 51, 0.5);
}

TEST(Discrete, ChangeIsTheExitAtTwiceTheNoise) {
  // By scaling the cell of 0+; at() must agree for mirrored points, too.
  for (const double sigma : {0.3, 0.1, 0.02, 0.005}) {
    EXPECT_NEAR(mean_change(sigma) / mean_exit(2 * sigma), 1, 1e-11) << sigma;
  }
  const DiscreteSolution change(zero_plus_cell(1), {0.1});
  const DiscreteSolution exit(dead_zone(1), {0.2});
  EXPECT_NEAR(change.at(0.75) / exit.at(0.5), 1, 1e-11);
}

TEST(Discrete, ConvergesToTheClosedFormAtTheStatedRate) {
  // In units of the diffusion time 1 / sigma^2 the mean over the dead zone is 2/3 + 2 c sigma +
  // O(sigma^2), c the barrier shift; hence 4 - ratio = 12 c sigma + O(sigma^2).
  double last_shift = 0;
  double last_ratio = 0;
  double last_rest = 0;
  double extrapolated = 0;
  for (const double sigma : {0.04, 0.02, 0.01, 0.005}) {
    const double exit = mean_exit(sigma);
    const double closed = mean_exit_time(dead_zone(1), {sigma});
    const double shift = (exit - closed) * sigma * sigma / (2 * sigma);
    const double ratio = (4 - exit / mean_change(sigma)) / (12 * sigma);
    const double rest = (exit - mean_shifted_exit_time(dead_zone(1), sigma)) * sigma * sigma;
    if (last_shift != 0) {
      EXPECT_NEAR((last_shift - kBarrierShift) / (shift - kBarrierShift), 2, 0.02) << sigma;
      EXPECT_NEAR((last_ratio - kBarrierShift) / (ratio - kBarrierShift), 2, 0.1) << sigma;
      EXPECT_NEAR(last_rest / rest, 4, 0.03) << sigma;
    }
    extrapolated = 2 * shift - last_shift;
    last_shift = shift;
    last_ratio = ratio;
    last_rest = rest;
  }
  EXPECT_NEAR(extrapolated, kBarrierShift, 1e-5);  // to sigma = 0
  EXPECT_NEAR(kBarrierShift, 0.5826, 5e-5);
  // With the boundaries moved, the relative error is of second order.
  EXPECT_NEAR(mean_shifted_exit_time(dead_zone(1), 0.005) / mean_exit(0.005), 1, 2e-5);
}

TEST(Discrete, RefusesWhatIsTooLarge) {
  EXPECT_THROW(DiscreteSolution(dead_zone(1), {1e-5}), InputError);
  EXPECT_THROW(DiscreteSolution(dead_zone(1), {1e-300}), InputError);
  EXPECT_THROW(DiscreteSolution(dead_zone(1), {1e-3, 1e3}), InputError);
}

}  // namespace
}  // namespace szt
