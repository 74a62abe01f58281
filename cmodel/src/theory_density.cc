// SPDX-License-Identifier: Apache-2.0
#include "szt/theory_density.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "szt/encoder.h"
#include "szt/theory_random.h"

namespace szt {
namespace {

const double kGaussianSigma = std::sqrt(std::numbers::pi / 2);  // E|w| = sigma sqrt(2/pi) = 1

// About a threshold; expectations are over all weights, not over their part.
struct Moments {
  double share_inside;
  double sum_inside;   // E[|w|; |w| <= threshold]
  double sum_outside;  // E[|w|; |w| > threshold]
  double mean_square;
};

double share_beyond(Distribution distribution, double x) {
  if (distribution == Distribution::kGaussian) return 2 * normal_tail(x / kGaussianSigma);
  return std::exp(-x);
}

double sum_beyond(Distribution distribution, double x) {
  if (distribution == Distribution::kGaussian) {
    return 2 * kGaussianSigma * normal_density(x / kGaussianSigma);
  }
  return (1 + x) * std::exp(-x);
}

Moments moments(Distribution distribution, double threshold) {
  const double outside = sum_beyond(distribution, threshold);
  const bool gaussian = distribution == Distribution::kGaussian;
  return {share_within(distribution, threshold), 1 - outside, outside,
          gaussian ? kGaussianSigma * kGaussianSigma : 2};
}

// Mean of |w| over |w| > x, which rises more slowly than x: x - mean/2 has one zero, the stationary
// point of the squared error.
double mse_threshold(Distribution distribution) {
  double low = 0;
  double high = 8;
  for (int i = 0; i < 100; ++i) {
    const double x = (low + high) / 2;
    const double half = sum_beyond(distribution, x) / share_beyond(distribution, x) / 2;
    (x < half ? low : high) = x;
  }
  return low;
}

double decibels(double signal, double error) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  if (!(signal > 0)) return kNan;
  // Rounding may leave an error of 0 slightly negative.
  if (error <= signal * std::numeric_limits<double>::epsilon()) {
    return std::numeric_limits<double>::infinity();
  }
  return 10 * std::log10(signal / error);
}

void add_entropy(DensityReport& report, double plus, double zero_plus, double zero_minus,
                 double minus) {
  const auto bits = [](double share) { return share > 0 ? -share * std::log2(share) : 0.0; };
  const double outer = bits(plus) + bits(minus);
  report.entropy_balanced = outer + bits(zero_plus + zero_minus);
  report.entropy_signed_zero = outer + bits(zero_plus) + bits(zero_minus);
}

// Everything that follows from the moments, given threshold and scale.
void add_reconstruction(DensityReport& report, const Moments& m) {
  const double a = report.scale;
  report.dead_zone_share = m.share_inside;
  report.inner_over_scale = m.share_inside > 0 && a > 0 ? m.sum_inside / m.share_inside / a : 0.0;
  const double forward = m.mean_square - 2 * a * m.sum_outside + a * a * (1 - m.share_inside);
  const auto with_inner = [&](double level) {
    return decibels(m.mean_square,
                    forward - 2 * level * m.sum_inside + level * level * m.share_inside);
  };
  report.sqnr_forward = decibels(m.mean_square, forward);
  for (std::size_t k = 0; k < kZeroShifts; ++k) {
    report.sqnr_backward[k] = with_inner(std::ldexp(a, -static_cast<int>(k)));
  }
  report.sqnr_best_inner = with_inner(m.share_inside > 0 ? m.sum_inside / m.share_inside : 0);
}

}  // namespace

std::string_view name(Distribution distribution) {
  return distribution == Distribution::kGaussian ? "gaussian" : "laplace";
}

double share_within(Distribution distribution, double x) {
  if (distribution == Distribution::kGaussian) {
    return std::erf(x / (kGaussianSigma * std::numbers::sqrt2));
  }
  return -std::expm1(-x);
}

double quantile(Distribution distribution, double p) {
  assert(p > 0 && p < 1);
  if (distribution == Distribution::kGaussian) return kGaussianSigma * normal_quantile(p);
  return p < 0.5 ? std::log(2 * p) : -std::log(2 * (1 - p));
}

std::vector<float> quantile_grid(Distribution distribution, std::size_t n) {
  std::vector<float> grid(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double p = (static_cast<double>(i) + 0.5) / static_cast<double>(n);
    grid[i] = static_cast<float>(quantile(distribution, p));
  }
  return grid;
}

