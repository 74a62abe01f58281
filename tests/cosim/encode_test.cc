// SPDX-License-Identifier: Apache-2.0
// The RTL encoder against the model's: every pattern of the 16-bit and 8-bit formats, float32 by
// its corners and at random.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "Vunit_encode.h"
#include "cosim/cosim_util.h"
#include "coverage_file.h"
#include "szt/encoder.h"

namespace szt {
namespace {

using sim::CountedTop;

std::vector<float> float_thresholds(float smallest_subnormal, float largest) {
  return {0.0F, smallest_subnormal, 0.0312F, 1.0F, largest, std::numeric_limits<float>::max()};
}

TEST(EncodeTest, EveryFloat16) {
  CountedTop<Vunit_encode> counted;
  Vunit_encode& top = *counted;
  for (const float threshold : float_thresholds(0x1p-24F, 65504.0F)) {
    SCOPED_TRACE(fmt::format("threshold {}", threshold));
    const std::uint32_t bits = threshold_bits(Dtype::kF16, threshold);
    top.fp16_threshold_i = static_cast<SData>(bits);
    for (std::uint32_t w = 0; w < 0x10000; ++w) {
      top.fp16_i = static_cast<SData>(w);
      top.eval();
      const auto half = static_cast<std::uint16_t>(w);
      ASSERT_EQ(top.fp16_o, static_cast<CData>(encode_f16(half, bits))) << "w " << w;
      ASSERT_EQ(top.fp16_nan_o, is_nan_f16(half)) << "w " << w;
    }
  }
}

TEST(EncodeTest, EveryBfloat16) {
  CountedTop<Vunit_encode> counted;
  Vunit_encode& top = *counted;
  for (const float threshold : float_thresholds(0x1p-133F, 0x1.FEp127F)) {
    SCOPED_TRACE(fmt::format("threshold {}", threshold));
    const std::uint32_t bits = threshold_bits(Dtype::kBF16, threshold);
    top.bf16_threshold_i = static_cast<SData>(bits);
    for (std::uint32_t w = 0; w < 0x10000; ++w) {
      top.bf16_i = static_cast<SData>(w);
      top.eval();
      const auto half = static_cast<std::uint16_t>(w);
      ASSERT_EQ(top.bf16_o, static_cast<CData>(encode_bf16(half, bits))) << "w " << w;
      ASSERT_EQ(top.bf16_nan_o, is_nan_bf16(half)) << "w " << w;
    }
  }
}

TEST(EncodeTest, EveryInt8AndThreshold) {
  CountedTop<Vunit_encode> counted;
  Vunit_encode& top = *counted;
  for (int t = 0; t <= 130; ++t) {
    const std::uint32_t bits = threshold_bits(Dtype::kI8, static_cast<float>(t) + 0.75F);
    top.int8_threshold_i = static_cast<CData>(bits);
    for (int w = -128; w < 128; ++w) {
      top.int8_i = static_cast<CData>(w);
      top.eval();
      ASSERT_EQ(top.int8_o, static_cast<CData>(encode_i8(static_cast<std::int8_t>(w), bits)))
          << "w " << w << " threshold " << bits;
      ASSERT_EQ(top.int8_nan_o, 0);
    }
  }
}

TEST(EncodeTest, EveryInt16) {
  CountedTop<Vunit_encode> counted;
  Vunit_encode& top = *counted;
  for (const float threshold : {0.0F, 0.5F, 1.0F, 22936.7F, 32767.0F, 32768.0F, 1e9F}) {
    const std::uint32_t bits = threshold_bits(Dtype::kI16, threshold);
    top.int16_threshold_i = static_cast<SData>(bits);
    for (int w = -32768; w < 32768; ++w) {
      top.int16_i = static_cast<SData>(w);
      top.eval();
      ASSERT_EQ(top.int16_o, static_cast<CData>(encode_i16(static_cast<std::int16_t>(w), bits)))
          << "w " << w << " threshold " << bits;
      ASSERT_EQ(top.int16_nan_o, 0);
    }
  }
}

TEST(EncodeTest, Float32CornersAndRandom) {
  SCOPED_TRACE(fmt::format("SZT_TEST_SEED={}", test_seed()));
  std::mt19937_64 generator(test_seed());
  CountedTop<Vunit_encode> counted;
  Vunit_encode& top = *counted;
  const auto check = [&](std::uint32_t w, std::uint32_t threshold) {
    top.fp32_i = w;
    top.fp32_threshold_i = threshold;
    top.eval();
    ASSERT_EQ(top.fp32_o, static_cast<CData>(encode_f32(w, threshold)))
        << fmt::format("w {:#010x} threshold {:#010x}", w, threshold);
    ASSERT_EQ(top.fp32_nan_o, is_nan_f32(w)) << fmt::format("w {:#010x}", w);
  };
  std::vector<std::uint32_t> thresholds;
  for (const float threshold : float_thresholds(0x1p-149F, 0x1.FFFFFEp127F)) {
    thresholds.push_back(threshold_bits(Dtype::kF32, threshold));
  }
  for (const std::uint32_t threshold : thresholds) {
    for (std::uint32_t exponent = 0; exponent < 256; ++exponent) {
      for (const std::uint32_t mantissa : {0U, 1U, 0x400000U, 0x7FFFFFU}) {
        for (const std::uint32_t sign : {0U, 0x80000000U}) {
          check(sign | exponent << 23 | mantissa, threshold);
          if (HasFatalFailure()) return;
        }
      }
    }
    for (const std::uint32_t near : {threshold - 1, threshold, threshold + 1}) {
      check(near & 0x7FFFFFFFU, threshold);
      check(near | 0x80000000U, threshold);
      if (HasFatalFailure()) return;
    }
  }
  for (int i = 0; i < 200'000; ++i) {
    const std::uint64_t bits = generator();
    check(static_cast<std::uint32_t>(bits), static_cast<std::uint32_t>(bits >> 33) % 0x7F800000U);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace szt
