// SPDX-License-Identifier: Apache-2.0
#include "szt/matmul.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "seed.h"
#include "szt/error.h"

namespace szt {
namespace {

using Activations = std::vector<std::int8_t>;
using Results = std::vector<std::int32_t>;

constexpr std::int32_t kGarbage = 0x5A5A5A5A;

Activations random_activations(std::size_t n, std::mt19937_64& random) {
  Activations x(n);
  for (std::int8_t& value : x) value = static_cast<std::int8_t>(random() & 0xFFU);
  return x;
}

PackedCodes random_codes(std::size_t rows, std::size_t cols, std::mt19937_64& random) {
  std::vector<Code> codes(rows * cols);
  for (Code& code : codes) code = static_cast<Code>(random() & 3U);
  return PackedCodes::pack(codes, rows, cols);
}

PackedCodes filled(std::size_t rows, std::size_t cols, Code code) {
  return PackedCodes::pack(std::vector<Code>(rows * cols, code), rows, cols);
}

Results reference(const Activations& x, std::size_t m, PackedCodesView weights, DecodeMode mode) {
  Results y(m * weights.rows(), kGarbage);
  matmul_reference(x, m, weights, mode, y);
  return y;
}

Results fast(const Activations& x, std::size_t m, PackedCodesView weights, DecodeMode mode,
             unsigned threads = 0) {
  Results y(m * weights.rows(), kGarbage);
  matmul(x, m, weights, mode, y, threads);
  return y;
}

TEST(Matmul, IsLiteral) {
  const Activations x = {1, -128, 3, 127, 5, -6};  // [2, 3]
  const std::vector<Code> codes = {Code::kPlusOne,   Code::kMinusOne, Code::kZeroMinus,
                                   Code::kZeroMinus, Code::kZeroPlus, Code::kMinusOne};
  const PackedCodes weights = PackedCodes::pack(codes, 2, 3);
  // Planes: f = {+1 -1 0 / 0 0 -1}, z = {0 0 -1 / -1 +1 0}, s = {+1 -1 -1 / -1 +1 -1}.
  const std::vector<std::pair<DecodeMode, Results>> expected = {
      {DecodeMode::kForward, {129, -3, 122, 6}},
      {DecodeMode::kZeroSign, {-3, -129, 6, -122}},
      {DecodeMode::kSign, {126, -132, 128, -116}}};
  for (const auto& [mode, y] : expected) {
    EXPECT_EQ(reference(x, 2, weights, mode), y);
    EXPECT_EQ(fast(x, 2, weights, mode), y);
  }
}

// The sum that the array forms, addend by addend from its two wires, in 64 bits.
TEST(Matmul, ReferenceIsTheSumOfTheArraysAddends) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  const std::size_t m = 5;
  const std::size_t n = 7;
  const std::size_t k = 301;
  const Activations x = random_activations(m * k, random);
  const PackedCodes weights = random_codes(n, k, random);
  for (const DecodeMode mode : kAllDecodeModes) {
    const Results y = reference(x, m, weights, mode);
    for (std::size_t row = 0; row < m; ++row) {
      for (std::size_t col = 0; col < n; ++col) {
        std::int64_t sum = 0;
        for (std::size_t i = 0; i < k; ++i) {
          sum += array_addend(x[row * k + i], array_wires(weights.get(col, i), mode));
        }
        ASSERT_EQ(y[row * n + col], sum) << row << ", " << col;
      }
    }
  }
}

TEST(Matmul, EqualsTheReferenceOnRaggedShapes) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  const std::vector<std::size_t> sizes = {0,  1,  2,  3,  4,  5,  7,  8,  9,
                                          15, 16, 17, 31, 33, 63, 64, 65, 70};
  for (const std::size_t m : sizes) {
    for (const std::size_t n : sizes) {
      for (const std::size_t k : sizes) {
        const Activations x = random_activations(m * k, random);
        const PackedCodes weights = random_codes(n, k, random);
        const DecodeMode mode = kAllDecodeModes[random() % kDecodeModeCount];
        ASSERT_EQ(fast(x, m, weights, mode), reference(x, m, weights, mode))
            << "m " << m << ", n " << n << ", k " << k << ", mode " << static_cast<int>(mode);
      }
    }
  }
}

// Around every size at which a kernel may block, in every mode.
TEST(Matmul, EqualsTheReferenceAroundBlocks) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  for (const std::size_t k : {127U, 128U, 129U, 255U, 257U, 1023U, 2047U, 2048U, 2049U, 4103U}) {
    for (const std::size_t m : {1U, 2U, 63U, 64U, 65U, 130U}) {
      const std::size_t n = 1 + random() % 9;
      const Activations x = random_activations(m * k, random);
      const PackedCodes weights = random_codes(n, k, random);
      for (const DecodeMode mode : kAllDecodeModes) {
        ASSERT_EQ(fast(x, m, weights, mode), reference(x, m, weights, mode))
            << "m " << m << ", n " << n << ", k " << k << ", mode " << static_cast<int>(mode);
      }
    }
  }
}

