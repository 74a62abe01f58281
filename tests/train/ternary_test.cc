// SPDX-License-Identifier: Apache-2.0
// The trainer's layers against libszt: the forward pass bit for bit, the backward pass to float
// rounding.
#include "ternary.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "szt/activations.h"
#include "szt/gradient.h"
#include "szt/matmul.h"
#include "szt/quantize.h"

namespace szt::train {
namespace {

std::span<const float> values(const torch::Tensor& tensor) {
  return {tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
}

std::vector<float> copy(const torch::Tensor& tensor) {
  const torch::Tensor dense = tensor.contiguous();
  return {values(dense).begin(), values(dense).end()};
}

QuantizedTensor quantized(const torch::Tensor& weight) {
  return quantize("w", Dtype::kF32, weight.data_ptr<float>(),
                  static_cast<std::size_t>(weight.size(0)),
                  static_cast<std::size_t>(weight.size(1)), Rule{});
}

// What the definitions say, without libtorch: y [m, n] of x [m, k].
std::vector<float> expected_product(const torch::Tensor& x, const QuantizedTensor& w) {
  const std::vector<float> input = copy(x);
  const auto m = static_cast<std::size_t>(x.size(0));
  const QuantizedActivations q =
      quantize_activations("x", input, m, w.codes.cols(), Granularity::kPerRow);
  std::vector<std::int32_t> products(m * w.codes.rows());
  matmul(q.values, m, w.codes, DecodeMode::kForward, products);
  std::vector<float> y(products.size());
  scale_output(products, m, w.codes.rows(), q.scales, w.scale, y);
  return y;
}

TEST(QuantizeInput, IsTheModelsBitForBit) {
  torch::manual_seed(1);
  torch::Tensor x = torch::randn({64, 33});
  x[3].zero_();
  x[4].fill_(-0.0F);
  x[5].mul_(1e-40F);                                     // subnormal
  x[6] = torch::arange(33).to(torch::kFloat32) - 16.5F;  // scale 0.13
  x[7] = (torch::arange(33).to(torch::kFloat32) * 4 - 64 + 0.5F);
  x[7][0] = 127.0F;  // scale 1: halves
  x[8].fill_(std::numeric_limits<float>::denorm_min());
  x[9].fill_(std::numeric_limits<float>::max());
  const QuantizedInput mine = quantize_input(x);
  const QuantizedActivations theirs =
      quantize_activations("x", values(x), 64, 33, Granularity::kPerRow);
  for (std::size_t i = 0; i < theirs.values.size(); ++i) {
    ASSERT_EQ(values(mine.values)[i], static_cast<float>(theirs.values[i])) << i;
  }
  for (std::size_t row = 0; row < theirs.scales.size(); ++row) {
    ASSERT_EQ(values(mine.scales)[row], theirs.scales[row]) << row;
  }
}

TEST(TernaryLinear, ForwardIsTheModelsBitForBit) {
  torch::manual_seed(2);
  for (const auto& [inputs, outputs] : {std::pair{1, 1}, {5, 3}, {784, 256}, {1000, 17}}) {
    TernaryLinear layer(Quantization{Arm::kSzt, 2}, inputs, outputs);
    const torch::Tensor x = torch::randn({37, inputs});
    const torch::Tensor y = layer(x).detach();
    std::vector<float> expected = expected_product(x, quantized(layer->weight));
    for (std::size_t i = 0; i < expected.size(); ++i) {
      expected[i] += values(layer->bias)[i % static_cast<std::size_t>(outputs)];
    }
    EXPECT_EQ(copy(y), expected) << inputs << " x " << outputs;
  }
}

TEST(TernaryConvolution, ForwardIsAnIm2colOfTheModelsBitForBit) {
  torch::manual_seed(3);
  for (const std::int64_t channels : {1, 32}) {
    TernaryConvolution layer(Quantization{Arm::kSzt, 2}, channels, 8);
    const torch::Tensor x = torch::randn({3, channels, 14, 14});
    const torch::Tensor y = layer(x).detach();
    const QuantizedTensor w = quantized(layer->weight);
    for (std::int64_t sample = 0; sample < x.size(0); ++sample) {
      const torch::Tensor image = x[sample].contiguous();
      const QuantizedActivations q = quantize_activations(
          "x", values(image), 1, values(image).size(), Granularity::kPerTensor);
      for (std::int64_t out = 0; out < 8; ++out) {
        for (std::int64_t row = 0; row < 14; ++row) {
          for (std::int64_t col = 0; col < 14; ++col) {
            std::int32_t sum = 0;
            for (std::int64_t c = 0; c < channels; ++c) {
              for (std::int64_t dr = -1; dr <= 1; ++dr) {
                for (std::int64_t dc = -1; dc <= 1; ++dc) {
                  const std::int64_t r = row + dr, k = col + dc;
                  if (r < 0 || r > 13 || k < 0 || k > 13) continue;
                  const Code code = w.codes.get(static_cast<std::size_t>(out),
                                                static_cast<std::size_t>(9 * c + 3 * dr + dc + 4));
                  sum += decode(code) * q.values[static_cast<std::size_t>((c * 14 + r) * 14 + k)];
                }
              }
            }
            const float expected = (q.scales[0] * w.scale) * static_cast<float>(sum) +
                                   values(layer->bias)[static_cast<std::size_t>(out)];
            ASSERT_EQ((y[sample][out][row][col].item<float>()), expected)
                << sample << " " << out << " " << row << " " << col;
          }
        }
      }
    }
  }
}

TEST(TernaryLayer, PlanesFollowTheWeights) {
  torch::manual_seed(4);
  TernaryLinear layer(Quantization{Arm::kSzt, 2}, 20, 10);
  const torch::Tensor before = layer->planes().codes.clone();
  EXPECT_EQ(layer->planes().codes.data_ptr(), layer->planes().codes.data_ptr());
  {
    const torch::NoGradGuard no_gradient;
    layer->weight.neg_();
  }
  const torch::Tensor after = layer->planes().codes;
  EXPECT_TRUE(torch::equal(before.bitwise_xor(after), torch::full_like(before, 2)));
}

struct ArmCase {
  Arm arm;
  ZeroShift shift;
};

class ArmTest : public testing::TestWithParam<ArmCase> {};

// Integers all through: the library's exact gradients are what autograd must give.
TEST_P(ArmTest, GradientsOfOneLayerAreTheModels) {
  const auto [arm, shift] = GetParam();
  torch::manual_seed(5);
  constexpr std::size_t kM = 12, kK = 40, kN = 30;
  TernaryLinear layer(Quantization{arm, shift}, kK, kN);
  // Rows with absmax 127 have scale 1: the layer's own quantiser leaves them as they are.
  torch::Tensor x = torch::randint(-127, 128, {kM, kK}).to(torch::kFloat32);
  x.select(1, 0).fill_(127);
  x.set_requires_grad(true);
  const torch::Tensor dy = torch::randint(-128, 128, {kM, kN}).to(torch::kFloat32);
  layer(x).backward(dy);

  const QuantizedTensor w = quantized(layer->weight);
  std::vector<std::int8_t> dy8, x8;
  for (const float v : values(dy)) dy8.push_back(static_cast<std::int8_t>(v));
  for (const float v : values(x)) x8.push_back(static_cast<std::int8_t>(v));
  const Surrogate surrogate = arm == Arm::kDeadZone ? Surrogate::kDeadZone
                              : arm == Arm::kSte    ? Surrogate::kSte
                                                    : Surrogate::kSzt;
  const ZeroShift used = surrogate_zero_shift(surrogate, shift);
  std::vector<std::int32_t> g(kM * kK), dw(kN * kK);
  input_gradient(dy8, kM, w.codes, used, g);
  weight_gradient(dy8, x8, kM, w.codes, surrogate, dw);
  std::vector<float> dx(g.size());
  const float one = 1;
  scale_input_gradient(g, kM, kK, std::span(&one, 1), w.scale, used, dx);

  for (std::size_t i = 0; i < dx.size(); ++i) {
    ASSERT_NEAR(values(x.grad())[i], dx[i], 1e-5 * std::abs(dx[i]) + 1e-6) << i;
  }
  for (std::size_t i = 0; i < dw.size(); ++i) {
    ASSERT_EQ(values(layer->weight.grad())[i], static_cast<float>(dw[i])) << i;
  }
}

// Two layers with a ReLU between, in double from the definitions.
TEST_P(ArmTest, GradientsThroughTwoLayersAreThoseOfTheDefinitions) {
  const auto [arm, shift] = GetParam();
  torch::manual_seed(6);
  constexpr std::int64_t kM = 9, kK = 25, kH = 21, kN = 7;
  TernaryLinear first(Quantization{arm, shift}, kK, kH), second(Quantization{arm, shift}, kH, kN);
  const torch::Tensor x = torch::randn({kM, kK}).set_requires_grad(true);
  const torch::Tensor hidden = first(x);
  const torch::Tensor dy = torch::randn({kM, kN});
  second(hidden.relu()).backward(dy);

  const Surrogate surrogate = arm == Arm::kDeadZone ? Surrogate::kDeadZone
                              : arm == Arm::kSte    ? Surrogate::kSte
                                                    : Surrogate::kSzt;
  const ZeroShift used = surrogate_zero_shift(surrogate, shift);
  const auto plane = [](const QuantizedTensor& w, const auto& value) {
    torch::Tensor all = torch::empty(
        {static_cast<std::int64_t>(w.codes.rows()), static_cast<std::int64_t>(w.codes.cols())},
        torch::kFloat64);
    auto* to = all.data_ptr<double>();
    for (const Code code : w.codes.unpack()) *to++ = value(code);
    return all;
  };
  const auto through = [&](const QuantizedTensor& w) {
    return plane(w, [&](Code code) { return double{w.scale} * backward_weight(code, used); });
  };
  const auto slopes = [&](const QuantizedTensor& w) {
    return plane(w, [&](Code code) { return static_cast<double>(slope(surrogate, code)); });
  };
  const auto int8_values = [](const torch::Tensor& t) {
    const QuantizedInput q = quantize_input(t);
    return q.values.to(torch::kFloat64) * q.scales.to(torch::kFloat64);
  };
  const QuantizedTensor w1 = quantized(first->weight), w2 = quantized(second->weight);
  const torch::Tensor dy64 = dy.to(torch::kFloat64);
  const torch::Tensor relu = hidden.detach().relu();
  const torch::Tensor dw2 = torch::mm(dy64.t(), int8_values(relu)) * slopes(w2);
  const torch::Tensor dh = torch::mm(dy64, through(w2)) * (hidden.detach() > 0).to(torch::kFloat64);
  const torch::Tensor dw1 = torch::mm(dh.t(), int8_values(x.detach())) * slopes(w1);
  const torch::Tensor dx = torch::mm(dh, through(w1));
  const auto check = [](const char* what, const torch::Tensor& mine,
                        const torch::Tensor& expected) {
    EXPECT_TRUE(torch::allclose(mine.to(torch::kFloat64), expected, 1e-4, 1e-5)) << what;
    EXPECT_GT(expected.abs().max().item<double>(), 0.1) << what;
  };
  check("dW2", second->weight.grad(), dw2);
  check("dW1", first->weight.grad(), dw1);
  check("dX", x.grad(), dx);
  check("db1", first->bias.grad(), dh.sum(0));
}

INSTANTIATE_TEST_SUITE_P(Arms, ArmTest,
                         testing::Values(ArmCase{Arm::kDeadZone, 2}, ArmCase{Arm::kSte, 2},
                                         ArmCase{Arm::kSzt, 0}, ArmCase{Arm::kSzt, 2},
                                         ArmCase{Arm::kSzt, 7}, ArmCase{Arm::kSzt, std::nullopt},
                                         ArmCase{Arm::kFourLevel, 2}),
                         [](const testing::TestParamInfo<ArmCase>& instance) {
                           std::string text = fmt::format("{}_{}", name(instance.param.arm),
                                                          to_string(instance.param.shift));
                           for (char& c : text) c = c == '-' ? '_' : c;
                           return text;
                         });

TEST(TernaryConvolution, GradientsAreThoseOfAnIm2col) {
  torch::manual_seed(7);
  for (const Arm arm : {Arm::kDeadZone, Arm::kSzt}) {
    TernaryConvolution convolution(Quantization{arm, 2}, 3, 5);
    const torch::Tensor x = torch::randn({2, 3, 6, 6}).set_requires_grad(true);
    const torch::Tensor dy = torch::randn({2, 5, 6, 6});
    convolution(x).backward(dy);

    // The same product as a matrix, whose gradients autograd knows.
    const Planes& planes = convolution->planes();
    const QuantizedInput q = quantize_input(x);
    const torch::Tensor columns =
        torch::im2col(q.values * q.scales, {3, 3}, {1, 1}, {1, 1}, {1, 1});
    const torch::Tensor rows = columns.transpose(1, 2).reshape({-1, 27});
    const torch::Tensor flat = dy.flatten(2).transpose(1, 2).reshape({-1, 5});
    torch::Tensor dw = torch::mm(flat.t(), rows);
    if (arm == Arm::kDeadZone) dw = dw * planes.forward.abs();
    EXPECT_TRUE(torch::allclose(convolution->weight.grad(), dw, 1e-4, 1e-4));
    const torch::Tensor dcolumns =
        torch::mm(flat, planes.backward * planes.scale).view({2, 36, 27}).transpose(1, 2);
    const torch::Tensor dx = torch::col2im(dcolumns, {6, 6}, {3, 3}, {1, 1}, {1, 1}, {1, 1});
    EXPECT_TRUE(torch::allclose(x.grad(), dx, 1e-4, 1e-5));
  }
}

}  // namespace
}  // namespace szt::train