DensityReport analyse(Distribution distribution, const Rule& rule) {
  DensityReport report;
  report.mean_magnitude = 1;
  switch (rule.kind) {
    case RuleKind::kFixed:
    case RuleKind::kTwn:
      report.threshold = rule.parameter;
      break;
    case RuleKind::kAbsmean:
      report.threshold = 0.5;
      break;
    case RuleKind::kMse:
      report.threshold = mse_threshold(distribution);
      break;
  }
  const double beyond = share_beyond(distribution, report.threshold);
  report.scale = 0;
  if (rule.kind == RuleKind::kAbsmean) {
    report.scale = 1;
  } else if (beyond > 0) {
    report.scale = sum_beyond(distribution, report.threshold) / beyond;
  }
  add_reconstruction(report, moments(distribution, report.threshold));
  const double zero = report.dead_zone_share / 2;
  add_entropy(report, beyond / 2, zero, zero, beyond / 2);
  return report;
}

DensityReport analyse(Dtype dtype, const void* weights, std::size_t n, const Rule& rule,
                      unsigned threads) {
  constexpr std::size_t kBlock = 4096;
  const Calibration calibration = calibrate(dtype, weights, n, rule, threads);
  DensityReport report;
  report.threshold = static_cast<double>(calibration.threshold);
  report.scale = static_cast<double>(calibration.scale);
  const double count = n == 0 ? 1 : static_cast<double>(n);
  const double total = sum_magnitudes(dtype, weights, n, -1, threads).total / count;
  const double outside = sum_magnitudes(dtype, weights, n, report.threshold, threads).total / count;
  report.mean_magnitude = total;

  CodeHistogram codes{};
  double square = 0;
  std::vector<Code> block(std::min(n, kBlock));
  for (std::size_t first = 0; first < n; first += kBlock) {
    const std::size_t length = std::min(kBlock, n - first);
    encode(dtype, static_cast<const std::byte*>(weights) + first * size_of(dtype), length,
           calibration.threshold, block.data());
    for (std::size_t i = 0; i < length; ++i) ++codes[static_cast<std::size_t>(block[i])];
    double sum = 0;
    visit_latents(dtype, weights, [&](auto latents) {
      for (std::size_t i = first; i < first + length; ++i) {
        const double w = static_cast<double>(to_float(latents[i]));
        sum += w * w;
      }
    });
    square += sum;
  }
  const auto share = [&](Code code) {
    return static_cast<double>(codes[static_cast<std::size_t>(code)]) / count;
  };
  add_reconstruction(report, {share(Code::kZeroPlus) + share(Code::kZeroMinus), total - outside,
                              outside, square / count});
  add_entropy(report, share(Code::kPlusOne), share(Code::kZeroPlus), share(Code::kZeroMinus),
              share(Code::kMinusOne));
  return report;
}

double lloyd_max_sqnr(Distribution distribution) {
  double threshold = 1;
  Moments m = moments(distribution, threshold);
  for (int i = 0; i < 1000; ++i) {
    const double inner = m.sum_inside / m.share_inside;
    const double outer = m.sum_outside / (1 - m.share_inside);
    threshold = (inner + outer) / 2;
    m = moments(distribution, threshold);
  }
  // With the levels at the means of their parts, the error is what their squares leave.
  const double explained = m.sum_inside * m.sum_inside / m.share_inside +
                           m.sum_outside * m.sum_outside / (1 - m.share_inside);
  return decibels(m.mean_square, m.mean_square - explained);
}

RelativeHistogram relative_histogram(Dtype dtype, const void* weights, std::size_t n,
                                     double mean_magnitude) {
  RelativeHistogram histogram;
  const double unit = mean_magnitude > 0 ? mean_magnitude : 1;
  constexpr double kPerUnit = static_cast<double>(RelativeHistogram::kBins) /
                              (RelativeHistogram::kHigh - RelativeHistogram::kLow);
  visit_latents(dtype, weights, [&](auto latents) {
    for (std::size_t i = 0; i < n; ++i) {
      const double x = static_cast<double>(to_float(latents[i])) / unit;
      if (x < RelativeHistogram::kLow) {
        ++histogram.below;
      } else if (x >= RelativeHistogram::kHigh) {
        ++histogram.above;
      } else {
        ++histogram
              .bins[std::min(static_cast<std::size_t>((x - RelativeHistogram::kLow) * kPerUnit),
                             RelativeHistogram::kBins - 1)];
      }
    }
  });
  return histogram;
}

}  // namespace szt
