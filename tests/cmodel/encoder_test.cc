// SPDX-License-Identifier: Apache-2.0
#include "szt/encoder.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "seed.h"
#include "szt/error.h"
#include "szt/latent.h"

namespace szt {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kMaxFloat = std::numeric_limits<float>::max();
constexpr float kDenormMin = std::numeric_limits<float>::denorm_min();

// The definition of the paper on real numbers, and the sign of a zero.
Code expected_code(double w, double threshold) {
  if (w > threshold) return Code::kPlusOne;
  if (w < -threshold) return Code::kMinusOne;
  if (w > 0 || (w == 0 && 1 / w > 0)) return Code::kZeroPlus;
  return Code::kZeroMinus;
}

// The value of a float format from its definition, by arithmetic instead of bits.
double float_value(unsigned bits, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = static_cast<int>(bits >> mantissa_bits) & ((1 << exponent_bits) - 1);
  const int mantissa = static_cast<int>(bits) & ((1 << mantissa_bits) - 1);
  const bool negative = ((bits >> (exponent_bits + mantissa_bits)) & 1U) != 0;
  double magnitude = 0;
  if (exponent == (1 << exponent_bits) - 1) {
    magnitude = mantissa != 0 ? std::numeric_limits<double>::quiet_NaN()
                              : std::numeric_limits<double>::infinity();
  } else if (exponent == 0) {
    magnitude = std::ldexp(mantissa, 1 - bias - mantissa_bits);
  } else {
    magnitude = std::ldexp(mantissa + (1 << mantissa_bits), exponent - bias - mantissa_bits);
  }
  return negative ? -magnitude : magnitude;
}
double f16_value(unsigned bits) { return float_value(bits, 5, 10); }
double bf16_value(unsigned bits) { return float_value(bits, 8, 7); }

// Thresholds around everything that matters to the 16-bit formats; many are values of neither.
std::vector<float> interesting_thresholds() {
  std::vector<float> thresholds = {
      0.0F,       -0.0F,    kDenormMin, 1e-40F,   0x1p-126F, 0x1p-133F, 0x1p-25F,    0x1p-24F,
      0x1.8p-24F, 0x1p-15F, 0x1p-14F,   0.02F,    0.1F,      0.7F,      1.0F,        3.14159F,
      100.3F,     65504.0F, 65519.9F,   65520.0F, 65536.0F,  1e10F,     0x1.FEp127F, kMaxFloat};
  for (const float center : {0x1p-24F, 0x1p-14F, 0.5F, 1.0F, 65504.0F, 0x1p-126F}) {
    thresholds.push_back(std::nextafter(center, 0.0F));
    thresholds.push_back(std::nextafter(center, kInfinity));
  }
  return thresholds;
}

TEST(Latent, Float16ToFloatIsExactForEveryPattern) {
  for (unsigned bits = 0; bits <= 0xFFFF; ++bits) {
    const float value = to_float(Float16{static_cast<std::uint16_t>(bits)});
    const double expected = f16_value(bits);
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(value)) << bits;
    } else {
      ASSERT_EQ(static_cast<double>(value), expected) << bits;
      ASSERT_EQ(std::signbit(value), std::signbit(expected)) << bits;
    }
    ASSERT_EQ(is_finite(Float16{static_cast<std::uint16_t>(bits)}), std::isfinite(expected));
  }
}

TEST(Latent, BFloat16ToFloatIsExactForEveryPattern) {
  for (unsigned bits = 0; bits <= 0xFFFF; ++bits) {
    const float value = to_float(BFloat16{static_cast<std::uint16_t>(bits)});
    const double expected = bf16_value(bits);
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(value)) << bits;
    } else {
      ASSERT_EQ(static_cast<double>(value), expected) << bits;
      ASSERT_EQ(std::signbit(value), std::signbit(expected)) << bits;
    }
    ASSERT_EQ(is_finite(BFloat16{static_cast<std::uint16_t>(bits)}), std::isfinite(expected));
  }
}

