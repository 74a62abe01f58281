// SPDX-License-Identifier: Apache-2.0
#include "szt/quantize.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "seed.h"
#include "szt/encoder.h"
#include "szt/error.h"

namespace szt {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kMaxFloat = std::numeric_limits<float>::max();
constexpr float kDenormMin = std::numeric_limits<float>::denorm_min();

QuantizedTensor run(const std::vector<float>& weights, std::size_t rows, std::size_t cols,
                    const char* rule) {
  return quantize("model: w", Dtype::kF32, weights.data(), rows, cols, parse_rule(rule));
}

TEST(Quantize, IsLiteral) {
  const std::vector<float> weights = {1.0F, -0.25F, 0.0F, -3.0F, -0.0F,  //
                                      0.5F, -0.5F,  2.0F, 0.75F, -0.75F};
  const QuantizedTensor tensor = run(weights, 2, 5, "fixed:0.5");
  EXPECT_EQ(tensor.codes.rows(), 2U);
  EXPECT_EQ(tensor.codes.cols(), 5U);
  EXPECT_EQ(tensor.codes.unpack(),
            (std::vector<Code>{Code::kPlusOne, Code::kZeroMinus, Code::kZeroPlus, Code::kMinusOne,
                               Code::kZeroMinus, Code::kZeroPlus, Code::kZeroMinus, Code::kPlusOne,
                               Code::kPlusOne, Code::kMinusOne}));
  EXPECT_EQ(tensor.threshold, 0.5F);
  EXPECT_EQ(tensor.scale, 1.5F);  // (1 + 3 + 2 + 0.75 + 0.75) / 5
  EXPECT_EQ(tensor.dtype, Dtype::kF32);
  EXPECT_EQ(tensor.nonzero, 5U);
  const std::vector<float> back = dequantize(tensor);
  const std::vector<float> expected = {1.5F, -0.0F, 0.0F, -1.5F, -0.0F,
                                       0.0F, -0.0F, 1.5F, 1.5F,  -1.5F};
  ASSERT_EQ(back.size(), expected.size());
  for (std::size_t i = 0; i < back.size(); ++i) {
    EXPECT_EQ(std::bit_cast<std::uint32_t>(back[i]), std::bit_cast<std::uint32_t>(expected[i]))
        << i;
  }
}

TEST(Quantize, HoldsTheCalibrationAndTheEncodersCodes) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  const std::size_t rows = 37;
  const std::size_t cols = 131;
  std::vector<std::uint16_t> patterns(rows * cols);
  for (auto& pattern : patterns) pattern = static_cast<std::uint16_t>(random() & 0xBFFFU);
  std::vector<float> floats;
  std::normal_distribution<float> normal;
  for (std::size_t i = 0; i < rows * cols; ++i) floats.push_back(normal(random));
  for (const Dtype dtype : {Dtype::kF32, Dtype::kF16, Dtype::kBF16, Dtype::kI8, Dtype::kI16}) {
    const void* data = dtype == Dtype::kF32 ? static_cast<const void*>(floats.data())
                                            : static_cast<const void*>(patterns.data());
    for (const char* text : {"fixed:0.5", "twn", "absmean", "mse"}) {
      SCOPED_TRACE(std::string(name(dtype)) + " " + text);
      const QuantizedTensor tensor = quantize("w", dtype, data, rows, cols, parse_rule(text));
      const Calibration calibration = calibrate(dtype, data, rows * cols, parse_rule(text));
      EXPECT_EQ(tensor.threshold, calibration.threshold);
      EXPECT_EQ(tensor.scale, calibration.scale);
      EXPECT_EQ(tensor.nonzero, calibration.nonzero);
      EXPECT_EQ(tensor.dtype, dtype);
      std::vector<Code> codes(rows * cols);
      encode(dtype, data, rows * cols, tensor.threshold, codes.data());
      EXPECT_EQ(tensor.codes.unpack(), codes);
      const CodeHistogram counts = histogram(tensor.codes);
      EXPECT_EQ(counts[1] + counts[3], tensor.nonzero);
    }
  }
}

// Dequantised weights quantise to the same codes: with the stored threshold in float32 for every
// rule, and with any threshold below the scale.
TEST(Quantize, CodesSurviveTheRoundTrip) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  std::normal_distribution<float> normal;
  const std::size_t rows = 20;
  const std::size_t cols = 33;
  for (const int exponent : {-140, -30, 0, 30, 120}) {
    std::vector<float> weights(rows * cols);
    for (float& w : weights) w = std::ldexp(normal(random), exponent);
    weights[5] = -0.0F;
    for (const char* text : {"fixed:0", "fixed:0.5", "twn", "absmean", "mse"}) {
      SCOPED_TRACE(std::string(text) + " 2^" + std::to_string(exponent));
      const QuantizedTensor tensor = run(weights, rows, cols, text);
      if (tensor.nonzero == 0) continue;
      const std::vector<float> back = dequantize(tensor);
      std::vector<Code> again(back.size());
      encode(Dtype::kF32, back.data(), back.size(), tensor.threshold, again.data());
      EXPECT_EQ(again, tensor.codes.unpack());
      const QuantizedTensor second = run(back, rows, cols, "mse");
      EXPECT_EQ(second.codes, tensor.codes);
      EXPECT_EQ(second.scale, tensor.scale);
    }
  }
}

