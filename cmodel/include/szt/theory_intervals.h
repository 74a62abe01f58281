// SPDX-License-Identifier: Apache-2.0
// Confidence intervals of Monte-Carlo estimates that hold for a whole family of them at once.
#ifndef SZT_THEORY_INTERVALS_H_
#define SZT_THEORY_INTERVALS_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace szt {

inline constexpr double kFamilyConfidence = 0.99;

struct Interval {
  double low;
  double high;

  bool contains(double value) const { return low <= value && value <= high; }
};

// The error each of `tests` intervals may have so that all hold together with `confidence`:
// Bonferroni's (1 - confidence) / tests, because estimates from the same paths are not independent.
// tests >= 1.
double error_each(std::size_t tests, double confidence = kFamilyConfidence);

// Of a probability, `hits` of `samples` seen: all p with samples * KL(hits/samples || p) <=
// ln(2/error), by Chernoff's bound. Holds for every p and number of samples, rare events included,
// where the normal approximation does not; at these levels it is a sixth wider. samples >= 1.
Interval probability_interval(std::uint64_t hits, std::uint64_t samples, double error);

// Of a mean, from independent samples (at least 2), with their mean. Normal approximation: for a
// thousand samples or more of a distribution without heavy tails.
struct MeanEstimate {
  double mean;
  Interval interval;
};
MeanEstimate estimate_mean(std::span<const std::uint64_t> samples, double error);

}  // namespace szt

#endif  // SZT_THEORY_INTERVALS_H_
