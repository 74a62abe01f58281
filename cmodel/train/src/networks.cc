// SPDX-License-Identifier: Apache-2.0
#include "networks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace szt::train {

template <typename LayerHolder>
LayerHolder Network::add(const std::string& name, LayerHolder layer) {
  std::string registered = name;
  std::replace(registered.begin(), registered.end(), '.', '_');
  layers_.emplace_back(name, layer.ptr());
  return register_module(registered, layer);
}

namespace {

class Mlp final : public Network {
 public:
  explicit Mlp(const Quantization& quantization) {
    for (std::size_t i = 0; i + 1 < kWidths.size(); ++i) {
      linear_.push_back(add(fmt::format("layers.{}", i),
                            TernaryLinear(quantization, kWidths[i], kWidths[i + 1])));
    }
  }

  torch::Tensor forward(const torch::Tensor& images) override {
    torch::Tensor x = images.flatten(1);
    for (std::size_t i = 0; i < linear_.size(); ++i) {
      x = linear_[i](x);
      if (i + 1 < linear_.size()) x = x.relu_();
    }
    return x;
  }

  std::string description() const override {
    return fmt::format("mlp {}", fmt::join(kWidths, "-"));
  }

 private:
  static constexpr std::array<std::int64_t, 4> kWidths = {784, 256, 256, 10};
  std::vector<TernaryLinear> linear_;
};

class Cnn final : public Network {
 public:
  explicit Cnn(const Quantization& quantization)
      : convolution1_(add("convolutions.0", TernaryConvolution(quantization, 1, 32))),
        convolution2_(add("convolutions.1", TernaryConvolution(quantization, 32, 64))),
        linear1_(add("layers.0", TernaryLinear(quantization, 64 * 7 * 7, 128))),
        linear2_(add("layers.1", TernaryLinear(quantization, 128, 10))) {}

  torch::Tensor forward(const torch::Tensor& images) override {
    torch::Tensor x = torch::max_pool2d(convolution1_(images).relu_(), 2);
    x = torch::max_pool2d(convolution2_(x).relu_(), 2);
    return linear2_(linear1_(x.flatten(1)).relu_());
  }

  std::string description() const override { return "cnn c32-p-c64-p-3136-128-10"; }

 private:
  TernaryConvolution convolution1_, convolution2_;
  TernaryLinear linear1_, linear2_;
};

// Pre-norm blocks; embeddings, norms, attention and the output scores are float.
class Transformer final : public Network {
 public:
  Transformer(const Quantization& quantization, std::size_t characters)
      : embedding_(register_module(
            "embedding", torch::nn::Embedding(static_cast<std::int64_t>(characters), kWidth))),
        position_(register_parameter("position", torch::randn({kTextContext, kWidth}).mul_(0.02))),
        norm_(register_module("norm", make_norm())),
        head_(register_module("head",
                              torch::nn::Linear(kWidth, static_cast<std::int64_t>(characters)))) {
    torch::nn::init::normal_(embedding_->weight, 0, 0.02);
    for (std::int64_t i = 0; i < kBlocks; ++i) {
      const std::string name = fmt::format("blocks.{}", i);
      blocks_.push_back({register_module(fmt::format("norm1_{}", i), make_norm()),
                         register_module(fmt::format("norm2_{}", i), make_norm()),
                         add(name + ".qkv", TernaryLinear(quantization, kWidth, 3 * kWidth)),
                         add(name + ".projection", TernaryLinear(quantization, kWidth, kWidth)),
                         add(name + ".up", TernaryLinear(quantization, kWidth, 4 * kWidth)),
                         add(name + ".down", TernaryLinear(quantization, 4 * kWidth, kWidth))});
    }
    mask_ = torch::full({kTextContext, kTextContext}, -INFINITY).triu_(1);
  }

  torch::Tensor forward(const torch::Tensor& text) override {
    const std::int64_t samples = text.size(0);
    const std::int64_t length = text.size(1);
    // A row of every matrix is a character, with an activation scale of its own.
    torch::Tensor x = (embedding_(text) + position_.slice(0, 0, length)).flatten(0, 1);
    for (Block& block : blocks_) {
      x = x + block.projection(attend(block.qkv(block.norm1(x)), samples, length));
      x = x + block.down(torch::gelu(block.up(block.norm2(x))));
    }
    return head_(norm_(x));
  }

  std::string description() const override {
    return fmt::format("transformer {} blocks, {} heads, width {}, context {}, {} characters",
                       kBlocks, kHeads, kWidth, kTextContext, embedding_->weight.size(0));
  }

 private:
  static constexpr std::int64_t kWidth = 128, kHeads = 4, kBlocks = 4;

  struct Block {
    torch::nn::LayerNorm norm1, norm2;
    TernaryLinear qkv, projection, up, down;
  };

  static torch::nn::LayerNorm make_norm() {
    return torch::nn::LayerNorm(torch::nn::LayerNormOptions({kWidth}));
  }

  // qkv [samples * length, 3 * width] -> [samples * length, width].
  torch::Tensor attend(const torch::Tensor& qkv, std::int64_t samples, std::int64_t length) {
    const torch::Tensor heads =
        qkv.view({samples, length, 3, kHeads, kWidth / kHeads}).permute({2, 0, 3, 1, 4});
    const double factor = 1 / std::sqrt(static_cast<double>(kWidth / kHeads));
    const torch::Tensor scores = torch::matmul(heads[0] * factor, heads[1].transpose(-2, -1)) +
                                 mask_.slice(0, 0, length).slice(1, 0, length);
    return torch::matmul(scores.softmax(-1), heads[2]).transpose(1, 2).reshape({-1, kWidth});
  }

  torch::nn::Embedding embedding_;
  torch::Tensor position_;
  torch::nn::LayerNorm norm_;
  torch::nn::Linear head_;
  std::vector<Block> blocks_;
  torch::Tensor mask_;
};

}  // namespace

std::shared_ptr<Network> make_network(Task task, const Quantization& quantization,
                                      std::size_t characters) {
  switch (task) {
    case Task::kFashionMlp:
      return std::make_shared<Mlp>(quantization);
    case Task::kFashionCnn:
      return std::make_shared<Cnn>(quantization);
    case Task::kText:
      break;
  }
  return std::make_shared<Transformer>(quantization, characters);
}

}  // namespace szt::train
