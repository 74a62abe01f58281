// SPDX-License-Identifier: Apache-2.0
#include "szt/dense_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "file_testing.h"
#include "seed.h"
#include "szt/matmul.h"
#include "szt/quantize.h"

namespace szt {
namespace {

using test::input_error;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class DenseNetworkTest : public ::testing::Test {
 protected:
  // Random weights and biases of these widths; `description` empty: none.
  void write(const std::vector<std::size_t>& widths, const std::string& description,
             std::size_t bias_too_long = 0) {
    std::mt19937_64 generator(test_seed());
    std::normal_distribution<float> normal;
    weights_.clear();
    biases_.clear();
    SafetensorsWriter writer;
    set_checkpoint_metadata(writer, Rule{});
    if (!description.empty()) writer.set_metadata("network", description);
    biases_.resize(widths.size() - 1);
    for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
      std::vector<float> latents(widths[i] * widths[i + 1]);
      for (float& w : latents) w = normal(generator);
      biases_[i].resize(widths[i + 1] + bias_too_long);
      for (float& b : biases_[i]) b = normal(generator);
      weights_.push_back(quantize("w", Dtype::kF32, latents.data(), widths[i + 1], widths[i], {}));
      const std::string layer = "layers." + std::to_string(i);
      add_quantized(writer, layer + ".weight", weights_.back());
      writer.add(layer + ".bias", "F32", {biases_[i].size()}, std::as_bytes(std::span(biases_[i])));
    }
    writer.write(dir_ / "net");
  }

  static void model(std::size_t, std::span<const std::int8_t> x, std::size_t m,
                    PackedCodesView codes, std::span<std::int32_t> y) {
    matmul(x, m, codes, DecodeMode::kForward, y);
  }

  test::TempDir dir_;
  std::vector<QuantizedTensor> weights_;
  std::vector<std::vector<float>> biases_;
};

// Loops from the definitions, float32 operation by operation.
TEST_F(DenseNetworkTest, ForwardIsLiteral) {
  write({13, 9, 5}, "mlp 13-9-5");
  const DenseNetwork network(dir_ / "net");
  EXPECT_EQ(network.description(), "mlp 13-9-5");
  EXPECT_EQ(network.inputs(), 13U);
  EXPECT_EQ(network.outputs(), 5U);
  std::mt19937_64 generator(test_seed() + 1);
  std::normal_distribution<float> normal;
  constexpr std::size_t kM = 4;
  std::vector<float> x(kM * 13);
  for (float& value : x) value = normal(generator);
  std::fill_n(x.begin() + 13, 13, 0.0F);  // a row of zeros

  std::vector<float> expected;
  for (std::size_t row = 0; row < kM; ++row) {
    std::vector<float> in(&x[row * 13], &x[row * 13] + 13);
    for (std::size_t layer = 0; layer < 2; ++layer) {
      float largest = 0;
      for (const float value : in) largest = std::max(largest, std::fabs(value));
      const float scale = largest / 127;
      std::vector<float> out;
      for (std::size_t n = 0; n < weights_[layer].codes.rows(); ++n) {
        int sum = 0;
        for (std::size_t k = 0; k < in.size(); ++k) {
          const int q = scale == 0 ? 0 : static_cast<int>(std::nearbyint(in[k] / scale));
          sum += q * decode(weights_[layer].codes.get(n, k));
        }
        const float factor = scale * weights_[layer].scale;
        const float product = factor * static_cast<float>(sum);
        const float y = product + biases_[layer][n];
        out.push_back(layer == 0 && y < 0 ? 0 : y);
      }
      in = out;
    }
    expected.insert(expected.end(), in.begin(), in.end());
  }
  EXPECT_EQ(network.forward(x, kM, model), expected);
  EXPECT_TRUE(network.forward({}, 0, model).empty());
  x[3] = NAN;
  EXPECT_THAT(input_error([&] { network.forward(x, kM, model); }),
              HasSubstr("layers.0.weight: activation [0, 3] is nan"));
  EXPECT_THAT(input_error([&] { network.forward(x, kM + 1, model); }), HasSubstr("do not fill"));
}

TEST_F(DenseNetworkTest, RefusesOtherFiles) {
  const auto error = [&] { return input_error([&] { DenseNetwork network(dir_ / "net"); }); };
  write({13, 9, 5}, "");
  EXPECT_THAT(error(), HasSubstr("no network; this needs a quantised perceptron"));
  write({13, 9, 5}, "cnn c32");
  EXPECT_THAT(error(), HasSubstr("network 'cnn c32'; this needs"));
  write({13, 9, 5}, "mlp 13-9-5", 1);
  EXPECT_THAT(error(), HasSubstr("tensor 'layers.0.bias' is F32 [10]; a bias is F32 [9]"));
  write({13, 9}, "mlp 13-9-5");
  EXPECT_THAT(error(), HasSubstr("network 'mlp 13-9-5'"));
}

TEST_F(DenseNetworkTest, LayersMustFitEachOther) {
  std::vector<float> latents(20, 1.0F);
  SafetensorsWriter writer;
  set_checkpoint_metadata(writer, Rule{});
  writer.set_metadata("network", "mlp 4-5-5");
  add_quantized(writer, "layers.0.weight", quantize("w", Dtype::kF32, latents.data(), 5, 4, {}));
  add_quantized(writer, "layers.1.weight", quantize("w", Dtype::kF32, latents.data(), 5, 4, {}));
  writer.add("layers.0.bias", "F32", {5}, std::as_bytes(std::span(latents)).first(20));
  writer.add("layers.1.bias", "F32", {5}, std::as_bytes(std::span(latents)).first(20));
  writer.write(dir_ / "net");
  EXPECT_THAT(input_error([&] { DenseNetwork network(dir_ / "net"); }),
              HasSubstr("'layers.1.weight' is [5,4]; the layer before it has 5 outputs"));
}

TEST_F(DenseNetworkTest, BiasesMustBeFinite) {
  std::vector<float> latents(20, 1.0F);
  latents[3] = INFINITY;
  SafetensorsWriter writer;
  set_checkpoint_metadata(writer, Rule{});
  writer.set_metadata("network", "mlp 3-5");
  add_quantized(writer, "layers.0.weight",
                quantize("w", Dtype::kF32, latents.data() + 5, 5, 3, {}));
  writer.add("layers.0.bias", "F32", {5}, std::as_bytes(std::span(latents)).first(20));
  writer.write(dir_ / "net");
  EXPECT_THAT(input_error([&] { DenseNetwork network(dir_ / "net"); }),
              HasSubstr("tensor 'layers.0.bias': element 3 is inf; train the network again"));
}

TEST(ArgmaxRows, TakesTheFirstOfEquals) {
  EXPECT_THAT(argmax_rows(std::vector<float>{1, 3, 3, -1, -2, -1}, 3), ElementsAre(1, 0));
  EXPECT_TRUE(argmax_rows({}, 3).empty());
}

}  // namespace
}  // namespace szt
