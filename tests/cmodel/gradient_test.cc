// SPDX-License-Identifier: Apache-2.0
#include "szt/gradient.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "cmodel/gradient_testing.h"
#include "file_testing.h"
#include "seed.h"
#include "szt/error.h"

namespace szt::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Int32s = std::vector<std::int32_t>;
constexpr std::int32_t kGarbage = 0x5A5A5A5A;

Int32s input(const Int8s& dy, std::size_t m, PackedCodesView weights, const ZeroShift& shift,
             unsigned threads = 0) {
  Int32s g(m * weights.cols(), kGarbage);
  input_gradient(dy, m, weights, shift, g, threads);
  return g;
}

Int32s weight(const Int8s& dy, const Int8s& x, std::size_t m, PackedCodesView weights,
              Surrogate surrogate, unsigned threads = 0) {
  Int32s dw(weights.rows() * weights.cols(), kGarbage);
  weight_gradient(dy, x, m, weights, surrogate, dw, threads);
  return dw;
}

bool equal(const Int32s& got, const std::vector<std::int64_t>& expected) {
  return std::equal(got.begin(), got.end(), expected.begin(), expected.end());
}

TEST(ZeroShift, TextsAndWeights) {
  for (const ZeroShift& shift : kEveryShift) {
    const std::string text = shift ? std::string(1, static_cast<char>('0' + *shift)) : "inf";
    EXPECT_EQ(to_string(shift), text);
    EXPECT_EQ(parse_zero_shift(text), shift);
    const float inner = shift ? std::ldexp(1.0F, -static_cast<int>(*shift)) : 0.0F;
    EXPECT_EQ(backward_weight(Code::kPlusOne, shift), 1.0F);
    EXPECT_EQ(backward_weight(Code::kMinusOne, shift), -1.0F);
    EXPECT_EQ(backward_weight(Code::kZeroPlus, shift), inner);
    EXPECT_EQ(backward_weight(Code::kZeroMinus, shift), -inner);
  }
  for (const std::string bad :
       {"", "8", "9", "-1", "+2", "02", "2 ", "2.0", "Inf", "infinity", "/", ":", "two"}) {
    EXPECT_THAT(input_error([&] { parse_zero_shift(bad); }),
                AllOf(HasSubstr("'" + bad + "'"), HasSubstr("0 to 7 or inf")));
  }
  EXPECT_NO_THROW(check_zero_shift(7U));
  EXPECT_THAT(input_error([] { check_zero_shift(8U); }), HasSubstr("zero shift 8"));
}

TEST(Surrogate, NamesAndSlopes) {
  const std::vector<std::string> names = {"dead-zone", "ste", "szt"};
  ASSERT_EQ(kAllSurrogates.size(), names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(name(kAllSurrogates[i]), names[i]);
    EXPECT_EQ(parse_surrogate(names[i]), kAllSurrogates[i]);
    for (const Code code : kAllCodes) {
      const bool zero = code == Code::kZeroPlus || code == Code::kZeroMinus;
      EXPECT_EQ(slope(kAllSurrogates[i], code), zero && names[i] == "dead-zone" ? 0 : 1);
    }
    EXPECT_EQ(surrogate_zero_shift(kAllSurrogates[i], 3U),
              names[i] == "szt" ? ZeroShift(3U) : ZeroShift());
  }
  for (const std::string bad : {"", "SZT", "dead zone", "bt"}) {
    EXPECT_THAT(input_error([&] { parse_surrogate(bad); }),
                AllOf(HasSubstr("'" + bad + "'"), HasSubstr("dead-zone, ste or szt")));
  }
}

TEST(InputGradient, IsLiteral) {
  // f = {+1 -1 0 / 0 0 -1}, z = {0 0 -1 / -1 +1 0}.
  const std::vector<Code> codes = {Code::kPlusOne,   Code::kMinusOne, Code::kZeroMinus,
                                   Code::kZeroMinus, Code::kZeroPlus, Code::kMinusOne};
  const PackedCodes weights = PackedCodes::pack(codes, 2, 3);
  const Int8s dy = {3, -128, -5, 7};  // [2, 2]
  EXPECT_THAT(input(dy, 2, weights, {}), ElementsAre(3, -3, 128, -5, 5, -7));
  EXPECT_THAT(input(dy, 2, weights, 0U), ElementsAre(131, -131, 125, -12, 12, -2));
  EXPECT_THAT(input(dy, 2, weights, 2U), ElementsAre(140, -140, 509, -27, 27, -23));
}