// Toward zero: the value itself where the format has it, and everything strictly between two
// neighbours of the format becomes the one nearer zero.
template <typename Narrow, typename Value>
void check_toward_zero(Narrow narrow, Value value, unsigned largest_finite) {
  for (unsigned bits = 0; bits <= largest_finite; ++bits) {
    const auto low = static_cast<float>(value(bits));
    const float high = bits == largest_finite ? kInfinity : static_cast<float>(value(bits + 1));
    ASSERT_EQ(narrow(low).bits, bits);
    ASSERT_EQ(narrow(-low).bits, bits | 0x8000U);
    ASSERT_EQ(narrow(std::nextafter(low, kInfinity)).bits, bits);
    ASSERT_EQ(narrow(std::nextafter(high, 0.0F)).bits, bits);
    ASSERT_EQ(narrow(-std::nextafter(high, 0.0F)).bits, bits | 0x8000U);
  }
}

TEST(Latent, NarrowingRoundsTowardZeroEverywhere) {
  check_toward_zero(float16_toward_zero, f16_value, 0x7BFF);
  check_toward_zero(bfloat16_toward_zero, bf16_value, 0x7F7F);
}

TEST(Latent, NarrowingKeepsInfinitiesAndNans) {
  EXPECT_EQ(float16_toward_zero(kInfinity).bits, 0x7C00);
  EXPECT_EQ(float16_toward_zero(-kInfinity).bits, 0xFC00);
  EXPECT_EQ(bfloat16_toward_zero(kInfinity).bits, 0x7F80);
  EXPECT_EQ(bfloat16_toward_zero(-kInfinity).bits, 0xFF80);
  for (const std::uint32_t bits : {0x7F800001U, 0xFF800001U, 0x7FC00000U, 0x7FFFFFFFU}) {
    const auto value = std::bit_cast<float>(bits);
    EXPECT_TRUE(std::isnan(to_float(float16_toward_zero(value)))) << bits;
    EXPECT_TRUE(std::isnan(to_float(bfloat16_toward_zero(value)))) << bits;
  }
}

TEST(Latent, Float32TowardZeroNeverExceeds) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  int inexact = 0;
  for (int i = 0; i < 100000; ++i) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random()) & 0x7FFFFFFFU);
    if (!(value < kMaxFloat)) continue;
    const double low = static_cast<double>(value);
    const double high = static_cast<double>(std::nextafter(value, kInfinity));
    const double between = low + (high - low) * static_cast<double>(random() >> 11) * 0x1p-53;
    if (between == high) continue;
    inexact += between != low ? 1 : 0;
    ASSERT_EQ(float32_toward_zero(between), value) << between;
    ASSERT_EQ(float32_toward_zero(-between), -value) << between;
  }
  EXPECT_GT(inexact, 90000);
  EXPECT_EQ(float32_toward_zero(0.1), std::nextafter(0.1F, 0.0F));  // 0.1F is above 0.1
  EXPECT_EQ(float32_toward_zero(1e300), kMaxFloat);
  EXPECT_EQ(float32_toward_zero(-1e300), -kMaxFloat);
  EXPECT_EQ(float32_toward_zero(1e-300), 0.0F);
  EXPECT_TRUE(std::signbit(float32_toward_zero(-1e-300)));
  EXPECT_EQ(float32_toward_zero(std::numeric_limits<double>::infinity()), kInfinity);
  EXPECT_TRUE(std::isnan(float32_toward_zero(std::numeric_limits<double>::quiet_NaN())));
}

TEST(Latent, DtypesHaveSafetensorsNames) {
  const std::vector<std::pair<Dtype, std::string>> names = {{Dtype::kF32, "F32"},
                                                            {Dtype::kF16, "F16"},
                                                            {Dtype::kBF16, "BF16"},
                                                            {Dtype::kI8, "I8"},
                                                            {Dtype::kI16, "I16"}};
  for (const auto& [dtype, text] : names) {
    EXPECT_EQ(name(dtype), text);
    EXPECT_EQ(find_dtype(text), dtype);
    const std::size_t visited = visit_latents(
        dtype, nullptr, [](auto latents) { return sizeof(typename decltype(latents)::Element); });
    EXPECT_EQ(size_of(dtype), visited) << text;
  }
  EXPECT_EQ(find_dtype("U8"), std::nullopt);
  EXPECT_EQ(find_dtype("f32"), std::nullopt);
  EXPECT_EQ(find_dtype(""), std::nullopt);
}

