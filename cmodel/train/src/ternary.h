// SPDX-License-Identifier: Apache-2.0
// Layers whose weights libszt quantises.
#ifndef SZT_TRAIN_SRC_TERNARY_H_
#define SZT_TRAIN_SRC_TERNARY_H_

#include <cstdint>
#include <optional>
#include <string>

#include "szt/train/training.h"
#include "torch.h"

namespace szt::train {

// A weight tensor as the two passes see it.
struct Planes {
  torch::Tensor codes;     // uint8 [rows, cols]: szt::Code
  torch::Tensor forward;   // float32 [rows, cols]
  torch::Tensor backward;  // the same tensor as `forward` where they are equal
  float threshold = 0;
  float scale = 0;
};

struct Quantization {
  Arm arm = Arm::kSzt;
  ZeroShift zero_shift = kDefaultZeroShift;
};

// x [samples, ...] as whole numbers -127 .. 127 in float32, and the scale of each sample [samples,
// 1, ...]: szt::quantize_activations() a row, to the bit.
struct QuantizedInput {
  torch::Tensor values, scales;
};
QuantizedInput quantize_input(const torch::Tensor& x);

// A weight matrix [rows, cols] and what multiplies with it.
class TernaryLayerImpl : public torch::nn::Module {
 public:
  // What the forward pass multiplies with; made again only when the weights have changed.
  const Planes& planes();

  std::size_t rows() const { return static_cast<std::size_t>(weight.size(0)); }
  std::size_t cols() const { return static_cast<std::size_t>(weight.size(1)); }

  // Threshold and scale stand from here on.
  void freeze(float threshold, float scale);
  bool quantized() const { return quantization_.arm != Arm::kFloat32; }
  const Quantization& quantization() const { return quantization_; }

  torch::Tensor weight;  // float32 [rows, cols]: the latents
  torch::Tensor bias;    // float32 [rows]

 protected:
  TernaryLayerImpl(const Quantization& quantization, std::int64_t rows, std::int64_t cols);

 private:
  Quantization quantization_;
  std::optional<float> frozen_threshold_, frozen_scale_;
  Planes planes_;
  std::int64_t planes_version_ = -1;
};

// x [samples, cols] -> [samples, rows]. With quantised weights the products are whole numbers below
// 2^24, so that float32 holds them exactly, in any order: the array's results, bit for bit.
class TernaryLinearImpl : public TernaryLayerImpl {
 public:
  TernaryLinearImpl(const Quantization& quantization, std::int64_t inputs, std::int64_t outputs);
  torch::Tensor forward(const torch::Tensor& x);
};
TORCH_MODULE(TernaryLinear);

// 3x3, stride 1, padding 1; x [samples, channels, h, w]. cols = 9 * channels, in the order
// (channel, row, column) of an im2col.
class TernaryConvolutionImpl : public TernaryLayerImpl {
 public:
  TernaryConvolutionImpl(const Quantization& quantization, std::int64_t inputs,
                         std::int64_t outputs);
  torch::Tensor forward(const torch::Tensor& x);
};
TORCH_MODULE(TernaryConvolution);

}  // namespace szt::train

#endif  // SZT_TRAIN_SRC_TERNARY_H_
