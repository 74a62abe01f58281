// SPDX-License-Identifier: Apache-2.0
// Threshold and scale of a tensor, one of each, by one of four rules. Deterministic to the last bit
// on any number of threads.
//
//   rule     threshold                scale
//   fixed:V  V                        mean of |w| over |w| > threshold
//   twn:T    T * mean|w|              as fixed; Li et al. 2016, arXiv 1605.04711
//   absmean  mean|w| / 2              mean|w|; BitNet b1.58, arXiv 2402.17764
//   mse      minimises |w - scale*f|  as fixed: the exact optimum of Li et al.'s objective, which
//                                     their 0.7 approximates
//
// Arithmetic. |w| is exact in double. Every sum is in double and in one order: blocks of 4096
// elements in storage order, each block as 8 interleaved lanes (element i into lane i mod 8, one
// that a mean leaves out counts as +0) combined ((0+1)+(2+3))+((4+5)+(6+7)), block sums added in
// order. A mean is that sum divided by the count. The threshold is rounded toward zero to float32
// (so that |w| > threshold holds for the same float32 w before and after), the scale to nearest.
//
// absmean. The codes equal RoundClip(w / g, -1, 1) in float32 with a true division and rounding
// half to even, g being mean|w| rounded toward zero to float32 (BitNet's epsilon is 0 here). A
// multiplication by 1/g differs. With the stored scale, mean|w| rounded to nearest, in place of g
// only weights with |w| exactly scale/2 can differ, and only where the scale was rounded up.
//
// mse. With a_1 >= a_2 >= ... the sorted |w| and S_k = S_(k-1) + a_k in double, k is the smallest
// that maximises (S_k * S_k) / k; every k is tried, for the objective is not unimodal ({3, 1, 1, 1}
// has maxima at 1 and 4). The threshold is a_(k+1), or 0 if k = n. Over a run of equal |w| the
// objective is convex in k, so its maximum never splits a run; should rounding make it, the run's
// weights all become zeros, as the strict |w| > threshold says.
#ifndef SZT_THRESHOLD_H_
#define SZT_THRESHOLD_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "szt/latent.h"

namespace szt {

enum class RuleKind { kFixed, kTwn, kAbsmean, kMse };

inline constexpr double kDefaultTwnFactor = 0.7;

struct Rule {
  RuleKind kind = RuleKind::kTwn;
  double parameter = kDefaultTwnFactor;  // V of fixed, T of twn, else 0

  friend bool operator==(const Rule&, const Rule&) = default;
};

// "fixed:V", "twn", "twn:T", "absmean" or "mse"; V and T finite decimals >= 0. Throws InputError,
// quoting the text and listing the known rules, for anything else.
Rule parse_rule(std::string_view text);
// parse_rule(to_string(rule)) == rule.
std::string to_string(const Rule& rule);

// Sum and number of the |w| > above (all, if above < 0) in the order that is fixed above.
struct MagnitudeSum {
  double total = 0;
  std::size_t count = 0;

  double mean() const { return count == 0 ? 0 : total / static_cast<double>(count); }
};
MagnitudeSum sum_magnitudes(Dtype dtype, const void* weights, std::size_t n, double above,
                            unsigned threads = 0);

struct Calibration {
  float threshold;      // finite, >= 0
  float scale;          // finite, >= 0; 0 if nonzero is 0
  std::size_t nonzero;  // weights with |w| > threshold
};

// An empty tensor has scale 0 and threshold 0 (fixed:V keeps V). A threshold beyond float32 is the
// largest float32. `threads` = 0 uses the machine's for a large tensor, else one; no result depends
// on it. Throws InputError with the index of the first NaN or infinity.
Calibration calibrate(Dtype dtype, const void* weights, std::size_t n, const Rule& rule,
                      unsigned threads = 0);

}  // namespace szt

#endif  // SZT_THRESHOLD_H_
