// SPDX-License-Identifier: Apache-2.0
// Density, entropy, reconstruction error and footprint.
#include "szt/theory_density.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "szt/error.h"
#include "szt/quantize.h"
#include "szt/theory_footprint.h"
#include "szt/theory_random.h"

namespace szt {
namespace {

constexpr Distribution kGaussian = Distribution::kGaussian;
constexpr Distribution kLaplace = Distribution::kLaplace;

TEST(Density, TheContractsFigures) {
  const DensityReport gaussian = analyse(kGaussian, parse_rule("twn"));
  const DensityReport laplace = analyse(kLaplace, parse_rule("twn"));
  EXPECT_NEAR(gaussian.entropy_balanced, 1.5595, 5e-5);
  EXPECT_NEAR(gaussian.entropy_signed_zero, 1.9831, 5e-5);
  EXPECT_NEAR(laplace.entropy_balanced, 1.4966, 5e-5);
  EXPECT_NEAR(laplace.entropy_signed_zero, 2.0000, 5e-5);
  EXPECT_NEAR(gaussian.dead_zone_share, 0.4235, 5e-5);
  EXPECT_NEAR(laplace.dead_zone_share, 0.5034, 5e-5);
  EXPECT_NEAR(gaussian.inner_over_scale, 0.230, 5e-4);
  EXPECT_NEAR(laplace.inner_over_scale, 0.182, 5e-4);
  EXPECT_NEAR(gaussian.sqnr_forward, 7.1755, 5e-5);
  EXPECT_NEAR(gaussian.sqnr_backward[2], 7.945, 5e-4);
  EXPECT_NEAR(gaussian.sqnr_best_inner, 7.951, 5e-4);
  EXPECT_NEAR(laplace.sqnr_backward[3], 5.839, 5e-4);
  EXPECT_NEAR(laplace.sqnr_backward[2], 5.822, 5e-4);
  EXPECT_NEAR(laplace.sqnr_forward, 5.491, 5e-4);
  EXPECT_NEAR(laplace.sqnr_best_inner, 5.878, 5e-4);
  EXPECT_NEAR(gaussian.sqnr_backward[3], 7.778, 5e-4);
  EXPECT_NEAR(lloyd_max_sqnr(kGaussian), 9.30, 5e-3);
  EXPECT_NEAR(lloyd_max_sqnr(kLaplace), 7.54, 5e-3);
}

TEST(Density, EncoderOnQuantilesAgreesWithTheClosedForms) {
  for (const Distribution distribution : {kGaussian, kLaplace}) {
    const std::vector<float> grid = quantile_grid(distribution, 1 << 19);
    ASSERT_TRUE(std::is_sorted(grid.begin(), grid.end()));
    for (const char* rule : {"twn", "twn:0.4", "absmean", "mse", "fixed:1.25", "fixed:0"}) {
      SCOPED_TRACE(rule);
      const DensityReport closed = analyse(distribution, parse_rule(rule));
      const DensityReport encoder =
          analyse(Dtype::kF32, grid.data(), grid.size(), parse_rule(rule));
      EXPECT_NEAR(encoder.mean_magnitude, 1, 3e-6);
      EXPECT_NEAR(encoder.threshold, closed.threshold, 1e-3);
      EXPECT_NEAR(encoder.scale, closed.scale, 1e-3);
      EXPECT_NEAR(encoder.dead_zone_share, closed.dead_zone_share, 5e-4);
      EXPECT_NEAR(encoder.inner_over_scale, closed.inner_over_scale, 5e-4);
      EXPECT_NEAR(encoder.entropy_balanced, closed.entropy_balanced, 5e-4);
      EXPECT_NEAR(encoder.entropy_signed_zero, closed.entropy_signed_zero, 5e-4);
      EXPECT_NEAR(encoder.sqnr_forward, closed.sqnr_forward, 1e-3);
      EXPECT_NEAR(encoder.sqnr_best_inner, closed.sqnr_best_inner, 1e-3);
      for (std::size_t k = 0; k < kZeroShifts; ++k) {
        EXPECT_NEAR(encoder.sqnr_backward[k], closed.sqnr_backward[k], 1e-3) << k;
      }
    }
  }
}

TEST(Density, MseIsTheBestThreshold) {
  for (const Distribution distribution : {kGaussian, kLaplace}) {
    const double best = analyse(distribution, parse_rule("mse")).sqnr_forward;
    for (const double threshold : {0.3, 0.5, 0.7, 0.76, 0.78, 0.95, 1.05, 1.3}) {
      const double other = analyse(distribution, {RuleKind::kFixed, threshold}).sqnr_forward;
      EXPECT_LT(other, best) << threshold;
    }
  }
  EXPECT_NEAR(analyse(kLaplace, parse_rule("mse")).threshold, 1, 1e-12);
}

// The errors element by element, from the weights and their codes.
TEST(Density, IsWhatTheReconstructionGives) {
  std::vector<float> weights(5000);
  RandomStream random(3, 0);
  for (float& w : weights) w = static_cast<float>(0.02 * random.normal() * random.normal() + 0.003);
  weights[7] = -0.0F;
  for (const char* rule : {"twn", "absmean", "mse", "fixed:0.01"}) {
    SCOPED_TRACE(rule);
    const DensityReport report =
        analyse(Dtype::kF32, weights.data(), weights.size(), parse_rule(rule));
    const QuantizedTensor quantized =
        quantize("", Dtype::kF32, weights.data(), 50, 100, parse_rule(rule));
    const double a = static_cast<double>(quantized.scale);
    EXPECT_EQ(report.scale, a);
    EXPECT_EQ(report.threshold, static_cast<double>(quantized.threshold));
    const CodeHistogram counts = histogram(quantized.codes);
    EXPECT_NEAR(report.entropy_signed_zero, entropy_bits(counts), 1e-12);
    const std::vector<std::uint64_t> merged = {counts[0] + counts[2], counts[1], counts[3]};
    EXPECT_NEAR(report.entropy_balanced, entropy_bits(merged), 1e-12);
    EXPECT_NEAR(report.dead_zone_share, static_cast<double>(merged[0]) / 5000, 1e-15);
    double signal = 0;
    double forward = 0;
    std::vector<double> backward(kZeroShifts);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const double w = static_cast<double>(weights[i]);
      const Code code = quantized.codes.get(i / 100, i % 100);
      signal += w * w;
      forward += std::pow(w - a * decode(code), 2);
      for (std::size_t k = 0; k < kZeroShifts; ++k) {
        const double level =
            decode(code) + std::ldexp(decode(code, DecodeMode::kZeroSign), -static_cast<int>(k));
        backward[k] += std::pow(w - a * level, 2);
      }
    }
    EXPECT_NEAR(report.sqnr_forward, 10 * std::log10(signal / forward), 1e-9);
    for (std::size_t k = 0; k < kZeroShifts; ++k) {
      EXPECT_NEAR(report.sqnr_backward[k], 10 * std::log10(signal / backward[k]), 1e-9) << k;
      EXPECT_LE(report.sqnr_backward[k], report.sqnr_best_inner + 1e-9);
    }
  }
}

TEST(Density, Extremes) {
  const DensityReport nothing = analyse(Dtype::kF32, nullptr, 0, parse_rule("twn"));
  EXPECT_TRUE(std::isnan(nothing.sqnr_forward));
  const std::vector<float> zeros(10, -0.0F);
  const DensityReport dead = analyse(Dtype::kF32, zeros.data(), zeros.size(), parse_rule("twn"));
  EXPECT_EQ(dead.dead_zone_share, 1);
  EXPECT_EQ(dead.entropy_signed_zero, 0);
  EXPECT_TRUE(std::isnan(dead.sqnr_forward));
  const std::vector<float> ternary = {1, -1, 0, 1};
  const DensityReport exact =
      analyse(Dtype::kF32, ternary.data(), ternary.size(), parse_rule("twn"));
  EXPECT_EQ(exact.sqnr_forward, std::numeric_limits<double>::infinity());
  const std::vector<float> infinite = {1, INFINITY};
  EXPECT_THROW(analyse(Dtype::kF32, infinite.data(), 2, parse_rule("twn")), InputError);
  const DensityReport wide = analyse(kGaussian, parse_rule("fixed:1000"));
  EXPECT_EQ(wide.scale, 0);
  EXPECT_NEAR(wide.sqnr_forward, 0, 1e-12);
}

TEST(RelativeHistogram, CountsEveryWeightOnce) {
  const std::vector<float> weights = {-5, -4, -3.95F, -0.05F, -0.0F, 0, 0.05F, 3.95F, 4, 100};
  const RelativeHistogram counts =
      relative_histogram(Dtype::kF32, weights.data(), weights.size(), 1);
  EXPECT_EQ(counts.below, 1U);
  EXPECT_EQ(counts.above, 2U);
  EXPECT_EQ(counts.bins.front(), 2U);
  EXPECT_EQ(counts.bins.back(), 1U);
  EXPECT_EQ(counts.bins[39], 1U);
  EXPECT_EQ(counts.bins[40], 3U);
  EXPECT_EQ(RelativeHistogram::lower_end(40), 0);
  EXPECT_EQ(RelativeHistogram::lower_end(RelativeHistogram::kBins), 4);
  const std::vector<float> zeros(3);
  EXPECT_EQ(relative_histogram(Dtype::kF32, zeros.data(), 3, 0).bins[40], 3U);
  // In units of the mean.
  EXPECT_EQ(relative_histogram(Dtype::kF32, weights.data(), weights.size(), 100).above, 0U);
}

TEST(Footprint, CountsEveryScaleAndThreshold) {
  const std::vector<MatrixShape> shapes = {{3, 130}, {1, 1}};
  const auto bytes = [&](const char* name) {
    const StorageFormat* format = find_storage_format(name);
    EXPECT_NE(format, nullptr) << name;
    return footprint(*format, shapes);
  };
  EXPECT_EQ(bytes("szt").weights, 3U * 33 + 1);
  EXPECT_EQ(bytes("szt").scales, 2U * 8);
  EXPECT_EQ(bytes("bt").total(), bytes("szt").total());
  EXPECT_EQ(bytes("bt-base3").weights, 3U * 26 + 1);
  EXPECT_EQ(bytes("int4").weights, 3U * 65 + 1);
  EXPECT_EQ(bytes("int4").scales, 2U * 4);
  EXPECT_EQ(bytes("int4-g128").weights, 3U * 65 + 1);
  EXPECT_EQ(bytes("int4-g128").scales, (3U * 2 + 1) * 2);
  EXPECT_EQ(bytes("int8").total(), 391U + 8);
  EXPECT_EQ(bytes("fp16").total(), 391U * 2);
  EXPECT_EQ(bytes("fp32").total(), 391U * 4);
  EXPECT_EQ(find_storage_format("int3"), nullptr);
  // What the packed codes really take.
  const std::vector<float> weights(390, 1);
  EXPECT_EQ(
      quantize("", Dtype::kF32, weights.data(), 3, 130, parse_rule("twn")).codes.bytes().size(),
      33U * 3);
}

TEST(Footprint, ParametersInEqualMemory) {
  for (const StorageFormat& format : storage_formats()) {
    SCOPED_TRACE(format.name);
    for (const std::uint64_t tensors : {1U, 3U}) {
      for (std::uint64_t bytes = 0; bytes < 400; ++bytes) {
        const std::uint64_t most = parameters_in(format, bytes, tensors);
        EXPECT_TRUE(most == 0 || footprint(format, most, tensors).total() <= bytes);
        ASSERT_GT(footprint(format, most + 1, tensors).total(), bytes) << tensors << " " << bytes;
      }
    }
    // Every size up to the limit is counted without overflow.
    const std::uint64_t huge = footprint(format, kMaxParameters, 1).total();
    EXPECT_GE(parameters_in(format, huge, 1), kMaxParameters);
    EXPECT_LE(huge, 4 * kMaxParameters);
  }
  // The paper's twice: 2.00 against one scale a tensor, 2.06 against one for 128 weights.
  const auto times = [](const char* reference) {
    const std::uint64_t bytes = footprint(*find_storage_format(reference), 7000000000, 224).total();
    return static_cast<double>(parameters_in(*find_storage_format("szt"), bytes, 224)) / 7e9;
  };
  EXPECT_NEAR(times("int4"), 2, 1e-6);
  EXPECT_NEAR(times("int4-g128"), 2.0625, 1e-6);
  EXPECT_NEAR(times("bt-base3"), 0.8, 1e-6);
}

}  // namespace
}  // namespace szt