// The sign bit of every code, for every scale; the zeros encode to themselves again with any
// threshold.
TEST(Dequantize, KeepsEverySign) {
  const PackedCodes codes = PackedCodes::pack(kAllCodes, 1, 4);
  for (const float scale : {0.0F, -0.0F, kDenormMin, 0.02F, 1.0F, kMaxFloat}) {
    const std::vector<float> values = dequantize(codes, scale);
    for (std::size_t i = 0; i < kAllCodes.size(); ++i) {
      const float expected = static_cast<float>(decode(kAllCodes[i])) * std::fabs(scale);
      EXPECT_EQ(values[i], expected) << scale;
      EXPECT_EQ(std::signbit(values[i]), sign_bit(kAllCodes[i])) << scale << ", code " << i;
    }
    for (const float threshold : {0.0F, kDenormMin, 1.0F, kMaxFloat}) {
      std::vector<Code> again(4);
      encode(Dtype::kF32, values.data(), 4, threshold, again.data());
      EXPECT_EQ(again[0], Code::kZeroPlus);
      EXPECT_EQ(again[2], Code::kZeroMinus);
    }
  }
  for (const float bad : {-1.0F, -kDenormMin, kInfinity, kNan}) {
    EXPECT_THROW(dequantize(codes, bad), InputError) << bad;
  }
}

TEST(Quantize, AllInTheDeadZoneIsScaleZero) {
  const QuantizedTensor tensor = run({0.1F, -0.1F, 0.0F, -0.0F}, 2, 2, "fixed:1");
  EXPECT_EQ(tensor.scale, 0.0F);
  EXPECT_EQ(tensor.nonzero, 0U);
  EXPECT_EQ(tensor.codes.unpack(), (std::vector<Code>{Code::kZeroPlus, Code::kZeroMinus,
                                                      Code::kZeroPlus, Code::kZeroMinus}));
  const std::vector<float> back = dequantize(tensor);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(back[i], 0.0F);
    EXPECT_EQ(std::signbit(back[i]), i % 2 == 1);
  }
}

TEST(Quantize, RefusesNonfiniteByPlaceAndIndex) {
  for (const float bad : {kInfinity, -kInfinity, kNan}) {
    std::vector<float> weights(15, 1.0F);
    weights[8] = bad;
    weights[11] = bad;
    for (const char* rule : {"fixed:0.5", "twn", "absmean", "mse"}) {
      try {
        run(weights, 3, 5, rule);
        FAIL() << bad << " was quantised";
      } catch (const InputError& error) {
        const std::string message = error.what();
        EXPECT_EQ(message.find("model: w"), 0U) << message;
        EXPECT_NE(message.find("[1, 3]"), std::string::npos) << message;
      }
    }
  }
  const std::uint16_t halves[] = {0x3C00, 0x7C00};
  EXPECT_THROW(quantize("w", Dtype::kF16, halves, 1, 2, Rule{}), InputError);
  EXPECT_NO_THROW(quantize("w", Dtype::kBF16, halves, 1, 2, Rule{}));
}

TEST(Quantize, EmptyTensors) {
  for (const char* rule : {"fixed:0.5", "twn", "absmean", "mse"}) {
    EXPECT_EQ(run({}, 0, 7, rule).codes.cols(), 7U);
    EXPECT_EQ(run({}, 7, 0, rule).codes.rows(), 7U);
    EXPECT_EQ(run({}, 0, 0, rule).scale, 0.0F);
    EXPECT_TRUE(dequantize(run({}, 7, 0, rule)).empty());
  }
}

TEST(Histogram, CountsCodesNotPadding) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  for (std::size_t cols = 0; cols <= 9; ++cols) {
    PackedCodes codes(6, cols);
    CodeHistogram expected{};
    for (std::size_t row = 0; row < 6; ++row) {
      for (std::size_t col = 0; col < cols; ++col) {
        const auto code = static_cast<Code>(random() % 7 % 4);  // unevenly
        codes.set(row, col, code);
        ++expected[static_cast<std::size_t>(code)];
      }
    }
    EXPECT_EQ(histogram(codes), expected) << cols;
  }
}

TEST(Entropy, IsLiteral) {
  using Counts = std::vector<std::uint64_t>;
  EXPECT_EQ(entropy_bits(Counts{}), 0.0);
  EXPECT_EQ(entropy_bits(Counts{0, 0, 0, 0}), 0.0);
  EXPECT_EQ(entropy_bits(Counts{0, 9, 0, 0}), 0.0);
  EXPECT_FALSE(std::signbit(entropy_bits(Counts{0, 9, 0, 0})));
  EXPECT_DOUBLE_EQ(entropy_bits(Counts{5, 5, 5, 5}), 2.0);
  EXPECT_DOUBLE_EQ(entropy_bits(Counts{7, 7}), 1.0);
  EXPECT_DOUBLE_EQ(entropy_bits(Counts{8, 4, 2, 2}), 1.75);
  EXPECT_DOUBLE_EQ(entropy_bits(Counts{1, 1, 1}), std::log2(3.0));
}

// Gaussian weights under twn: the dead zone is |w| <= 0.7 * sqrt(2/pi) sigma, whose probability is
// erf(0.7 / sqrt(pi)) = 0.4235; the entropies follow from it.
TEST(Quantize, GaussianSharesAndEntropies) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  std::normal_distribution<float> normal(0.0F, 0.02F);
  const std::size_t n = 1000000;
  std::vector<float> weights(n);
  for (float& w : weights) w = normal(random);
  const CodeHistogram counts = histogram(run(weights, 1000, 1000, "twn").codes);
  EXPECT_NEAR(static_cast<double>(counts[0] + counts[2]) / n,
              std::erf(0.7 / std::sqrt(std::numbers::pi)), 0.0025);
  EXPECT_NEAR(entropy_bits(counts), 1.9831, 0.001);
  const std::array<std::uint64_t, 3> ternary = {counts[0] + counts[2], counts[1], counts[3]};
  EXPECT_NEAR(entropy_bits(ternary), 1.5595, 0.001);
}

}  // namespace
}  // namespace szt
