// SPDX-License-Identifier: Apache-2.0
// The encoder Q(w; threshold) from a latent weight to a signed-zero ternary code.
//
//   w > threshold: +1    0 <= w <= threshold: 0+    -threshold <= w < 0: 0-    w < -threshold: -1
//
// (Uhlmann, arXiv 2508.05905.) Here the sign is the IEEE sign bit, so that -0.0 is 0-: a tensor
// that was dequantised into floats encodes to the same codes again. The magnitude bit is |w| >
// threshold, an integer comparison of the bits below the sign; this is what the RTL does, bit for
// bit.
#ifndef SZT_ENCODER_H_
#define SZT_ENCODER_H_

#include <cstddef>
#include <cstdint>

#include "szt/code.h"
#include "szt/latent.h"

namespace szt {

// The threshold as the encoder of `dtype` compares with it. F32, F16, BF16: the magnitude bits of
// the threshold rounded toward zero into that format, which leaves the set of w with |w| >
// threshold as it was. I8, I16: min(floor(threshold), 2^(N-1)); at 2^(N-1) not even INT_MIN exceeds
// it. Throws InputError unless the threshold is finite and >= 0. -0.0f counts as 0.
std::uint32_t threshold_bits(Dtype dtype, float threshold);

// One weight against threshold_bits() of its format. Infinities give +1 and -1. A NaN gives the
// code of its sign bit with magnitude 1, as in the RTL; is_nan_* tells.
constexpr Code encode_f32(std::uint32_t bits, std::uint32_t threshold) {
  return make_code((bits >> 31) != 0, (bits & 0x7FFFFFFFU) > threshold);
}
constexpr Code encode_f16(std::uint16_t bits, std::uint32_t threshold) {
  return make_code((bits >> 15) != 0, (bits & 0x7FFFU) > threshold);
}
constexpr Code encode_bf16(std::uint16_t bits, std::uint32_t threshold) {
  return make_code((bits >> 15) != 0, (bits & 0x7FFFU) > threshold);
}
constexpr Code encode_i16(std::int16_t value, std::uint32_t threshold) {
  const bool negative = value < 0;
  const int wide = value;  // |INT16_MIN| does not wrap
  const auto magnitude = static_cast<std::uint32_t>(negative ? -wide : wide);
  return make_code(negative, magnitude > threshold);
}
constexpr Code encode_i8(std::int8_t value, std::uint32_t threshold) {
  return encode_i16(value, threshold);
}

constexpr bool is_nan_f32(std::uint32_t bits) { return (bits & 0x7FFFFFFFU) > 0x7F800000U; }
constexpr bool is_nan_f16(std::uint16_t bits) { return (bits & 0x7FFFU) > 0x7C00U; }
constexpr bool is_nan_bf16(std::uint16_t bits) { return (bits & 0x7FFFU) > 0x7F80U; }

// Codes of n weights. Throws InputError, with the index of the first, if one is NaN, and as
// threshold_bits() does; `out` is then unspecified.
void encode(Dtype dtype, const void* weights, std::size_t n, float threshold, Code* out);

}  // namespace szt

#endif  // SZT_ENCODER_H_
