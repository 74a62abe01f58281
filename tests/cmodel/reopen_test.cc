// SPDX-License-Identifier: Apache-2.0
#include "szt/reopen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "cmodel/gradient_testing.h"
#include "file_testing.h"
#include "seed.h"
#include "szt/encoder.h"
#include "szt/error.h"
#include "szt/quantize.h"

namespace szt::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kMax = std::numeric_limits<float>::max();
constexpr float kMin = std::numeric_limits<float>::min();
constexpr float kDenorm = std::numeric_limits<float>::denorm_min();

std::vector<std::uint32_t> bits(const std::vector<float>& values) {
  std::vector<std::uint32_t> result;
  for (const float value : values) result.push_back(std::bit_cast<std::uint32_t>(value));
  return result;
}

std::vector<float> reopen_all_codes(float threshold, float scale, const ZeroShift& shift) {
  return reopen(PackedCodes::pack(kAllCodes, 1, 4), threshold, scale, shift);
}

TEST(Reopen, IsLiteral) {
  // In the order 0+, +1, 0-, -1.
  EXPECT_EQ(bits(reopen_all_codes(0.5F, 1.0F, 2U)), bits({0.25F, 1.0F, -0.25F, -1.0F}));
  EXPECT_EQ(bits(reopen_all_codes(0.5F, 1.0F, 1U)), bits({0.5F, 1.0F, -0.5F, -1.0F}));
  EXPECT_EQ(bits(reopen_all_codes(0.5F, 1.0F, 0U)), bits({0.5F, 1.0F, -0.5F, -1.0F}));
  EXPECT_EQ(bits(reopen_all_codes(0.125F, 1.0F, 2U)), bits({0.125F, 1.0F, -0.125F, -1.0F}));
  EXPECT_EQ(bits(reopen_all_codes(0.5F, 1.0F, {})), bits({0.0F, 1.0F, -0.0F, -1.0F}));
  EXPECT_EQ(bits(reopen_all_codes(0.0F, 0.0F, 2U)), bits({0.0F, kDenorm, -0.0F, -kDenorm}));
  EXPECT_EQ(bits(reopen_all_codes(-0.0F, -0.0F, 0U)), bits({0.0F, kDenorm, -0.0F, -kDenorm}));
  const float above = 0x1.000002p0F;  // the next float32 after 1
  EXPECT_EQ(bits(reopen_all_codes(1.0F, 1.0F, 3U)), bits({0.125F, above, -0.125F, -above}));
  EXPECT_EQ(bits(reopen_all_codes(1.0F, 0.5F, 3U)), bits({0.0625F, above, -0.0625F, -above}));
}

// Every code under every pair of a spread of thresholds and scales, related as no rule would relate
// them too, and every shift: the codes come back, and no latent is infinite.
TEST(Reopen, EncodesToTheSameCodesWhateverTheNumbers) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  std::vector<float> spread = {
      0.0F,          -0.0F,          kDenorm,        2 * kDenorm,    3 * kDenorm,   7 * kDenorm,
      127 * kDenorm, kMin - kDenorm, kMin,           kMin + kDenorm, 4 * kMin,      0.02F,
      0.25F,         0.5F,           0x1.fffffep-1F, 1.0F,           0x1.000002p0F, 0x1.000004p0F,
      2.0F,          4.0F,           1e30F,          kMax / 2};
  for (int i = 0; i < 300; ++i) {  // any pattern of a finite number
    const float value = std::bit_cast<float>(static_cast<std::uint32_t>(random()) & 0x7FFFFFFFU);
    if (std::isfinite(value) && value < kMax) spread.push_back(value);
  }
  const std::size_t fixed = 22;
  for (std::size_t i = 0; i < spread.size(); ++i) {
    for (std::size_t j = 0; j < spread.size(); ++j) {
      if (i >= fixed && j >= fixed && random() % 8 != 0) continue;
      // Also scales in the neighbourhood of the threshold.
      const float scale = random() % 4 != 0 ? spread[j] : std::nextafter(spread[i], spread[j]);
      for (const ZeroShift& shift : kEveryShift) {
        const std::vector<float> latents = reopen_all_codes(spread[i], scale, shift);
        std::vector<Code> codes(4);
        encode(Dtype::kF32, latents.data(), 4, spread[i], codes.data());
        for (std::size_t code = 0; code < 4; ++code) {
          ASSERT_EQ(codes[code], kAllCodes[code])
              << "threshold " << spread[i] << ", scale " << scale << ", shift " << to_string(shift);
          ASSERT_TRUE(std::isfinite(latents[code]));
        }
      }
    }
  }
}