TEST(Matmul, NoThreadCountShows) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  for (const std::size_t n : {0U, 1U, 2U, 7U, 600U}) {
    const std::size_t m = 66;
    const std::size_t k = 2050;  // with n = 600 enough work for the default to use threads
    const Activations x = random_activations(m * k, random);
    const PackedCodes weights = random_codes(n, k, random);
    const Results expected = reference(x, m, weights, DecodeMode::kForward);
    for (const unsigned threads : {0U, 1U, 2U, 3U, 8U, 100U}) {
      ASSERT_EQ(fast(x, m, weights, DecodeMode::kForward, threads), expected) << n;
    }
  }
}

TEST(Matmul, UniformExtremes) {
  const std::size_t m = 3;
  const std::size_t n = 6;
  const std::size_t k = 3001;
  for (const int a : {-128, -127, 0, 127}) {
    const Activations x(m * k, static_cast<std::int8_t>(a));
    for (const Code code : kAllCodes) {
      const PackedCodes weights = filled(n, k, code);
      for (const DecodeMode mode : kAllDecodeModes) {
        const Results expected(m * n, a * decode(code, mode) * static_cast<int>(k));
        ASSERT_EQ(fast(x, m, weights, mode), expected) << a << ", " << static_cast<int>(code);
        ASSERT_EQ(reference(x, m, weights, mode), expected) << a << ", " << static_cast<int>(code);
      }
    }
  }
}

// f + z = s holds for products too, and the sign of a zero never reaches the forward product.
TEST(Matmul, PlanesAddUpAndZeroSignsAreFree) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  const std::size_t m = 17;
  const std::size_t n = 23;
  const std::size_t k = 150;
  const Activations x = random_activations(m * k, random);
  PackedCodes weights = random_codes(n, k, random);
  const Results forward = fast(x, m, weights, DecodeMode::kForward);
  const Results zero_sign = fast(x, m, weights, DecodeMode::kZeroSign);
  const Results sign = fast(x, m, weights, DecodeMode::kSign);
  for (std::size_t i = 0; i < sign.size(); ++i) ASSERT_EQ(forward[i] + zero_sign[i], sign[i]) << i;
  for (std::size_t row = 0; row < n; ++row) {
    for (std::size_t col = 0; col < k; ++col) {
      const Code code = weights.get(row, col);
      if (!magnitude_bit(code)) weights.set(row, col, make_code(!sign_bit(code), false));
    }
  }
  EXPECT_EQ(fast(x, m, weights, DecodeMode::kForward), forward);
  const Results negated = fast(x, m, weights, DecodeMode::kZeroSign);
  for (std::size_t i = 0; i < negated.size(); ++i) ASSERT_EQ(negated[i], -zero_sign[i]) << i;
}

TEST(Matmul, PartsOfYAreProductsOfParts) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  const std::size_t m = 9;
  const std::size_t n = 11;
  const std::size_t k = 45;
  const Activations x = random_activations(m * k, random);
  const PackedCodes weights = random_codes(n, k, random);
  const Results whole = fast(x, m, weights, DecodeMode::kSign);
  Results part(4 * 5);
  matmul(std::span(x).subspan(3 * k, 4 * k), 4, weights.view().row_range(6, 5), DecodeMode::kSign,
         part);
  for (std::size_t row = 0; row < 4; ++row) {
    for (std::size_t col = 0; col < 5; ++col) {
      EXPECT_EQ(part[row * 5 + col], whole[(row + 3) * n + col + 6]);
    }
  }
}

TEST(Matmul, IsExactAtTheLargestK) {
  const std::size_t k = kMaxExactK;
  ASSERT_EQ(k, 16777215U);
  const Activations x(k, -128);
  const std::int32_t extreme = 128 * 16777215;  // 2^31 - 128
  for (const auto& [code, mode, sign] : std::vector<std::tuple<Code, DecodeMode, int>>{
           {Code::kMinusOne, DecodeMode::kForward, 1},
           {Code::kPlusOne, DecodeMode::kForward, -1},
           {Code::kZeroMinus, DecodeMode::kSign, 1},
           {Code::kZeroMinus, DecodeMode::kForward, 0}}) {
    const PackedCodes weights = filled(1, k, code);
    EXPECT_EQ(fast(x, 1, weights, mode), Results{sign * extreme});
    EXPECT_EQ(reference(x, 1, weights, mode), Results{sign * extreme});
  }
}