TEST(WeightGradient, IsLiteral) {
  const std::vector<Code> codes = {Code::kPlusOne,   Code::kMinusOne, Code::kZeroMinus,
                                   Code::kZeroMinus, Code::kZeroPlus, Code::kMinusOne};
  const PackedCodes weights = PackedCodes::pack(codes, 2, 3);
  const Int8s dy = {3, -128, -5, 7};        // [2, 2]
  const Int8s x = {1, -2, 4, -128, 10, 0};  // [2, 3]
  for (const Surrogate surrogate : {Surrogate::kSte, Surrogate::kSzt}) {
    EXPECT_THAT(weight(dy, x, 2, weights, surrogate), ElementsAre(643, -56, 12, -1024, 326, -512));
  }
  EXPECT_THAT(weight(dy, x, 2, weights, Surrogate::kDeadZone),
              ElementsAre(643, -56, 0, 0, 0, -512));
}

TEST(Gradient, EqualsTheDefinitionOnRaggedShapes) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  const std::vector<std::size_t> sizes = {0, 1, 2, 3, 4, 5, 7, 9, 16, 31, 33, 65};
  for (const std::size_t m : sizes) {
    for (const std::size_t n : sizes) {
      for (const std::size_t k : sizes) {
        const Int8s dy = random_int8s(m * n, random);
        const Int8s x = random_int8s(m * k, random);
        const PackedCodes weights = random_codes(n, k, random);
        const ZeroShift& shift = kEveryShift[random() % kEveryShift.size()];
        ASSERT_TRUE(
            equal(input(dy, m, weights, shift), defined_input_gradient(dy, m, weights, shift)))
            << "m " << m << ", n " << n << ", k " << k << ", shift " << to_string(shift);
        const Surrogate surrogate = kAllSurrogates[random() % kAllSurrogates.size()];
        ASSERT_TRUE(
            equal(weight(dy, x, m, weights, surrogate),
                  defined_weight_gradient(dy, x, m, weights, surrogate == Surrogate::kDeadZone)))
            << "m " << m << ", n " << n << ", k " << k << ", " << name(surrogate);
      }
    }
  }
}

// Around the sizes at which the kernel and the transposition block, with every shift and surrogate.
TEST(Gradient, EqualsTheDefinitionAroundBlocks) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  for (const std::size_t depth : {63U, 64U, 65U, 127U, 129U, 2047U, 2048U, 2049U, 4100U}) {
    const std::size_t a = 1 + random() % 9;
    const std::size_t b = 60 + random() % 10;
    for (const auto& [p, q] : {std::pair(a, b), std::pair(b, a)}) {
      const PackedCodes deep = random_codes(depth, q, random);  // sums over N
      const Int8s dy = random_int8s(p * depth, random);
      for (const ZeroShift& shift : kEveryShift) {
        ASSERT_TRUE(equal(input(dy, p, deep, shift), defined_input_gradient(dy, p, deep, shift)))
            << p << " " << depth << " " << q << ", shift " << to_string(shift);
      }
      const PackedCodes flat = random_codes(p, q, random);  // sums over M
      const Int8s long_dy = random_int8s(depth * p, random);
      const Int8s x = random_int8s(depth * q, random);
      for (const Surrogate surrogate : kAllSurrogates) {
        ASSERT_TRUE(equal(
            weight(long_dy, x, depth, flat, surrogate),
            defined_weight_gradient(long_dy, x, depth, flat, surrogate == Surrogate::kDeadZone)))
            << depth << " " << p << " " << q << ", " << name(surrogate);
      }
    }
  }
}

TEST(Gradient, NoThreadCountShows) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  for (const std::size_t k : {0U, 1U, 2U, 7U, 600U}) {
    const std::size_t m = 66;
    const std::size_t n = 2050;  // with k = 600 enough work for the default to use threads
    const Int8s dy = random_int8s(m * n, random);
    const Int8s x = random_int8s(m * k, random);
    const PackedCodes weights = random_codes(n, k, random);
    const Int32s g = input(dy, m, weights, 3U, 1);
    const Int32s dw = weight(dy, x, m, weights, Surrogate::kDeadZone, 1);
    for (const unsigned threads : {0U, 2U, 3U, 8U, 100U}) {
      ASSERT_EQ(input(dy, m, weights, 3U, threads), g) << k;
      ASSERT_EQ(weight(dy, x, m, weights, Surrogate::kDeadZone, threads), dw) << k;
    }
  }
}

