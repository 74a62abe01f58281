// SPDX-License-Identifier: Apache-2.0
// A multi-layer perceptron with quantised weights, as `szt train` writes it, and its inference in
// the hardware's numbers.
//
// The file is a quantised checkpoint (checkpoint.h) with layers.0.weight, layers.1.weight, ...
// [out, in], each in codes, and layers.0.bias, ... F32 [out], finite; metadata "network" is
// "mlp IN-...-OUT". Between two layers stands a ReLU.
//
// A layer takes float32 [m, in]: each row becomes int8 with a scale of its own (activations.h), the
// device multiplies int8 by codes to int32 Y, and y = (s_row * alpha) * float(Y) + bias, in
// float32, each operation rounded to nearest even.
#ifndef SZT_DENSE_NETWORK_H_
#define SZT_DENSE_NETWORK_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "szt/checkpoint.h"

namespace szt {

class DenseNetwork {
 public:
  struct Layer {
    QuantizedWeights weights;
    std::vector<float> bias;
  };

  // Y [m, out] = x [m, in] * f(codes)^T, exact.
  using Matmul =
      std::function<void(std::size_t layer, std::span<const std::int8_t> x, std::size_t m,
                         PackedCodesView codes, std::span<std::int32_t> y)>;

  // Throws InputError, naming file and tensor, for a file that is not as described above.
  explicit DenseNetwork(const std::filesystem::path& path);
  explicit DenseNetwork(QuantizedCheckpoint checkpoint);

  const std::string& description() const { return description_; }
  std::span<const Layer> layers() const { return layers_; }
  std::size_t inputs() const { return layers_.front().weights.codes.cols(); }
  std::size_t outputs() const { return layers_.back().weights.codes.rows(); }

  // x [m, inputs], row-major -> [m, outputs]. Throws InputError for another size and for a value
  // that is not finite, and what `matmul` throws.
  std::vector<float> forward(std::vector<float> x, std::size_t m, const Matmul& matmul) const;

 private:
  QuantizedCheckpoint checkpoint_;
  std::string description_;
  std::vector<Layer> layers_;
};

// The column of the largest value of each row; the first, if several are.
std::vector<std::size_t> argmax_rows(std::span<const float> scores, std::size_t cols);

}  // namespace szt

#endif  // SZT_DENSE_NETWORK_H_
