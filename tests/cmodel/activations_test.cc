// SPDX-License-Identifier: Apache-2.0
#include "szt/activations.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cfenv>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "seed.h"
#include "szt/error.h"

namespace szt {
namespace {

constexpr float kDenormMin = std::numeric_limits<float>::denorm_min();
constexpr float kMaxFloat = std::numeric_limits<float>::max();
using Values = std::vector<std::int8_t>;

QuantizedActivations per_row(const std::vector<float>& x, std::size_t rows, std::size_t cols) {
  return quantize_activations("x.npy", x, rows, cols, Granularity::kPerRow);
}
QuantizedActivations per_tensor(const std::vector<float>& x, std::size_t rows, std::size_t cols) {
  return quantize_activations("x.npy", x, rows, cols, Granularity::kPerTensor);
}

TEST(Activations, HalvesRoundToEven) {
  // The largest is 127, so the scale is 1 and the quotients are the values themselves.
  const std::vector<float> x = {127.0F, 0.5F,   1.5F,  2.5F,    -0.5F, -1.5F,       -2.5F,
                                125.5F, 126.5F, 0.25F, -126.5F, 3.49F, 0.49999997F, -0.50000006F};
  const QuantizedActivations result = per_row(x, 1, x.size());
  EXPECT_EQ(result.scales, std::vector<float>{1.0F});
  EXPECT_EQ(result.values, (Values{127, 0, 2, 2, 0, -2, -2, 126, 126, 0, -126, 3, 0, -1}));
}

// The only float32 operations are the two divisions; what follows is checked in exact arithmetic:
// a quotient is a double and twice a quotient is one too.
int round_half_even(float quotient) {
  const double q = static_cast<double>(quotient);
  for (int candidate = -127; candidate <= 127; ++candidate) {
    const double distance = std::fabs(q - candidate);
    if (distance < 0.5 || (distance == 0.5 && candidate % 2 == 0)) return candidate;
  }
  return q < 0 ? -127 : 127;
}

TEST(Activations, EqualTheDefinitionOnRandomRows) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  std::normal_distribution<float> normal;
  const std::size_t rows = 40;
  const std::size_t cols = 333;
  std::vector<float> x(rows * cols);
  for (std::size_t row = 0; row < rows; ++row) {
    const float magnitude = std::ldexp(1.0F, static_cast<int>(row) * 6 - 120);
    for (std::size_t col = 0; col < cols; ++col) x[row * cols + col] = magnitude * normal(random);
  }
  const QuantizedActivations result = per_row(x, rows, cols);
  ASSERT_EQ(result.rows, rows);
  ASSERT_EQ(result.cols, cols);
  ASSERT_EQ(result.values.size(), rows * cols);
  ASSERT_EQ(result.scales.size(), rows);
  float tensor_max = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    float largest = 0;
    for (std::size_t col = 0; col < cols; ++col) {
      largest = std::fmax(largest, std::fabs(x[row * cols + col]));
    }
    tensor_max = std::fmax(tensor_max, largest);
    ASSERT_EQ(result.scales[row], largest / 127.0F) << row;
    for (std::size_t col = 0; col < cols; ++col) {
      const float quotient = x[row * cols + col] / result.scales[row];
      ASSERT_EQ(result.values[row * cols + col], round_half_even(quotient))
          << "row " << row << ", col " << col << ", quotient " << quotient;
    }
  }
  const QuantizedActivations whole = per_tensor(x, rows, cols);
  ASSERT_EQ(whole.scales, std::vector<float>{tensor_max / 127.0F});
  for (std::size_t i = 0; i < x.size(); ++i) {
    ASSERT_EQ(whole.values[i], round_half_even(x[i] / whole.scales[0])) << i;
  }
}

TEST(Activations, TheLargestIsPlusMinus127InEveryBinade) {
  for (int exponent = -126; exponent <= 127; ++exponent) {
    for (const float significand : {1.0F, 1.1F, 1.7F, 1.9999999F}) {
      const float x = std::ldexp(significand, exponent);
      EXPECT_EQ(per_tensor({x, -x}, 1, 2).values, (Values{127, -127})) << x;
    }
  }
  EXPECT_EQ(per_tensor({kMaxFloat, -kMaxFloat, 0.0F}, 1, 3).values, (Values{127, -127, 0}));
}