TEST(Gradient, UniformExtremes) {
  const std::size_t m = 3;
  const std::size_t n = 501;
  const std::size_t k = 5;
  for (const int a : {-128, -127, 0, 127}) {
    const Int8s dy(m * n, static_cast<std::int8_t>(a));
    const Int8s x(m * k, -128);
    for (const Code code : kAllCodes) {
      const PackedCodes weights = filled_codes(n, k, code);
      const int f = kForwardPlane[static_cast<std::size_t>(code)];
      const int z = kZeroSignPlane[static_cast<std::size_t>(code)];
      for (const ZeroShift& shift : kEveryShift) {
        const int unit = shift ? (f << *shift) + z : f;
        EXPECT_EQ(input(dy, m, weights, shift), Int32s(m * k, 501 * a * unit));
      }
      for (const Surrogate surrogate : kAllSurrogates) {
        const int passes = f == 0 && surrogate == Surrogate::kDeadZone ? 0 : 1;
        EXPECT_EQ(weight(dy, x, m, weights, surrogate), Int32s(n * k, 3 * a * -128 * passes));
      }
    }
  }
}

// At the largest N of every shift the extreme sum is 2^31 - 2^(7 + shift); one more is refused.
TEST(InputGradient, IsExactAtTheLargestN) {
  for (const ZeroShift& shift : kEveryShift) {
    const unsigned k = shift.value_or(0);
    const std::size_t n = (std::size_t{1} << (24 - k)) - 1;
    EXPECT_EQ(max_exact_n(shift), n);
    const Int8s dy(n, -128);
    const std::int32_t extreme = std::numeric_limits<std::int32_t>::max() - (128 << k) + 1;
    EXPECT_EQ(input(dy, 1, filled_codes(n, 1, Code::kMinusOne), shift), Int32s{extreme});
    EXPECT_EQ(input(dy, 1, filled_codes(n, 1, Code::kPlusOne), shift), Int32s{-extreme});

    const PackedCodes wide = filled_codes(n + 1, 1, Code::kPlusOne);
    Int32s g(1, kGarbage);
    EXPECT_THAT(input_error([&] { input_gradient(Int8s(n + 1), 1, wide, shift, g); }),
                AllOf(HasSubstr("N = " + std::to_string(n + 1)),
                      HasSubstr("zero shift " + to_string(shift)),
                      HasSubstr("at most " + std::to_string(n))));
    EXPECT_EQ(g[0], kGarbage);
  }
}

TEST(WeightGradient, IsExactAtTheLargestM) {
  const std::size_t m = 131071;
  EXPECT_EQ(kMaxExactM, m);
  const PackedCodes weights = filled_codes(1, 1, Code::kZeroMinus);
  const Int8s low(m, -128);
  const Int8s high(m, 127);
  EXPECT_EQ(weight(low, low, m, weights, Surrogate::kSzt), Int32s{2147467264});  // 2^31 - 2^14
  EXPECT_EQ(weight(low, high, m, weights, Surrogate::kSzt), Int32s{-128 * 127 * 131071});
  Int32s dw(1, kGarbage);
  const Int8s more(m + 1);
  EXPECT_THAT(
      input_error([&] { weight_gradient(more, more, m + 1, weights, Surrogate::kSzt, dw); }),
      AllOf(HasSubstr("M = 131072"), HasSubstr("at most 131071")));
  EXPECT_EQ(dw[0], kGarbage);
}

TEST(Gradient, RefusesWrongSizesAndShifts) {
  const PackedCodes weights(4, 3);  // N = 4, K = 3
  Int32s g(6, kGarbage);
  Int32s dw(12, kGarbage);
  const auto input_with = [&](std::size_t dy, std::size_t m, std::size_t out, unsigned shift) {
    input_gradient(Int8s(dy), m, weights, shift, std::span(g).first(out));
  };
  const auto weight_with = [&](std::size_t dy, std::size_t x, std::size_t m, std::size_t out) {
    weight_gradient(Int8s(dy), Int8s(x), m, weights, Surrogate::kSte, std::span(dw).first(out));
  };
  EXPECT_THAT(input_error([&] { input_with(7, 2, 6, 2); }), HasSubstr("[M = 2, N = 4]"));
  EXPECT_THAT(input_error([&] { input_with(8, 2, 5, 2); }), HasSubstr("[M = 2, K = 3]"));
  EXPECT_THAT(input_error([&] { input_with(8, 2, 6, 8); }), HasSubstr("zero shift 8"));
  EXPECT_THAT(input_error([&] { weight_with(7, 6, 2, 12); }), HasSubstr("[M = 2, N = 4]"));
  EXPECT_THAT(input_error([&] { weight_with(8, 7, 2, 12); }), HasSubstr("[M = 2, K = 3]"));
  EXPECT_THAT(input_error([&] { weight_with(8, 6, 2, 11); }), HasSubstr("[N = 4, K = 3]"));
  EXPECT_EQ(g, Int32s(6, kGarbage));
  EXPECT_EQ(dw, Int32s(12, kGarbage));
  EXPECT_NO_THROW(input_with(8, 2, 6, 7));
  EXPECT_NO_THROW(weight_with(8, 6, 2, 12));
}