TEST(Matmul, RefusesALargerKAndWrongSizes) {
  const PackedCodes wide(1, kMaxExactK + 1);
  for (const auto& function :
       {+[](const Activations&x, std::size_t m, PackedCodesView w, Results&y) {
          matmul(x, m, w, DecodeMode::kForward, y);
        },
        +[](const Activations&x, std::size_t m, PackedCodesView w, Results&y) {
          matmul_reference(x, m, w, DecodeMode::kForward, y);
        }}) {
    Results y(1, kGarbage);
    try {
      function(Activations(kMaxExactK + 1), 1, wide, y);
      FAIL() << "K = 2^24 was accepted";
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find("16777216"), std::string::npos) << error.what();
    }
    EXPECT_EQ(y[0], kGarbage);
    Results none;
    EXPECT_THROW(function({}, 0, wide, none), InputError);
    const PackedCodes weights(4, 3);
    Results right(8);
    Results wrong(9);
    EXPECT_NO_THROW(function(Activations(6), 2, weights, right));
    EXPECT_THROW(function(Activations(5), 2, weights, right), InputError);
    EXPECT_THROW(function(Activations(9), 2, weights, right), InputError);
    EXPECT_THROW(function(Activations(6), 2, weights, wrong), InputError);
    EXPECT_THROW(function(Activations(6), 0, weights, right), InputError);
    EXPECT_THROW(function(Activations(1), 2, PackedCodes(4, 0), right), InputError);
  }
}

TEST(Matmul, ZeroKGivesZeros) {
  EXPECT_EQ(fast({}, 2, PackedCodes(3, 0), DecodeMode::kSign), Results(6, 0));
  EXPECT_EQ(reference({}, 2, PackedCodes(3, 0), DecodeMode::kSign), Results(6, 0));
  EXPECT_TRUE(fast({}, 0, PackedCodes(3, 5), DecodeMode::kSign).empty());
  EXPECT_TRUE(fast(Activations(10), 2, PackedCodes(0, 5), DecodeMode::kSign).empty());
}

std::vector<float> scaled(const Results& y, std::size_t m, std::size_t n,
                          const std::vector<float>& scales, float alpha) {
  std::vector<float> out(y.size());
  scale_output(y, m, n, scales, alpha, out);
  return out;
}

// In double each single product of float32 is exact, so rounding it once is float32's own product.
float multiply(float a, float b) {
  return static_cast<float>(static_cast<double>(a) * static_cast<double>(b));
}

TEST(ScaleOutput, MultipliesInTheStatedOrder) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  std::uniform_real_distribution<float> uniform(0.001F, 1.0F);
  const std::size_t m = 50;
  const std::size_t n = 40;
  std::vector<float> scales(m);
  for (float& scale : scales) scale = uniform(random);
  const float alpha = uniform(random);
  Results y(m * n);
  for (std::int32_t& value : y) value = static_cast<std::int32_t>(random());
  const std::vector<float> by_row = scaled(y, m, n, scales, alpha);
  const std::vector<float> by_tensor = scaled(y, m, n, {scales[7]}, alpha);
  int other_order_differs = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const auto value = static_cast<float>(y[i]);
    const float scale = scales[i / n];
    ASSERT_EQ(by_row[i], multiply(multiply(scale, alpha), value)) << i;
    ASSERT_EQ(by_tensor[i], multiply(multiply(scales[7], alpha), value)) << i;
    other_order_differs += by_row[i] != multiply(scale, multiply(alpha, value)) ? 1 : 0;
  }
  EXPECT_GT(other_order_differs, 100);
}

TEST(ScaleOutput, IntegersRoundToNearestEven) {
  constexpr std::int32_t kMin = std::numeric_limits<std::int32_t>::min();
  constexpr std::int32_t kMax = std::numeric_limits<std::int32_t>::max();
  EXPECT_EQ(scaled({16777216, 16777217, 16777219, -16777217, kMin, kMax, 0}, 1, 7, {1}, 1),
            (std::vector<float>{0x1p24F, 0x1p24F, 0x1.000004p24F, -0x1p24F, -0x1p31F, 0x1p31F, 0}));
  EXPECT_EQ(scaled({5, -5}, 2, 1, {0.0F, 2.0F}, 0.5F), (std::vector<float>{0, -5}));
}

TEST(ScaleOutput, RefusesWrongSizes) {
  EXPECT_TRUE(scaled({}, 0, 3, {}, 1).empty());
  EXPECT_TRUE(scaled({}, 3, 0, {1}, 1).empty());
  EXPECT_THROW(scaled({1, 2, 3}, 2, 2, {1}, 1), InputError);
  EXPECT_THROW(scaled({1, 2, 3, 4}, 2, 2, {1, 2, 3}, 1), InputError);
  EXPECT_THROW(scaled({1, 2, 3, 4}, 2, 2, {}, 1), InputError);
  std::vector<float> small(3);
  EXPECT_THROW(scale_output(Results{1, 2, 3, 4}, 2, 2, std::vector<float>{1}, 1, small),
               InputError);
}

}  // namespace
}  // namespace szt
