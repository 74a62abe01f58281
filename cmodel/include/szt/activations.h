// SPDX-License-Identifier: Apache-2.0
// Symmetric int8 activations: x ~ scale * value, value in -127 .. 127.
//
// scale = absmax / 127 and value = round(x / scale), both float32 with a true division; halves
// round to even, and the value is clamped to +-127 (a subnormal scale is coarse enough to exceed
// it). A row whose scale is 0 (all zeros, or absmax so small that absmax / 127 rounds to 0) has
// values 0.
#ifndef SZT_ACTIVATIONS_H_
#define SZT_ACTIVATIONS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace szt {

enum class Granularity { kPerTensor, kPerRow };

struct QuantizedActivations {
  std::size_t rows;
  std::size_t cols;
  std::vector<std::int8_t> values;  // [rows, cols], row-major
  std::vector<float> scales;        // 1 (kPerTensor) or `rows` (kPerRow) entries
};

// Quantises x [rows, cols], row-major. Throws InputError, starting with `where`, if x has another
// size or, naming [row, col] of the first, holds a NaN or an infinity.
QuantizedActivations quantize_activations(std::string_view where, std::span<const float> x,
                                          std::size_t rows, std::size_t cols,
                                          Granularity granularity);

}  // namespace szt

#endif  // SZT_ACTIVATIONS_H_