TEST(Reopen, EncodesToTheSameCodesAfterEveryRuleAndDtype) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  std::normal_distribution<float> normal;
  const std::size_t rows = 9;
  const std::size_t cols = 35;
  int corrected = 0;  // outer levels above the scale
  for (const Dtype dtype : {Dtype::kF32, Dtype::kF16, Dtype::kBF16, Dtype::kI8, Dtype::kI16}) {
    for (std::size_t kind = 0; kind < 12; ++kind) {
      std::vector<std::uint32_t> data(rows * cols);  // of which narrower formats use the front
      if (dtype == Dtype::kF32) {
        const int exponent = std::vector<int>{-149, -140, -126, -30, 0, 100}[kind % 6];
        for (auto& word : data) {
          // Half the tensors are sparse: a mean that rounds away.
          const bool used = kind < 6 || random() % 64 == 0;
          const float w = used ? std::ldexp(normal(random), exponent) : 0.0F;
          word = std::bit_cast<std::uint32_t>(w);
        }
      } else {
        // Any finite pattern of 16 bits (bit 14 off keeps a float finite); two of 8 bits.
        for (auto& word : data) word = static_cast<std::uint32_t>(random()) & 0xBFFFBFFFU;
      }
      for (const char* rule : {"twn", "twn:0.3", "twn:0", "absmean", "mse", "fixed:0", "fixed:1",
                               "fixed:1e-44", "fixed:3e38"}) {
        const QuantizedTensor tensor =
            quantize("w", dtype, data.data(), rows, cols, parse_rule(rule));
        for (const ZeroShift& shift : kEveryShift) {
          SCOPED_TRACE(std::string(rule) + " " + std::string(name(dtype)) + " " + to_string(shift));
          const std::vector<float> latents =
              reopen(tensor.codes, tensor.threshold, tensor.scale, shift);
          ASSERT_EQ(encode_tensor("w", Dtype::kF32, latents.data(), rows, cols, tensor.threshold),
                    tensor.codes);
          const float outer = reopened_levels(tensor.threshold, tensor.scale, shift).outer;
          if (tensor.nonzero != 0 && outer > tensor.scale) ++corrected;
        }
      }
    }
  }
  EXPECT_GT(corrected, 0);
}

// A mean that rounds to 0 leaves scale 0 and threshold 0 over a nonzero code.
TEST(Reopen, AbsmeanWhoseMeanRoundsAwayKeepsItsCodes) {
  const std::vector<float> weights = {kDenorm, 0.0F, -0.0F, 0.0F};
  const QuantizedTensor tensor =
      quantize("w", Dtype::kF32, weights.data(), 1, 4, parse_rule("absmean"));
  ASSERT_EQ(tensor.scale, 0.0F);
  ASSERT_EQ(tensor.nonzero, 1U);
  EXPECT_EQ(bits(reopen(tensor.codes, tensor.threshold, tensor.scale, 2U)), bits(weights));
}

TEST(Reopen, RefusesWhatCannotBe) {
  for (const float bad : {-1.0F, -kDenorm, kInf, std::nanf("")}) {
    EXPECT_THAT(input_error([&] { reopen_all_codes(bad, 1.0F, 2U); }), HasSubstr("threshold"));
    EXPECT_THAT(input_error([&] { reopen_all_codes(1.0F, bad, 2U); }), HasSubstr("scale"));
  }
  EXPECT_THAT(input_error([] { reopen_all_codes(1.0F, 1.0F, 8U); }), HasSubstr("zero shift 8"));
  EXPECT_THAT(input_error([] { reopen_all_codes(kMax, 1.0F, 2U); }),
              HasSubstr("no finite weight exceeds"));
  const PackedCodes zeros = PackedCodes::pack(std::vector{Code::kZeroPlus, Code::kZeroMinus}, 1, 2);
  EXPECT_EQ(bits(reopen(zeros, kMax, kMax, 2U)), bits({kMax / 4, -kMax / 4}));
  EXPECT_TRUE(reopen(PackedCodes(0, 5), 1.0F, 1.0F, 2U).empty());
  EXPECT_TRUE(reopen(PackedCodes(5, 0), 1.0F, 1.0F, 2U).empty());
}

TEST(Recalibrate, IsFrozenUnlessAsked) {
  const std::vector<float> latents = {3.0F, -1.0F, 0.5F, -0.5F};
  const Calibration frozen = recalibrate(latents, 0.5F, 7.0F);
  EXPECT_EQ(frozen.threshold, 0.5F);
  EXPECT_EQ(frozen.scale, 7.0F);
  EXPECT_EQ(frozen.nonzero, 2U);
  const Calibration twn = recalibrate(latents, 0.5F, 7.0F, parse_rule("twn"));
  EXPECT_EQ(twn.threshold, 0.875F);  // 0.7 * 5 / 4, rounded toward zero
  EXPECT_EQ(twn.scale, 2.0F);
  EXPECT_EQ(twn.nonzero, 2U);
  for (const char* rule : {"mse", "absmean", "fixed:0.5"}) {
    EXPECT_THAT(input_error([&] { recalibrate(latents, 0.5F, 7.0F, parse_rule(rule)); }),
                AllOf(HasSubstr("'" + std::string(rule) + "'"), HasSubstr("reopened tensor"),
                      HasSubstr("use twn")));
  }
  EXPECT_THROW(recalibrate(latents, -1.0F, 7.0F), InputError);
  EXPECT_THROW(recalibrate(latents, 1.0F, kInf), InputError);
}

// With k = 2 twn keeps the codes of a fresh w0 if at least 1/7 of them are nonzero.
TEST(Recalibrate, TwnKeepsTheCodesFromOneSeventhOn) {
  const std::size_t n = 7000;
  for (const std::size_t nonzero : {1000U, 1001U, 3500U, 7000U, 999U, 500U, 1U}) {
    PackedCodes codes(1, n);
    for (std::size_t i = 0; i < n; ++i) {
      codes.set(0, i, make_code(i % 2 != 0, i < nonzero));
    }
    const std::vector<float> latents = reopen(codes, 0.5F, 1.0F, 2U);
    const Calibration again = recalibrate(latents, 0.5F, 1.0F, parse_rule("twn"));
    const bool kept =
        encode_tensor("w", Dtype::kF32, latents.data(), 1, n, again.threshold) == codes;
    // At exactly 1/7 the threshold is the inner level but for the rounding of 0.7.
    if (nonzero != 1000) {
      EXPECT_EQ(kept, nonzero > 1000) << nonzero;
    }
  }
}

}  // namespace
}  // namespace szt::test
