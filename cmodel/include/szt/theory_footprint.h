// SPDX-License-Identifier: Apache-2.0
// Bytes that weights take in several formats, every scale and threshold counted.
//
//   szt        2-bit codes, four a byte; a float32 scale and threshold a tensor
//   bt         the same with the fourth code unused
//   bt-base3   balanced ternary, five a byte (1.6 bits); scale and threshold as szt
//   int4       two a byte, a float32 scale a tensor
//   int4-g128  two a byte, a float16 scale for each 128 of a row
//   int8       a byte each, a float32 scale a tensor
//   fp16, fp32 no scale
//
// Rows begin on a byte and on a group. Names and headers of files are not counted.
#ifndef SZT_THEORY_FOOTPRINT_H_
#define SZT_THEORY_FOOTPRINT_H_

#include <cstdint>
#include <span>
#include <string_view>

namespace szt {

struct StorageFormat {
  std::string_view name;
  unsigned weights_a_block;  // the least number of weights that fill whole bytes
  unsigned bytes_a_block;
  unsigned bytes_a_tensor;  // scale, threshold
  unsigned group;           // weights that share a scale; 0: none
  unsigned bytes_a_group;
};

// All of them, in the order above.
std::span<const StorageFormat> storage_formats();
// nullptr if there is none of that name.
const StorageFormat* find_storage_format(std::string_view name);

struct MatrixShape {
  std::uint64_t rows;
  std::uint64_t cols;
};

struct Footprint {
  std::uint64_t weights;  // bytes
  std::uint64_t scales;   // bytes, thresholds among them

  std::uint64_t total() const { return weights + scales; }
};

// rows * cols up to 2^50 each, and up to 2^10 times that in all.
inline constexpr std::uint64_t kMaxParameters = std::uint64_t{1} << 50;
Footprint footprint(const StorageFormat& format, std::span<const MatrixShape> matrices);

// `parameters` in `tensors` tensors of one row each, as equal as can be.
Footprint footprint(const StorageFormat& format, std::uint64_t parameters, std::uint64_t tensors);
// The most parameters, in as many such tensors, whose footprint is at most `bytes`; 0 if not even
// empty tensors fit.
std::uint64_t parameters_in(const StorageFormat& format, std::uint64_t bytes,
                            std::uint64_t tensors);

}  // namespace szt

#endif  // SZT_THEORY_FOOTPRINT_H_
