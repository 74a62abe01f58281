// SPDX-License-Identifier: Apache-2.0
// Closed forms and Monte-Carlo; the numerical solutions are in theory_mfpt_solve.cc.
#include "szt/theory_mfpt.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <limits>

#include "parallel.h"
#include "szt/encoder.h"
#include "szt/theory_random.h"

namespace szt {
namespace {

constexpr double kSmallDrift = 1e-4;    // vL/D below which exit_time() is its series
constexpr double kSmallLangevin = 0.1;  // and mean_exit_time()

// |v|L/D, kept finite so that 0 times it is 0.
double peclet(double half, Walk walk) {
  return std::min(std::fabs(walk.drift) * half / walk.diffusion(),
                  std::numeric_limits<double>::max());
}

}  // namespace

double exit_time(Cell cell, Walk walk, double w) {
  const double half = (cell.high - cell.low) / 2;
  // Distances from both ends in halves of the cell; the drift goes from `behind` to `ahead`.
  double behind = (w - cell.low) / half;
  double ahead = (cell.high - w) / half;
  if (!(behind > 0 && ahead > 0)) return 0;
  if (walk.drift < 0) std::swap(behind, ahead);
  const double a = peclet(half, walk);
  if (a < kSmallDrift) {
    const double s = behind * ahead;  // 1 - x^2
    const double x = (behind - ahead) / 2;
    const double series =
        s / 2 - a * x * s / 6 - a * a * s * s / 24 + a * a * a * x * s * (7 - 3 * x * x) / 360;
    return series * half / walk.diffusion() * half;
  }
  const double scale = half / std::fabs(walk.drift);
  // Wald: drift * T = mean displacement, from the probability of leaving at the end that is
  // farther. Written with the nearer end's the difference would cancel.
  if (behind < ahead) {
    const double leaves_ahead = std::expm1(-a * behind) / std::expm1(-2 * a);
    return scale * (2 * leaves_ahead - behind);
  }
  const double leaves_behind = std::exp(-a * behind) * std::expm1(-a * ahead) / std::expm1(-2 * a);
  return scale * (ahead - 2 * leaves_behind);
}

double mean_exit_time(Cell cell, Walk walk) {
  const double half = (cell.high - cell.low) / 2;
  const double a = peclet(half, walk);
  if (a < kSmallLangevin) {
    const double q = a * a;  // Langevin's function over a
    const double series =
        1.0 / 3 -
        q * (1.0 / 45 -
             q * (2.0 / 945 - q * (1.0 / 4725 - q * (2.0 / 93555 - q * 1382.0 / 638512875))));
    return series * half / walk.diffusion() * half;
  }
  return half / std::fabs(walk.drift) * (1 / std::tanh(a) - 1 / a);
}

double mean_shifted_exit_time(Cell cell, double sigma) {
  const double half = (cell.high - cell.low) / 2;
  const double moved = half + kBarrierShift * sigma;
  return (moved * moved - half * half / 3) / (sigma * sigma);
}

void simulate_passages(const PathSet& set, std::uint64_t first, std::span<Passage> passages,
                       unsigned threads) {
  const std::uint32_t bits = threshold_bits(Dtype::kF32, set.threshold);
  const double threshold = static_cast<double>(set.threshold);
  assert(threshold > 0 && (!set.start || std::fabs(*set.start) <= threshold));
  const auto code_of = [bits](double w) {
    return encode_f32(std::bit_cast<std::uint32_t>(static_cast<float>(w)), bits);
  };
  threads = resolve_threads(threads, passages.size(), 2);
  parallel_for(passages.size(), threads, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      RandomStream random(set.seed, first + i);
      double w = set.start ? *set.start : threshold * (2 * random.uniform() - 1);
      const Code start = code_of(w);
      std::uint64_t steps = 0;
      std::uint64_t change = 0;
      Code code = start;
      while (!magnitude_bit(code)) {
        w += set.walk.drift + set.walk.sigma * random.normal();
        ++steps;
        code = code_of(w);
        if (change == 0 && code != start) change = steps;
      }
      passages[i] = {change, steps};
    }
  });
}

}  // namespace szt