TEST(Latent, ReadsUnalignedElements) {
  const unsigned char bytes[] = {0xAA, 0x00, 0xC0, 0x00, 0x00, 0xC0, 0x3F, 0x80, 0xFF};
  const unsigned char* odd = bytes + 1;
  EXPECT_EQ(latent_value(Dtype::kF16, odd, 0), -2.0F);
  EXPECT_EQ(latent_value(Dtype::kBF16, odd + 3, 0), to_float(BFloat16{0xC000}));
  EXPECT_EQ(latent_value(Dtype::kF32, odd + 2, 0), 1.5F);
  EXPECT_EQ(latent_value(Dtype::kI8, odd, 6), -128.0F);
  EXPECT_EQ(latent_value(Dtype::kI16, odd, 3), -128.0F);
}

TEST(Latent, FindsTheFirstNonfinite) {
  std::vector<float> weights(100, 1.0F);
  EXPECT_EQ(find_nonfinite(Dtype::kF32, weights.data(), weights.size()), std::nullopt);
  weights[71] = kNan;
  weights[70] = -kInfinity;
  EXPECT_EQ(find_nonfinite(Dtype::kF32, weights.data(), weights.size()), 70U);
  EXPECT_EQ(find_nonfinite(Dtype::kF32, weights.data(), 70), std::nullopt);
  const std::uint16_t halves[] = {0x7BFF, 0x7F7F, 0x7C00};
  EXPECT_EQ(find_nonfinite(Dtype::kF16, halves, 3), 1U);
  EXPECT_EQ(find_nonfinite(Dtype::kBF16, halves, 3), std::nullopt);
  EXPECT_EQ(find_nonfinite(Dtype::kI16, halves, 3), std::nullopt);
}

TEST(Encoder, Float16IsTheDefinitionForEveryPattern) {
  for (const float threshold : interesting_thresholds()) {
    const std::uint32_t bits = threshold_bits(Dtype::kF16, threshold);
    for (unsigned w = 0; w <= 0xFFFF; ++w) {
      const double value = f16_value(w);
      const Code code = encode_f16(static_cast<std::uint16_t>(w), bits);
      if (std::isnan(value)) {
        ASSERT_TRUE(is_nan_f16(static_cast<std::uint16_t>(w)));
        ASSERT_EQ(code, make_code(w >= 0x8000, true));
      } else {
        ASSERT_FALSE(is_nan_f16(static_cast<std::uint16_t>(w)));
        ASSERT_EQ(code, expected_code(value, static_cast<double>(threshold)))
            << "w " << value << ", threshold " << threshold;
      }
    }
  }
}

TEST(Encoder, BFloat16IsTheDefinitionForEveryPattern) {
  for (const float threshold : interesting_thresholds()) {
    const std::uint32_t bits = threshold_bits(Dtype::kBF16, threshold);
    for (unsigned w = 0; w <= 0xFFFF; ++w) {
      const double value = bf16_value(w);
      const Code code = encode_bf16(static_cast<std::uint16_t>(w), bits);
      if (std::isnan(value)) {
        ASSERT_TRUE(is_nan_bf16(static_cast<std::uint16_t>(w)));
        ASSERT_EQ(code, make_code(w >= 0x8000, true));
      } else {
        ASSERT_FALSE(is_nan_bf16(static_cast<std::uint16_t>(w)));
        ASSERT_EQ(code, expected_code(value, static_cast<double>(threshold)))
            << "w " << value << ", threshold " << threshold;
      }
    }
  }
}