TEST(Activations, TheLargestIsFoundAnywhere) {
  for (std::size_t cols = 1; cols <= 20; ++cols) {
    for (std::size_t place = 0; place < cols; ++place) {
      std::vector<float> x(cols, 1.0F);
      x[place] = -254.0F;
      EXPECT_EQ(per_row(x, 1, cols).scales, std::vector<float>{2.0F}) << place << " of " << cols;
    }
  }
}

TEST(Activations, AllZeroRowsHaveScaleZero) {
  const QuantizedActivations result = per_row({0.0F, -0.0F, 1.0F, -2.0F, 0.0F, 0.0F}, 3, 2);
  EXPECT_EQ(result.scales, (std::vector<float>{0.0F, 2.0F / 127.0F, 0.0F}));
  EXPECT_EQ(result.values, (Values{0, 0, 64, -127, 0, 0}));  // 63.5 is a tie
  EXPECT_EQ(per_tensor({0.0F, -0.0F}, 1, 2).scales, std::vector<float>{0.0F});
}

// absmax / 127 in the subnormals: it rounds to 0 (all values 0), or to so few bits that the
// quotient exceeds 127 and is clamped.
TEST(Activations, SubnormalScalesNeitherDivideByZeroNorWrap) {
  for (int units = 1; units <= 2000; ++units) {
    const float x = static_cast<float>(units) * kDenormMin;
    const QuantizedActivations result = per_row({x, -x, 0.0F}, 1, 3);
    // units / 127 to nearest; 63.5 is no integer, so there is no tie at half a unit.
    const int scale_units = (2 * units + 127) / 254;
    ASSERT_EQ(result.scales[0], static_cast<float>(scale_units) * kDenormMin) << units;
    if (scale_units == 0) {
      ASSERT_EQ(result.values, (Values{0, 0, 0})) << units;
    } else {
      const int expected = std::min(
          127, round_half_even(static_cast<float>(units) / static_cast<float>(scale_units)));
      ASSERT_EQ(result.values, (Values{static_cast<std::int8_t>(expected),
                                       static_cast<std::int8_t>(-expected), 0}))
          << units;
    }
  }
  EXPECT_EQ(per_row({190 * kDenormMin}, 1, 1).values, Values{127});  // the quotient is 190
}

TEST(Activations, RoundingIsOfTheFunctionNotOfTheMode) {
  const std::vector<float> x = {127.0F, 0.5F, 1.5F, -0.5F, -2.5F, 0.75F, -0.75F};
  const Values expected = {127, 0, 2, 0, -2, 1, -1};
  const int before = std::fegetround();
  for (const int mode : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO, FE_TONEAREST}) {
    ASSERT_EQ(std::fesetround(mode), 0);
    const Values values = per_row(x, 1, x.size()).values;
    std::fesetround(before);
    EXPECT_EQ(values, expected) << mode;
  }
}

TEST(Activations, RefusesNonfiniteByIndex) {
  for (const float bad :
       {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
        std::numeric_limits<float>::quiet_NaN()}) {
    std::vector<float> x(12, 1.0F);
    x[7] = bad;
    x[9] = bad;
    try {
      per_row(x, 3, 4);
      FAIL() << bad << " was quantised";
    } catch (const InputError& error) {
      const std::string message = error.what();
      EXPECT_EQ(message.find("x.npy"), 0U) << message;
      EXPECT_NE(message.find("[1, 3]"), std::string::npos) << message;
    }
    EXPECT_THROW(per_tensor(x, 3, 4), InputError);
  }
}

TEST(Activations, EmptyShapesAndWrongSizes) {
  EXPECT_EQ(per_row({}, 0, 4).scales.size(), 0U);
  EXPECT_EQ(per_row({}, 3, 0).scales, std::vector<float>(3, 0.0F));
  EXPECT_EQ(per_tensor({}, 3, 0).scales, std::vector<float>(1, 0.0F));
  EXPECT_THROW(per_row(std::vector<float>(11), 3, 4), InputError);
  EXPECT_THROW(per_row(std::vector<float>(16), 3, 4), InputError);
  EXPECT_THROW(per_row(std::vector<float>(1), 3, 0), InputError);
  EXPECT_THROW(per_row(std::vector<float>(1), 0, 4), InputError);
}

}  // namespace
}  // namespace szt