TEST(WeightGradient, RowsAreTheSameCallOnColumnsOfDy) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  const std::size_t m = 6, n = 11, k = 7;
  const Int8s dy = random_int8s(m * n, random);
  const Int8s x = random_int8s(m * k, random);
  const PackedCodes weights = random_codes(n, k, random);
  const Int32s whole = weight(dy, x, m, weights, Surrogate::kDeadZone);
  Int8s part;  // columns 4 .. 8
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t l = 4; l < 9; ++l) part.push_back(dy[i * n + l]);
  }
  const Int32s rows = weight(part, x, m, weights.view().row_range(4, 5), Surrogate::kDeadZone);
  EXPECT_EQ(rows, Int32s(whole.begin() + 4 * 7, whole.begin() + 9 * 7));
}

// In double each single product of float32 is exact, so rounding it once is float32's own product.
float multiply(float a, float b) {
  return static_cast<float>(static_cast<double>(a) * static_cast<double>(b));
}

// Scales that make 2^-k underflow tell the two orders of the scale product apart.
TEST(ScaleInputGradient, MultipliesInTheStatedOrder) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  std::uniform_real_distribution<float> uniform(0.5F, 1.0F);
  const std::size_t m = 40;
  const std::size_t k = 30;
  int other_orders_differ = 0;
  for (const ZeroShift& shift : kEveryShift) {
    for (const int exponent : {0, -70}) {
      std::vector<float> scales(m);
      for (float& scale : scales) scale = std::ldexp(uniform(random), exponent);
      const float alpha = std::ldexp(uniform(random), exponent);
      const float unit = shift ? std::ldexp(1.0F, -static_cast<int>(*shift)) : 1.0F;
      Int32s g(m * k);
      for (std::int32_t& value : g) value = static_cast<std::int32_t>(random());
      std::vector<float> by_row(g.size());
      std::vector<float> by_tensor(g.size());
      scale_input_gradient(g, m, k, scales, alpha, shift, by_row);
      scale_input_gradient(g, m, k, std::span(scales).subspan(7, 1), alpha, shift, by_tensor);
      for (std::size_t i = 0; i < g.size(); ++i) {
        const auto value = static_cast<float>(g[i]);
        const float scale = scales[i / k];
        ASSERT_EQ(by_row[i], multiply(multiply(multiply(scale, alpha), unit), value)) << i;
        ASSERT_EQ(by_tensor[i], multiply(multiply(multiply(scales[7], alpha), unit), value)) << i;
        if (by_row[i] != multiply(multiply(scale, multiply(alpha, unit)), value) ||
            by_row[i] != multiply(multiply(scale, alpha), multiply(unit, value))) {
          ++other_orders_differ;
        }
      }
    }
  }
  EXPECT_GT(other_orders_differ, 100);
}

TEST(ScaleGradients, RefuseWrongSizes) {
  std::vector<float> out(6);
  const Int32s values(6);
  const std::vector<float> scales(3, 1.0F);
  const auto scale = [&](std::size_t count, std::size_t m, std::size_t k, std::size_t outputs) {
    scale_input_gradient(values, m, k, std::span(scales).first(count), 1, 2U,
                         std::span(out).first(outputs));
  };
  EXPECT_NO_THROW(scale(1, 2, 3, 6));
  EXPECT_NO_THROW(scale(2, 2, 3, 6));
  EXPECT_THROW(scale(0, 2, 3, 6), InputError);
  EXPECT_THROW(scale(3, 2, 3, 6), InputError);
  EXPECT_THROW(scale(1, 2, 2, 6), InputError);
  EXPECT_THROW(scale(1, 2, 3, 5), InputError);
  EXPECT_THROW(scale_input_gradient(values, 2, 3, scales, 1, 8U, out), InputError);
  EXPECT_THROW(scale_weight_gradient(values, 1, 1, std::span(out).first(5)), InputError);
}

TEST(ScaleWeightGradient, MultipliesInTheStatedOrder) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  std::uniform_real_distribution<float> uniform(0.001F, 1.0F);
  int other_order_differs = 0;
  for (int i = 0; i < 1000; ++i) {
    const Int32s dw = {static_cast<std::int32_t>(random())};
    const float dy_scale = uniform(random);
    const float x_scale = uniform(random);
    float out = 0;
    scale_weight_gradient(dw, dy_scale, x_scale, std::span(&out, 1));
    const auto value = static_cast<float>(dw[0]);
    ASSERT_EQ(out, multiply(multiply(dy_scale, x_scale), value));
    if (out != multiply(dy_scale, multiply(x_scale, value))) ++other_order_differs;
  }
  EXPECT_GT(other_order_differs, 100);
}

}  // namespace
}  // namespace szt::test