TEST(Encoder, Float32IsTheDefinition) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  for (const float threshold : interesting_thresholds()) {
    const std::uint32_t bits = threshold_bits(Dtype::kF32, threshold);
    std::vector<float> weights = {0.0F,      -0.0F,      kDenormMin, -kDenormMin,
                                  kMaxFloat, -kMaxFloat, kInfinity,  -kInfinity};
    for (const float w : {threshold, -threshold}) {
      weights.push_back(w);
      weights.push_back(std::nextafter(w, kInfinity));
      weights.push_back(std::nextafter(w, -kInfinity));
    }
    for (int i = 0; i < 20000; ++i) {
      weights.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(random())));
    }
    for (const float w : weights) {
      const auto pattern = std::bit_cast<std::uint32_t>(w);
      const Code code = encode_f32(pattern, bits);
      ASSERT_EQ(is_nan_f32(pattern), std::isnan(w)) << pattern;
      if (std::isnan(w)) {
        ASSERT_EQ(code, make_code(std::signbit(w), true));
      } else {
        ASSERT_EQ(code, expected_code(static_cast<double>(w), static_cast<double>(threshold)))
            << "w " << w << ", threshold " << threshold;
      }
    }
  }
}

TEST(Encoder, IntegersAreTheDefinitionForEveryValue) {
  const float thresholds[] = {0.0F,   0.5F,     0.999F,   1.0F,     1.5F,     63.9F,
                              126.9F, 127.0F,   127.5F,   128.0F,   129.0F,   1000.25F,
                              1e9F,   32766.5F, 32767.0F, 32767.5F, 32768.0F, kMaxFloat};
  for (const float threshold : thresholds) {
    const std::uint32_t bits8 = threshold_bits(Dtype::kI8, threshold);
    const std::uint32_t bits16 = threshold_bits(Dtype::kI16, threshold);
    EXPECT_LE(bits8, 128U);
    EXPECT_LE(bits16, 32768U);
    for (int w = -128; w <= 127; ++w) {
      ASSERT_EQ(encode_i8(static_cast<std::int8_t>(w), bits8),
                expected_code(w, static_cast<double>(threshold)))
          << "w " << w << ", threshold " << threshold;
    }
    for (int w = -32768; w <= 32767; ++w) {
      ASSERT_EQ(encode_i16(static_cast<std::int16_t>(w), bits16),
                expected_code(w, static_cast<double>(threshold)))
          << "w " << w << ", threshold " << threshold;
    }
  }
}

TEST(Encoder, ThresholdBitsAreLiteral) {
  EXPECT_EQ(threshold_bits(Dtype::kF32, 1.0F), 0x3F800000U);
  EXPECT_EQ(threshold_bits(Dtype::kF16, 1.0F), 0x3C00U);
  EXPECT_EQ(threshold_bits(Dtype::kBF16, 1.0F), 0x3F80U);
  EXPECT_EQ(threshold_bits(Dtype::kF16, 0.1F), 0x2E66U);   // nearest is the same; 0.7 is not:
  EXPECT_EQ(threshold_bits(Dtype::kF16, 0.7F), 0x3999U);   // to nearest 0x399A
  EXPECT_EQ(threshold_bits(Dtype::kBF16, 0.1F), 0x3DCCU);  // to nearest 0x3DCD
  EXPECT_EQ(threshold_bits(Dtype::kF16, 1e6F), 0x7BFFU);
  EXPECT_EQ(threshold_bits(Dtype::kI8, 3.99F), 3U);
  EXPECT_EQ(threshold_bits(Dtype::kI8, 127.99F), 127U);
  EXPECT_EQ(threshold_bits(Dtype::kI8, 500.0F), 128U);
  EXPECT_EQ(threshold_bits(Dtype::kI16, 500.0F), 500U);
  EXPECT_EQ(threshold_bits(Dtype::kI16, 1e30F), 32768U);
  for (const Dtype dtype : {Dtype::kF32, Dtype::kF16, Dtype::kBF16, Dtype::kI8, Dtype::kI16}) {
    EXPECT_EQ(threshold_bits(dtype, -0.0F), 0U);
    for (const float bad : {-1.0F, -kDenormMin, kInfinity, -kInfinity, kNan}) {
      EXPECT_THROW(threshold_bits(dtype, bad), InputError) << bad;
    }
  }
}

