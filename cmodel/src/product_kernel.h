// SPDX-License-Identifier: Apache-2.0
// The blocked, threaded products behind matmul.h and gradient.h. Sizes are the callers' to check,
// and that no sum leaves int32; no result depends on `threads` (0: as in matmul.h).
#ifndef SZT_SRC_PRODUCT_KERNEL_H_
#define SZT_SRC_PRODUCT_KERNEL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "szt/code.h"
#include "szt/packed_codes.h"

namespace szt {

// What each code multiplies by, |value| <= 128, for the four codes of every byte.
using CodeQuad = std::array<std::int16_t, kCodesPerByte>;
using DecodeBytes = std::array<CodeQuad, 256>;

constexpr DecodeBytes make_decode_bytes(const std::array<std::int16_t, kCodeCount>& values) {
  DecodeBytes table{};
  for (unsigned byte = 0; byte < table.size(); ++byte) {
    for (unsigned i = 0; i < kCodesPerByte; ++i) table[byte][i] = values[(byte >> (2 * i)) & 3U];
  }
  return table;
}

// y[m, n] = a[m, k] * decoded(weights[n, k])^T.
void multiply_codes(std::span<const std::int8_t> a, std::size_t m, PackedCodesView weights,
                    const DecodeBytes& table, std::span<std::int32_t> y, unsigned threads);

// y[m, n] = a[m, k] * b[n, k]^T.
void multiply_int8(std::span<const std::int8_t> a, std::size_t m, std::span<const std::int8_t> b,
                   std::size_t n, std::size_t k, std::span<std::int32_t> y, unsigned threads);

// size == a * b, where the product may wrap.
constexpr bool is_product(std::size_t size, std::size_t a, std::size_t b) {
  return b == 0 ? size == 0 : size % b == 0 && size / b == a;
}

}  // namespace szt

#endif  // SZT_SRC_PRODUCT_KERNEL_H_
