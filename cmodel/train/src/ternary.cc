// SPDX-License-Identifier: Apache-2.0
#include "ternary.h"

#include <array>
#include <bit>
#include <cmath>

#include "szt/code.h"
#include "szt/encoder.h"
#include "szt/gradient.h"
#include "szt/threshold.h"

namespace szt::train {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

Surrogate surrogate(Arm arm) {
  switch (arm) {
    case Arm::kDeadZone:
      return Surrogate::kDeadZone;
    case Arm::kSzt:
    case Arm::kFourLevel:
      return Surrogate::kSzt;
    default:
      return Surrogate::kSte;
  }
}

using CodeValues = std::array<float, kCodeCount>;

CodeValues backward_values(const ZeroShift& shift) {
  CodeValues values{};
  for (const Code code : kAllCodes) {
    values[static_cast<std::size_t>(code)] = backward_weight(code, shift);
  }
  return values;
}

// One pass: the code of every weight and what the two passes make of it.
void fill_planes(const float* weights, std::size_t n, const CodeValues& forward,
                 const CodeValues* backward, Planes& planes) {
  const std::uint32_t threshold = threshold_bits(Dtype::kF32, planes.threshold);
  auto* const codes = planes.codes.data_ptr<std::uint8_t>();
  auto* const f = planes.forward.data_ptr<float>();
  auto* const b = planes.backward.data_ptr<float>();
  for (std::size_t i = 0; i < n; ++i) {
    const auto code =
        static_cast<std::uint8_t>(encode_f32(std::bit_cast<std::uint32_t>(weights[i]), threshold));
    codes[i] = code;
    f[i] = forward[code];
    if (backward != nullptr) b[i] = (*backward)[code];
  }
}

// Gradients of one layer, from what its forward pass kept. `weight` is an input for autograd's
// sake only: the values come from the planes.
class TernaryProduct : public torch::autograd::Function<TernaryProduct> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& /*weight*/, TernaryLayerImpl* layer,
                               bool convolution) {
    const Planes& planes = layer->planes();
    const QuantizedInput input = quantize_input(x);
    context->save_for_backward({input.values, input.scales, planes.forward, planes.backward});
    context->saved_data["scale"] = static_cast<double>(planes.scale);
    context->saved_data["dead_zone"] = surrogate(layer->quantization().arm) == Surrogate::kDeadZone;
    context->saved_data["convolution"] = convolution;
    const torch::Tensor y = convolution
                                ? torch::conv2d(input.values, kernel(planes.forward), {}, 1, 1)
                                : torch::mm(input.values, planes.forward.t());
    return y.mul_(input.scales * planes.scale);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const torch::Tensor& values = saved[0];
    const torch::Tensor& forward = saved[2];
    const torch::Tensor& backward = saved[3];
    const double scale = context->saved_data["scale"].toDouble();
    const bool convolution = context->saved_data["convolution"].toBool();
    const bool needs_dx = context->needs_input_grad(0);
    const torch::Tensor& dy = gradients[0];
    const torch::Tensor scaled_dy = dy * saved[1];

    torch::Tensor dx, dw;
    if (convolution) {
      if (needs_dx) dx = convolution_gradient(dy, values, kernel(backward), {true, false});
      dw = convolution_gradient(scaled_dy, values, kernel(forward), {false, true})
               .reshape(forward.sizes());
    } else {
      if (needs_dx) dx = torch::mm(dy, backward);
      dw = torch::mm(scaled_dy.t(), values);
    }
    if (needs_dx) dx.mul_(scale);
    if (context->saved_data["dead_zone"].toBool()) dw.mul_(forward.abs());
    return {dx, dw, torch::Tensor(), torch::Tensor()};
  }

 private:
  static torch::Tensor kernel(const torch::Tensor& plane) {
    return plane.view({plane.size(0), plane.size(1) / 9, 3, 3});
  }

  // Of the input, or of the weights.
  static torch::Tensor convolution_gradient(const torch::Tensor& dy, const torch::Tensor& x,
                                            const torch::Tensor& w, std::array<bool, 2> which) {
    const auto [dx, dw, db] =
        at::convolution_backward(dy, x, w, c10::nullopt, {1, 1}, {1, 1}, {1, 1}, false, {0, 0}, 1,
                                 {which[0], which[1], false});
    return which[0] ? dx : dw;
  }
};

}  // namespace