// A dequantised 0- is -0.0 in any format and encodes to 0- again, whatever the threshold.
TEST(Encoder, SignedZerosSurvive) {
  for (const float threshold : interesting_thresholds()) {
    EXPECT_EQ(encode_f32(0x80000000U, threshold_bits(Dtype::kF32, threshold)), Code::kZeroMinus);
    EXPECT_EQ(encode_f16(0x8000U, threshold_bits(Dtype::kF16, threshold)), Code::kZeroMinus);
    EXPECT_EQ(encode_bf16(0x8000U, threshold_bits(Dtype::kBF16, threshold)), Code::kZeroMinus);
    EXPECT_EQ(encode_f32(0U, threshold_bits(Dtype::kF32, threshold)), Code::kZeroPlus);
    EXPECT_EQ(encode_f16(0U, threshold_bits(Dtype::kF16, threshold)), Code::kZeroPlus);
    EXPECT_EQ(encode_bf16(0U, threshold_bits(Dtype::kBF16, threshold)), Code::kZeroPlus);
  }
}

TEST(Encoder, BulkEqualsOneByOneInEveryFormat) {
  std::vector<std::uint16_t> patterns;
  for (unsigned w = 0; w <= 0xFFFF; ++w) {
    if (!is_nan_f16(static_cast<std::uint16_t>(w)) && !is_nan_bf16(static_cast<std::uint16_t>(w))) {
      patterns.push_back(static_cast<std::uint16_t>(w));
    }
  }
  const std::size_t n = patterns.size();
  for (const Dtype dtype : {Dtype::kF16, Dtype::kBF16, Dtype::kI16, Dtype::kI8}) {
    for (const float threshold : {0.0F, 0.7F, 100.0F}) {
      std::vector<Code> codes(n, Code::kMinusOne);
      encode(dtype, patterns.data(), n, threshold, codes.data());
      for (std::size_t i = 0; i < n; ++i) {
        const auto value = static_cast<double>(latent_value(dtype, patterns.data(), i));
        ASSERT_EQ(codes[i], expected_code(value, static_cast<double>(threshold)))
            << name(dtype) << " " << value << " threshold " << threshold;
      }
    }
  }
  const std::vector<float> floats = {0.5F, -0.5F, 0.25F, -0.25F, -0.0F, kInfinity, -kInfinity};
  std::vector<Code> codes(floats.size());
  encode(Dtype::kF32, floats.data(), floats.size(), 0.25F, codes.data());
  EXPECT_EQ(codes,
            (std::vector<Code>{Code::kPlusOne, Code::kMinusOne, Code::kZeroPlus, Code::kZeroMinus,
                               Code::kZeroMinus, Code::kPlusOne, Code::kMinusOne}));
}

TEST(Encoder, BulkRefusesNanByIndexAndABadThreshold) {
  std::vector<float> weights(50, 1.0F);
  std::vector<Code> codes(weights.size());
  weights[33] = -kNan;
  weights[40] = kNan;
  try {
    encode(Dtype::kF32, weights.data(), weights.size(), 0.5F, codes.data());
    FAIL() << "a NaN was encoded";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("[33]"), std::string::npos) << error.what();
  }
  const std::uint16_t halves[] = {0, 0x7F80, 0x7F81};
  EXPECT_THROW(encode(Dtype::kF16, halves, 2, 0.5F, codes.data()), InputError);
  EXPECT_NO_THROW(encode(Dtype::kBF16, halves, 2, 0.5F, codes.data()));
  EXPECT_THROW(encode(Dtype::kBF16, halves, 3, 0.5F, codes.data()), InputError);
  EXPECT_NO_THROW(encode(Dtype::kI16, halves, 3, 0.5F, codes.data()));
  EXPECT_THROW(encode(Dtype::kI8, halves, 3, -0.5F, codes.data()), InputError);
  EXPECT_NO_THROW(encode(Dtype::kF32, nullptr, 0, 0.5F, nullptr));
}

}  // namespace
}  // namespace szt
