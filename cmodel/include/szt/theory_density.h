// SPDX-License-Identifier: Apache-2.0
// What a threshold does to a distribution of weights: the share in the dead zone, the entropy of
// the codes, and how well three and four levels reconstruct the weights.
//
// Reconstruction levels, scale a and zero shift k: forward {-a, 0, a}; backward b = f + 2^-k z, so
// {-a, -a 2^-k, a 2^-k, a}. SQNR is E[w^2] over the mean squared error, in dB.
#ifndef SZT_THEORY_DENSITY_H_
#define SZT_THEORY_DENSITY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "szt/latent.h"
#include "szt/quantize.h"
#include "szt/threshold.h"

namespace szt {

// Symmetric ideals, scaled so that mean|w| = 1.
enum class Distribution { kGaussian, kLaplace };
std::string_view name(Distribution distribution);  // "gaussian", "laplace"

// P[|w| <= x], x >= 0.
double share_within(Distribution distribution, double x);
// The weight below which a share p of all lies, 0 < p < 1.
double quantile(Distribution distribution, double p);
// The quantiles of (i + 1/2) / n, rising, to float32: a deterministic sample for the encoder.
std::vector<float> quantile_grid(Distribution distribution, std::size_t n);

inline constexpr std::size_t kZeroShifts = 8;

struct DensityReport {
  double mean_magnitude = 0;  // mean|w|
  double threshold = 0;
  double scale = 0;
  double dead_zone_share = 0;      // P[|w| <= threshold]
  double inner_over_scale = 0;     // mean|w| inside the dead zone, over the scale
  double entropy_balanced = 0;     // bits of the three values -1, 0, 1
  double entropy_signed_zero = 0;  // bits of the four codes
  // dB. NaN where nothing is left to measure (no weights, all zero), infinite for no error.
  double sqnr_forward = 0;
  std::array<double, kZeroShifts> sqnr_backward{};  // by k
  double sqnr_best_inner = 0;                       // with the best inner level in place of a 2^-k
};

// In closed form, with the exact threshold and scale of the rule; `mse` by bisection of its
// condition threshold = scale / 2.
DensityReport analyse(Distribution distribution, const Rule& rule);

// Of n weights, through calibrate() and encode(). Deterministic as calibrate() is. Throws
// InputError with the index of the first NaN or infinity.
DensityReport analyse(Dtype dtype, const void* weights, std::size_t n, const Rule& rule,
                      unsigned threads = 0);

// The best SQNR, in dB, that four levels symmetric about 0 can have: Lloyd, "Least squares
// quantization in PCM", IEEE Transactions on Information Theory 28 (1982).
double lloyd_max_sqnr(Distribution distribution);

// Counts of w / mean|w| in bins of equal width; a bin holds its lower end. If all weights are 0
// they are in the bin of 0.
struct RelativeHistogram {
  static constexpr double kLow = -4;
  static constexpr double kHigh = 4;
  static constexpr std::size_t kBins = 80;

  std::uint64_t below = 0;  // less than kLow
  std::array<std::uint64_t, kBins> bins{};
  std::uint64_t above = 0;  // kHigh or more

  static double lower_end(std::size_t bin) {
    return kLow + (kHigh - kLow) * static_cast<double>(bin) / static_cast<double>(kBins);
  }
};
// The weights must be finite, mean_magnitude theirs.
RelativeHistogram relative_histogram(Dtype dtype, const void* weights, std::size_t n,
                                     double mean_magnitude);

}  // namespace szt

#endif  // SZT_THEORY_DENSITY_H_
