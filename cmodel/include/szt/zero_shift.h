// SPDX-License-Identifier: Apache-2.0
// How much the sign of a zero counts in the backward pass: the backward weight of a code is
// b(q) = f(q) + 2^-k z(q), with the zero shift k in 0 .. 7, or infinite: b = f, plain ternary.
//
// The default is 2: under `twn` the mean |w| inside the dead zone is 0.230 of the scale for
// Gaussian and 0.182 for Laplace weights.
#ifndef SZT_ZERO_SHIFT_H_
#define SZT_ZERO_SHIFT_H_

#include <optional>
#include <string>
#include <string_view>

#include "szt/code.h"

namespace szt {

using ZeroShift = std::optional<unsigned>;  // k; empty: infinite

inline constexpr unsigned kMaxZeroShift = 7;
inline constexpr unsigned kDefaultZeroShift = 2;

// "0" to "7" or "inf"; nothing, or an InputError, for anything else. to_string() is the inverse.
std::optional<ZeroShift> find_zero_shift(std::string_view text);
ZeroShift parse_zero_shift(std::string_view text);
std::string to_string(const ZeroShift& shift);

// Throws InputError for a k above 7.
void check_zero_shift(const ZeroShift& shift);

// 2^k b(q) = 2^k f(q) + z(q), an integer; f(q) for an infinite k. k <= 7.
constexpr int backward_weight_shifted(Code code, const ZeroShift& shift) {
  const int forward = decode(code, DecodeMode::kForward);
  return shift ? forward * (1 << *shift) + decode(code, DecodeMode::kZeroSign) : forward;
}

// 2^-k; 1 for an infinite k. So b(q) = backward_weight_shifted(q) * backward_unit().
constexpr float backward_unit(const ZeroShift& shift) {
  return shift ? 1.0F / static_cast<float>(1U << *shift) : 1.0F;
}

// b(q), exact.
constexpr float backward_weight(Code code, const ZeroShift& shift) {
  return static_cast<float>(backward_weight_shifted(code, shift)) * backward_unit(shift);
}

}  // namespace szt

#endif  // SZT_ZERO_SHIFT_H_
