// SPDX-License-Identifier: Apache-2.0
// The two gradients of Y = alpha * X * f(W)^T from the loss gradient dY, in exact integers and
// scaled to float.
//
//   input gradient   G[m, k]  = 2^shift * (dY[m, n] * f(W[n, k])) + dY * z(W);
//                               dY * f(W) where the zero shift is infinite
//                    dX       = (s_dy * alpha * 2^-shift) * float(G)
//   latent gradient  dW[n, k] = slope(W) . (dY[m, n]^T * X[m, k]), elementwise
//                    dW float = (s_dy * s_x) * float(dW), without alpha
//
// The input gradient goes through the backward weight b = f + 2^-shift z (zero_shift.h); the latent
// one is that of X * W^T, which a surrogate passes or blocks inside the dead zone. Threshold and
// scale are constants. Uhlmann, arXiv 2508.05905, gives the zeros a sign; b and the exact integers
// are this project's.
//
// dY and X are int8, -128 included, with the scales s_dy and s_x. Each |G| <= 2^(7 + shift) * n, so
// int32 is exact for n < 2^(24 - shift); |dW| <= 2^14 * m, exact for m < 2^17. More throws
// InputError, as do spans of a wrong size and a zero shift above 7, before anything is written. Any
// of m, n, k may be 0. `threads` = 0 uses the machine's for large work, else one; no result depends
// on it.
#ifndef SZT_GRADIENT_H_
#define SZT_GRADIENT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "szt/code.h"
#include "szt/packed_codes.h"
#include "szt/zero_shift.h"

namespace szt {

// What a latent weight's gradient is multiplied by.
//
//   surrogate   +1, -1   0+, 0-   backward weight
//   dead-zone   1        0        f: plain ternary as the paper criticises it
//   ste         1        1        f: plain straight-through, as in BitNet
//   szt         1        1        f + 2^-shift z
//
// szt and ste have the same latent gradient; only the input gradient tells them apart.
enum class Surrogate { kDeadZone, kSte, kSzt };

inline constexpr std::array<Surrogate, 3> kAllSurrogates = {Surrogate::kDeadZone, Surrogate::kSte,
                                                            Surrogate::kSzt};

// "dead-zone", "ste", "szt"; parse_surrogate throws InputError, listing them, for another.
std::string_view name(Surrogate surrogate);
Surrogate parse_surrogate(std::string_view text);

constexpr int slope(Surrogate surrogate, Code code) {
  return surrogate != Surrogate::kDeadZone || magnitude_bit(code) ? 1 : 0;
}

// The zero shift of a surrogate's backward weight: `szt_shift` for szt, else infinite.
constexpr ZeroShift surrogate_zero_shift(Surrogate surrogate, const ZeroShift& szt_shift) {
  return surrogate == Surrogate::kSzt ? szt_shift : std::nullopt;
}

// The largest n of an exact input gradient, and the largest m of an exact latent gradient.
constexpr std::size_t max_exact_n(const ZeroShift& shift) {
  return (std::size_t{1} << (24 - shift.value_or(0))) - 1;
}
inline constexpr std::size_t kMaxExactM = (std::size_t{1} << 17) - 1;

// Throw InputError for a zero shift above 7 or an n beyond its max_exact_n(), and for an m beyond
// kMaxExactM.
void check_exact_n(std::size_t n, const ZeroShift& shift);
void check_exact_m(std::size_t m);

// Writes g [m, k]. dy is [m, n], weights [n, k].
void input_gradient(std::span<const std::int8_t> dy, std::size_t m, PackedCodesView weights,
                    const ZeroShift& shift, std::span<std::int32_t> g, unsigned threads = 0);

// out = ((s_dy * alpha) * 2^-shift) * float(g) in float32, in this order, each operation rounded to
// nearest even; an infinite shift leaves its factor out. g and out are [m, k]; dy_scales has 1 or m
// entries.
void scale_input_gradient(std::span<const std::int32_t> g, std::size_t m, std::size_t k,
                          std::span<const float> dy_scales, float alpha, const ZeroShift& shift,
                          std::span<float> out);

// Writes dw [n, k]. dy is [m, n], x [m, k], weights [n, k]. Rows of dw are the same call on the
// columns of dy and weights.row_range().
void weight_gradient(std::span<const std::int8_t> dy, std::span<const std::int8_t> x, std::size_t m,
                     PackedCodesView weights, Surrogate surrogate, std::span<std::int32_t> dw,
                     unsigned threads = 0);

// out = (s_dy * s_x) * float(dw) in float32, in this order. One scale a tensor: scales a row cannot
// be taken out of the sum over rows.
void scale_weight_gradient(std::span<const std::int32_t> dw, float dy_scale, float x_scale,
                           std::span<float> out);

}  // namespace szt

#endif  // SZT_GRADIENT_H_
