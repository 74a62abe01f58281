// SPDX-License-Identifier: Apache-2.0
#include "szt/encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "szt/error.h"

namespace szt {
namespace {

Code encode_one(float value, std::uint32_t threshold) {
  return encode_f32(std::bit_cast<std::uint32_t>(value), threshold);
}
Code encode_one(Float16 value, std::uint32_t threshold) {
  return encode_f16(value.bits, threshold);
}
Code encode_one(BFloat16 value, std::uint32_t threshold) {
  return encode_bf16(value.bits, threshold);
}
Code encode_one(std::int8_t value, std::uint32_t threshold) { return encode_i8(value, threshold); }
Code encode_one(std::int16_t value, std::uint32_t threshold) {
  return encode_i16(value, threshold);
}

bool is_nan(float value) { return is_nan_f32(std::bit_cast<std::uint32_t>(value)); }
bool is_nan(Float16 value) { return is_nan_f16(value.bits); }
bool is_nan(BFloat16 value) { return is_nan_bf16(value.bits); }
bool is_nan(std::int8_t) { return false; }
bool is_nan(std::int16_t) { return false; }

std::uint32_t integer_threshold(float threshold, std::uint32_t limit) {
  return threshold >= static_cast<float>(limit) ? limit : static_cast<std::uint32_t>(threshold);
}

}  // namespace

std::uint32_t threshold_bits(Dtype dtype, float threshold) {
  if (!std::isfinite(threshold) || threshold < 0) {
    throw InputError(fmt::format(
        "threshold {} is refused; use a finite number that is not negative", threshold));
  }
  threshold = std::fabs(threshold);
  switch (dtype) {
    case Dtype::kF32:
      return std::bit_cast<std::uint32_t>(threshold);
    case Dtype::kF16:
      return float16_toward_zero(threshold).bits;
    case Dtype::kBF16:
      return bfloat16_toward_zero(threshold).bits;
    case Dtype::kI8:
      return integer_threshold(threshold, std::uint32_t{1} << 7);
    case Dtype::kI16:
      break;
  }
  return integer_threshold(threshold, std::uint32_t{1} << 15);
}

void encode(Dtype dtype, const void* weights, std::size_t n, float threshold, Code* out) {
  const std::uint32_t bits = threshold_bits(dtype, threshold);
  visit_latents(dtype, weights, [=](auto latents) {
    bool found_nan = false;
    for (std::size_t i = 0; i < n; ++i) {
      const auto value = latents[i];
      found_nan |= is_nan(value);
      out[i] = encode_one(value, bits);
    }
    if (!found_nan) return;
    std::size_t index = 0;
    while (!is_nan(latents[index])) ++index;
    throw InputError(fmt::format("weight [{}] is NaN, which has no code", index));
  });
}

}  // namespace szt