QuantizedInput quantize_input(const torch::Tensor& x) {
  const torch::NoGradGuard no_gradient;
  std::vector<std::int64_t> shape(static_cast<std::size_t>(x.dim()), 1);
  shape.front() = x.size(0);
  const torch::Tensor scales = x.abs().flatten(1).amax(1).div_(127.0F).view(shape);
  // A sample of zeros has scale 0: any divisor leaves it 0.
  const torch::Tensor divisor = scales.masked_fill(scales == 0, INFINITY);
  return {(x / divisor).round_().clamp_(-127.0F, 127.0F), scales};
}

TernaryLayerImpl::TernaryLayerImpl(const Quantization& quantization, std::int64_t rows,
                                   std::int64_t cols)
    : quantization_(quantization) {
  // What torch::nn::Linear does, for any arm: the same seed gives the same first weights.
  const double bound = 1 / std::sqrt(static_cast<double>(cols));
  weight = register_parameter("weight", torch::empty({rows, cols}).uniform_(-bound, bound));
  bias = register_parameter("bias", torch::empty({rows}).uniform_(-bound, bound));
}

void TernaryLayerImpl::freeze(float threshold, float scale) {
  frozen_threshold_ = threshold;
  frozen_scale_ = scale;
  planes_version_ = -1;
}

const Planes& TernaryLayerImpl::planes() {
  const std::int64_t version = static_cast<std::int64_t>(weight._version());
  if (version == planes_version_) return planes_;
  planes_version_ = version;

  const float* const weights = weight.data_ptr<float>();
  const auto n = static_cast<std::size_t>(weight.numel());
  if (frozen_threshold_) {
    planes_.threshold = *frozen_threshold_;
    planes_.scale = *frozen_scale_;
  } else {
    const Calibration calibration = calibrate(Dtype::kF32, weights, n, Rule{});
    planes_.threshold = calibration.threshold;
    planes_.scale = calibration.scale;
  }
  const CodeValues backward =
      backward_values(surrogate_zero_shift(surrogate(quantization_.arm), quantization_.zero_shift));
  const CodeValues forward =
      quantization_.arm == Arm::kFourLevel ? backward : backward_values(std::nullopt);
  // New tensors: a backward pass to come may hold the old ones.
  planes_.codes = torch::empty(weight.sizes(), torch::kUInt8);
  planes_.forward = torch::empty(weight.sizes());
  planes_.backward = forward == backward ? planes_.forward : torch::empty(weight.sizes());
  fill_planes(weights, n, forward, forward == backward ? nullptr : &backward, planes_);
  return planes_;
}

TernaryLinearImpl::TernaryLinearImpl(const Quantization& quantization, std::int64_t inputs,
                                     std::int64_t outputs)
    : TernaryLayerImpl(quantization, outputs, inputs) {}

torch::Tensor TernaryLinearImpl::forward(const torch::Tensor& x) {
  if (!quantized()) return torch::linear(x, weight, bias);
  return TernaryProduct::apply(x, weight, this, false) + bias;
}

TernaryConvolutionImpl::TernaryConvolutionImpl(const Quantization& quantization,
                                               std::int64_t inputs, std::int64_t outputs)
    : TernaryLayerImpl(quantization, outputs, 9 * inputs) {}

torch::Tensor TernaryConvolutionImpl::forward(const torch::Tensor& x) {
  if (!quantized()) {
    return torch::conv2d(x, weight.view({weight.size(0), weight.size(1) / 9, 3, 3}), bias, 1, 1);
  }
  return TernaryProduct::apply(x, weight, this, true) + bias.view({1, -1, 1, 1});
}

}  // namespace szt::train
