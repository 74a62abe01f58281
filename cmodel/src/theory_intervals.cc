// SPDX-License-Identifier: Apache-2.0
#include "szt/theory_intervals.h"

#include <cassert>
#include <cmath>

#include "szt/theory_random.h"

namespace szt {
namespace {

// Kullback-Leibler divergence of a coin q from a coin p, in nats.
double divergence(double q, double p) {
  double sum = 0;
  if (q > 0) sum += q * std::log(q / p);
  if (q < 1) sum += (1 - q) * std::log((1 - q) / (1 - p));
  return sum;
}

// The p between q and `end` (0 or 1) where the divergence, which rises from 0, reaches `limit`.
double solve(double q, double end, double limit) {
  double near = q;
  double far = end;
  for (int i = 0; i < 200 && near != far; ++i) {
    const double middle = near + (far - near) / 2;
    if (middle == near || middle == far) break;
    (divergence(q, middle) <= limit ? near : far) = middle;
  }
  return far;
}

}  // namespace

double error_each(std::size_t tests, double confidence) {
  assert(tests != 0);
  return (1 - confidence) / static_cast<double>(tests);
}

Interval probability_interval(std::uint64_t hits, std::uint64_t samples, double error) {
  assert(samples != 0 && hits <= samples);
  const double n = static_cast<double>(samples);
  const double q = static_cast<double>(hits) / n;
  const double limit = std::log(2 / error) / n;
  return {hits == 0 ? 0 : solve(q, 0, limit), hits == samples ? 1 : solve(q, 1, limit)};
}

MeanEstimate estimate_mean(std::span<const std::uint64_t> samples, double error) {
  assert(samples.size() >= 2);
  const double n = static_cast<double>(samples.size());
  double sum = 0;
  for (const std::uint64_t sample : samples) sum += static_cast<double>(sample);
  const double mean = sum / n;
  double squares = 0;
  for (const std::uint64_t sample : samples) {
    const double deviation = static_cast<double>(sample) - mean;
    squares += deviation * deviation;
  }
  const double half = -normal_quantile(error / 2) * std::sqrt(squares / (n - 1) / n);
  return {mean, {mean - half, mean + half}};
}

}  // namespace szt
