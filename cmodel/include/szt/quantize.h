// SPDX-License-Identifier: Apache-2.0
// A whole tensor into codes with one threshold and one scale, and back.
#ifndef SZT_QUANTIZE_H_
#define SZT_QUANTIZE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "szt/code.h"
#include "szt/latent.h"
#include "szt/packed_codes.h"
#include "szt/threshold.h"

namespace szt {

struct QuantizedTensor {
  PackedCodes codes;    // [rows, cols], as the latent tensor
  float threshold;      // that the codes were made with
  float scale;          // 0 if nonzero is 0
  Dtype dtype;          // of the latent tensor
  std::size_t nonzero;  // codes +1 and -1
};

// Quantises weights [rows, cols], row-major. Throws InputError, starting with `where` (a file and
// tensor) and naming [row, col] of the first, if one is NaN or infinite. `threads` as calibrate().
QuantizedTensor quantize(std::string_view where, Dtype dtype, const void* weights, std::size_t rows,
                         std::size_t cols, const Rule& rule, unsigned threads = 0);

// Codes of weights [rows, cols] with a threshold that stands: how latents that training has moved
// become codes again. Throws InputError for a NaN or an infinity, as quantize(), and for a
// threshold that is not finite and >= 0.
PackedCodes encode_tensor(std::string_view where, Dtype dtype, const void* weights,
                          std::size_t rows, std::size_t cols, float threshold);

// f * scale as float32 [rows, cols]. The sign bit is the code's, also for zeros (0- is -0.0f) and
// also where the scale is 0; encoding the result with a threshold below the scale gives the codes
// again. Throws InputError unless the scale is finite and >= 0.
std::vector<float> dequantize(PackedCodesView codes, float scale);
inline std::vector<float> dequantize(const QuantizedTensor& tensor) {
  return dequantize(tensor.codes, tensor.scale);
}

// values[code] as float32 [rows, cols].
std::vector<float> map_codes(PackedCodesView codes, const std::array<float, kCodeCount>& values);

// How often each code occurs, indexed by the code's bits; padding does not count.
using CodeHistogram = std::array<std::uint64_t, kCodeCount>;
CodeHistogram histogram(PackedCodesView codes);

// Shannon entropy in bits a symbol of counts (of four codes, or of three with the zeros merged);
// 0 if there are none.
double entropy_bits(std::span<const std::uint64_t> counts);

}  // namespace szt

#endif  // SZT_QUANTIZE_H_
