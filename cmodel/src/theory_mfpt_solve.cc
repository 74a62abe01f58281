// SPDX-License-Identifier: Apache-2.0
// Numerical first-passage times: a differential equation and an integral equation.
#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>
#include <utility>

#include "szt/error.h"
#include "szt/theory_mfpt.h"
#include "szt/theory_random.h"

namespace szt {
namespace {

constexpr std::size_t kMaxIntervals = std::size_t{1} << 20;
constexpr double kPanelSigmas = 4;
constexpr double kReachSigmas = 9;
constexpr std::size_t kMaxEntries = std::size_t{1} << 24;  // of the banded matrix: 128 MiB

// Central differences by Thomas's algorithm; the ends, where T = 0, included.
std::vector<double> solve_tridiagonal(Cell cell, Walk walk, std::size_t intervals) {
  const double h = (cell.high - cell.low) / static_cast<double>(intervals);
  const double below = walk.diffusion() / (h * h) - walk.drift / (2 * h);
  const double above = walk.diffusion() / (h * h) + walk.drift / (2 * h);
  const double diagonal = -(below + above);
  std::vector<double> times(intervals + 1, 0.0);
  std::vector<double> factors(intervals, 0.0);
  for (std::size_t i = 1; i < intervals; ++i) {
    const double pivot = diagonal - below * factors[i - 1];
    factors[i] = above / pivot;
    times[i] = (-1 - below * times[i - 1]) / pivot;
  }
  for (std::size_t i = intervals - 1; i > 0; --i) times[i] -= factors[i] * times[i + 1];
  return times;
}

struct Quadrature {
  std::vector<double> nodes;  // in (-1, 1), rising
  std::vector<double> weights;
};

// Newton's method on the Legendre polynomial, from Tricomi's approximation of its zeros.
Quadrature gauss_legendre(std::size_t order) {
  Quadrature rule{std::vector<double>(order), std::vector<double>(order)};
  const double n = static_cast<double>(order);
  for (std::size_t i = 0; i < order; ++i) {
    double x = -std::cos(std::numbers::pi * (static_cast<double>(i) + 0.75) / (n + 0.5));
    double slope = 1;
    for (int iteration = 0; iteration < 10; ++iteration) {
      double before = 0;
      double value = 1;
      for (std::size_t k = 1; k <= order; ++k) {
        const double j = static_cast<double>(k);
        before = std::exchange(value, ((2 * j - 1) * x * value - (j - 1) * before) / j);
      }
      slope = n * (x * value - before) / (x * x - 1);
      const double step = value / slope;
      x -= step;
      if (std::fabs(step) < 1e-15) break;
    }
    rule.nodes[i] = x;
    rule.weights[i] = 2 / ((1 - x * x) * slope * slope);
  }
  return rule;
}

// Gaussian elimination in a band, without pivoting: I - K is an M-matrix (its off-diagonal entries
// are <= 0, its row sums probabilities of leaving), for which that is stable. Row i holds columns
// i - band to i + band.
std::vector<double> solve_band(std::vector<double> matrix, std::size_t band,
                               std::vector<double> right) {
  const std::size_t n = right.size();
  const std::size_t stride = 2 * band + 1;
  const auto at = [&](std::size_t i, std::size_t j) -> double& {
    return matrix[i * stride + (j + band - i)];
  };
  for (std::size_t k = 0; k < n; ++k) {
    const std::size_t last = std::min(n - 1, k + band);
    for (std::size_t i = k + 1; i <= last; ++i) {
      const double factor = at(i, k) / at(k, k);
      if (factor == 0) continue;
      const double* from = &at(k, k);
      double* to = &at(i, k);
      for (std::size_t j = 1; j <= last - k; ++j) to[j] -= factor * from[j];
      right[i] -= factor * right[k];
    }
  }
  for (std::size_t k = n; k-- > 0;) {
    const std::size_t last = std::min(n - 1, k + band);
    for (std::size_t j = k + 1; j <= last; ++j) right[k] -= at(k, j) * right[j];
    right[k] /= at(k, k);
  }
  return right;
}

// The most nodes that lie between a node and another at most `reach` away, the latter counted.
std::size_t band_within(const std::vector<double>& nodes, double reach) {
  std::size_t band = 0;
  std::size_t far = 0;
  for (std::size_t near = 0; near < nodes.size(); ++near) {
    while (far + 1 < nodes.size() && nodes[far + 1] - nodes[near] <= reach) ++far;
    band = std::max(band, far - near);
  }
  return band;
}

double kernel(Walk walk, double from, double to) {
  return normal_density((to - from - walk.drift) / walk.sigma) / walk.sigma;
}

}  // namespace

DiffusionSolution::DiffusionSolution(Cell cell, Walk walk, std::size_t intervals) : cell_(cell) {
  const double length = cell.high - cell.low;
  // Steeper boundary layers than D/v over four intervals would let the scheme oscillate.
  const double needed = 4 * std::fabs(walk.drift) * length / walk.diffusion();
  if (!(needed <= static_cast<double>(kMaxIntervals))) {
    throw InputError(fmt::format(
        "drift {} is too strong for the difference scheme, which takes up to {:.3g} at "
        "this sigma; use a smaller one",
        walk.drift, static_cast<double>(kMaxIntervals) * walk.diffusion() / (4 * length)));
  }
  intervals = std::max({intervals, static_cast<std::size_t>(needed), std::size_t{4}});
  intervals += intervals % 2;  // for Simpson's rule
  times_ = solve_tridiagonal(cell, walk, intervals);
  const std::vector<double> finer = solve_tridiagonal(cell, walk, 2 * intervals);
  for (std::size_t i = 0; i <= intervals; ++i) {
    times_[i] = (4 * finer[2 * i] - times_[i]) / 3;
  }
}

double DiffusionSolution::at(double w) const {
  const std::size_t intervals = times_.size() - 1;
  const double place = (w - cell_.low) / (cell_.high - cell_.low) * static_cast<double>(intervals);
  if (!(place > 0 && place < static_cast<double>(intervals))) return 0;
  const std::size_t first =
      std::min(std::max(static_cast<std::size_t>(place), std::size_t{1}) - 1, intervals - 3);
  const double x = place - static_cast<double>(first);
  const double* const t = &times_[first];
  return -t[0] * (x - 1) * (x - 2) * (x - 3) / 6 + t[1] * x * (x - 2) * (x - 3) / 2 -
         t[2] * x * (x - 1) * (x - 3) / 2 + t[3] * x * (x - 1) * (x - 2) / 6;
}

double DiffusionSolution::mean() const {
  const std::size_t intervals = times_.size() - 1;
  double sum = times_.front() + times_.back();
  for (std::size_t i = 1; i < intervals; ++i) sum += (i % 2 == 1 ? 4 : 2) * times_[i];
  return sum / (3 * static_cast<double>(intervals));
}

DiscreteSolution::DiscreteSolution(Cell cell, Walk walk, std::size_t order)
    : cell_(cell), walk_(walk) {
  const double length = cell.high - cell.low;
  const double panels = std::max(1.0, std::ceil(length / (kPanelSigmas * walk.sigma)));
  const double width = length / panels;
  const double reach = kReachSigmas * walk.sigma + std::fabs(walk.drift);
  const double panels_reached = std::min(panels, std::ceil(reach / width));
  const double n = panels * static_cast<double>(order);
  const double most = std::min(n - 1, (panels_reached + 1) * static_cast<double>(order) - 1);
  if (!(n * (2 * most + 1) <= static_cast<double>(kMaxEntries))) {
    throw InputError(
        fmt::format("sigma {:.6g} and drift {:.6g} in a cell {:.6g} wide take too large a system; "
                    "use a sigma of at least {:.3g} and a drift of a few sigmas at most",
                    walk.sigma, walk.drift, length, length / 20000));
  }
  const Quadrature rule = gauss_legendre(order);
  for (std::size_t panel = 0; panel < static_cast<std::size_t>(panels); ++panel) {
    for (std::size_t i = 0; i < order; ++i) {
      nodes_.push_back(cell.low + width * (static_cast<double>(panel) + (1 + rule.nodes[i]) / 2));
      weights_.push_back(rule.weights[i] * width / 2);
    }
  }
  const std::size_t half_band = band_within(nodes_, reach);
  const std::size_t stride = 2 * half_band + 1;
  std::vector<double> matrix(nodes_.size() * stride, 0.0);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const std::size_t last = std::min(nodes_.size() - 1, i + half_band);
    for (std::size_t j = i - std::min(i, half_band); j <= last; ++j) {
      matrix[i * stride + (j + half_band - i)] =
          (i == j ? 1.0 : 0.0) - weights_[j] * kernel(walk, nodes_[i], nodes_[j]);
    }
  }
  times_ = solve_band(std::move(matrix), half_band, std::vector<double>(nodes_.size(), 1.0));
}

double DiscreteSolution::at(double w) const {
  assert(cell_.low <= w && w <= cell_.high);
  double sum = 1;
  for (std::size_t j = 0; j < nodes_.size(); ++j) {
    sum += weights_[j] * kernel(walk_, w, nodes_[j]) * times_[j];
  }
  return sum;
}

double DiscreteSolution::mean() const {
  double sum = 0;
  for (std::size_t j = 0; j < nodes_.size(); ++j) sum += weights_[j] * times_[j];
  return sum / (cell_.high - cell_.low);
}

}  // namespace szt
