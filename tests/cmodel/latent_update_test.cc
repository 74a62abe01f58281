// SPDX-License-Identifier: Apache-2.0
#include "szt/latent_update.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "file_testing.h"
#include "seed.h"
#include "szt/quantize.h"

namespace szt::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kMax = std::numeric_limits<float>::max();

std::uint32_t bits(float value) { return std::bit_cast<std::uint32_t>(value); }

float updated(float latent, float gradient, const UpdateOptions& options) {
  update_latents("w", std::span(&gradient, 1), options, std::span(&latent, 1));
  return latent;
}

// float32 from single operations in double, which are exact before they are rounded (a product) or
// round twice without harm (a sum).
float rounded(double value) { return static_cast<float>(value); }

TEST(Update, IsTheFormula) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  std::normal_distribution<float> normal;
  std::vector<float> latents(1001);
  std::vector<float> gradient(latents.size());
  for (float& w : latents) w = normal(random);
  for (float& g : gradient) g = normal(random);
  for (const UpdateOptions& options :
       {UpdateOptions{0.0F}, UpdateOptions{0.1F}, UpdateOptions{0.1F, 0.3F},
        UpdateOptions{0.1F, 0.0F, 0.5F}, UpdateOptions{3.0F, 0.25F, 1.5F},
        UpdateOptions{1.0F, 1.0F}}) {
    std::vector<float> moved = latents;
    update_latents("w", gradient, options, moved);
    for (std::size_t i = 0; i < latents.size(); ++i) {
      const double rate = static_cast<double>(options.rate);
      const float shrink =
          rounded(1.0 - static_cast<double>(rounded(rate * static_cast<double>(options.decay))));
      const float kept = rounded(static_cast<double>(latents[i]) * static_cast<double>(shrink));
      const float step = rounded(rate * static_cast<double>(gradient[i]));
      float expected = rounded(static_cast<double>(kept) - static_cast<double>(step));
      if (options.clip && std::fabs(expected) > *options.clip) {
        expected = std::copysign(*options.clip, expected);
      }
      ASSERT_EQ(moved[i], expected) << i << ", rate " << options.rate;
    }
  }
}

// A gradient that says nothing must not change the fourth state into the first.
TEST(Update, AStepOfZeroKeepsTheSignOfAZero) {
  for (const float gradient : {0.0F, -0.0F, 1e-45F, -1e-45F}) {
    for (const UpdateOptions& options :
         {UpdateOptions{0.1F}, UpdateOptions{0.0F}, UpdateOptions{0.1F, 0.5F},
          UpdateOptions{0.1F, 10.0F}, UpdateOptions{0.1F, 0.0F, 0.0F}}) {
      EXPECT_EQ(bits(updated(-0.0F, gradient, options)), bits(-0.0F)) << gradient;
      EXPECT_EQ(bits(updated(0.0F, gradient, options)), bits(0.0F)) << gradient;
    }
  }
  EXPECT_EQ(bits(updated(-2.0F, 0.0F, {1.0F, 1.0F})), bits(-0.0F));        // decayed away
  EXPECT_EQ(bits(updated(-2.0F, 0.0F, {1.0F, 0.0F, 0.0F})), bits(-0.0F));  // clipped away
  EXPECT_EQ(bits(updated(-0.5F, -0.5F, {1.0F})), bits(0.0F));              // moved onto 0
  EXPECT_EQ(bits(updated(-0.0F, 1e-44F, {1.0F})), bits(-1e-44F));
  EXPECT_EQ(bits(updated(-0.0F, -1e-44F, {1.0F})), bits(1e-44F));
}

// Up the gradient through all four states, and the codes after each step.
TEST(Update, MovesALatentThroughTheFourCodes) {
  float latent = -0.875F;
  std::vector<Code> seen;
  for (int i = 0; i < 8; ++i) {
    seen.push_back(encode_tensor("w", Dtype::kF32, &latent, 1, 1, 0.5F).get(0, 0));
    latent = updated(latent, -1.0F, {0.25F});
  }
  using enum Code;
  EXPECT_EQ(seen, (std::vector<Code>{kMinusOne, kMinusOne, kZeroMinus, kZeroMinus, kZeroPlus,
                                     kZeroPlus, kPlusOne, kPlusOne}));
}

TEST(Update, RefusesNonsenseAndMovesNothing) {
  std::vector<float> latents = {1.0F, 2.0F, 3.0F};
  const std::vector<float> before = latents;
  const auto message = [&](const std::vector<float>& gradient, const UpdateOptions& options) {
    const std::string text =
        input_error([&] { update_latents("file: 'w'", gradient, options, latents); });
    EXPECT_EQ(latents, before);
    return text;
  };
  const std::vector<float> ones(3, 1.0F);
  EXPECT_THAT(message({1.0F, 1.0F}, {0.1F}), HasSubstr("2 gradients for 3 latents"));
  EXPECT_THAT(message({1.0F, kInf, 1.0F}, {0.1F}),
              AllOf(HasSubstr("file: 'w'"), HasSubstr("[1]"), HasSubstr("inf")));
  EXPECT_THAT(message({1.0F, 1.0F, std::nanf("")}, {0.1F}), HasSubstr("[2]"));
  // An infinity that the clip would hide is no step either.
  EXPECT_THAT(message({1.0F, -kMax, 1.0F}, {2.0F, 0.0F, 1.0F}), HasSubstr("[1]"));
  for (const float bad : {-1.0F, kInf, std::nanf("")}) {
    EXPECT_THAT(message(ones, {bad}), HasSubstr("learning rate"));
    EXPECT_THAT(message(ones, {0.1F, bad}), HasSubstr("decay"));
    EXPECT_THAT(message(ones, {0.1F, 0.0F, bad}), HasSubstr("clip"));
  }
  EXPECT_THAT(message(ones, {0.1F, 10.5F}), HasSubstr("decay"));
}

TEST(EncodeTensor, IsQuantizeWithAThresholdThatStands) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  std::normal_distribution<float> normal;
  std::vector<float> weights(7 * 13);
  for (float& w : weights) w = normal(random);
  const QuantizedTensor tensor = quantize("w", Dtype::kF32, weights.data(), 7, 13, Rule{});
  EXPECT_EQ(encode_tensor("w", Dtype::kF32, weights.data(), 7, 13, tensor.threshold), tensor.codes);
  weights[15] = std::nanf("");
  EXPECT_THAT(input_error([&] { encode_tensor("here", Dtype::kF32, weights.data(), 7, 13, 1.0F); }),
              AllOf(HasSubstr("here"), HasSubstr("[1, 2]")));
  EXPECT_TRUE(encode_tensor("w", Dtype::kF32, nullptr, 0, 3, 1.0F).bytes().empty());
}

}  // namespace
}  // namespace szt::test
