// SPDX-License-Identifier: Apache-2.0
// Y[m, n] = X[m, k] * d(W[n, k])^T in exact int32, d being one of the three planes of the codes.
//
// X is int8, -128 included; n and k are the rows and columns of W. |Y| <= 128 * k, so int32 is
// exact for k < 2^24; more throws InputError, as do spans of a wrong size. Any of m, n, k may be 0.
// A part of the rows of Y is the same call on a part of X, a part of its columns on W.row_range().
#ifndef SZT_MATMUL_H_
#define SZT_MATMUL_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "szt/code.h"
#include "szt/packed_codes.h"

namespace szt {

inline constexpr std::size_t kMaxExactK = (std::size_t{1} << 24) - 1;

// The definition, as three loops.
void matmul_reference(std::span<const std::int8_t> x, std::size_t m, PackedCodesView weights,
                      DecodeMode mode, std::span<std::int32_t> y);

// The same result, fast. `threads` = 0 uses the machine's for a large product, else one.
void matmul(std::span<const std::int8_t> x, std::size_t m, PackedCodesView weights, DecodeMode mode,
            std::span<std::int32_t> y, unsigned threads = 0);

// out = (row_scale * alpha) * float(y) in float32, in this order, each operation rounded to nearest
// even. y and out are [m, n]; row_scales has 1 or m entries. Throws InputError for other sizes.
void scale_output(std::span<const std::int32_t> y, std::size_t m, std::size_t n,
                  std::span<const float> row_scales, float alpha, std::span<float> out);

}  // namespace szt

#endif  // SZT_MATMUL_H_
