// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <vector>

#include "szt/matmul.h"
#include "szt/quantize.h"

int main() {
  const std::vector<float> weights = {1.0F, -0.0F, -2.0F, 0.1F, 0.0F, 3.0F};
  const szt::QuantizedTensor tensor = szt::quantize("weights", szt::Dtype::kF32, weights.data(), 2,
                                                    3, szt::parse_rule("fixed:0.5"));
  const std::vector<std::int8_t> x = {10, 20, 30};
  std::vector<std::int32_t> y(2);
  szt::matmul(x, 1, tensor.codes, szt::DecodeMode::kForward, y);
  std::printf("y = %d %d, scale = %g\n", y[0], y[1], static_cast<double>(tensor.scale));
  return y[0] == 10 - 30 && y[1] == 30 && tensor.scale == 2.0F ? 0 : 1;
}
