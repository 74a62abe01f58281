// SPDX-License-Identifier: Apache-2.0
#include "szt/latent.h"

#include <limits>

namespace szt {
namespace {

constexpr std::uint32_t kF32Magnitude = 0x7FFFFFFF;
constexpr std::uint32_t kF32Infinity = 0x7F800000;
constexpr int kF32MantissaBits = 23;
constexpr int kF16MantissaBits = 10;
constexpr int kMantissaDifference = kF32MantissaBits - kF16MantissaBits;
constexpr std::uint32_t kBiasDifference = 127 - 15;

}  // namespace

std::size_t size_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF32:
      return 4;
    case Dtype::kF16:
    case Dtype::kBF16:
    case Dtype::kI16:
      return 2;
    case Dtype::kI8:
      break;
  }
  return 1;
}

std::string_view name(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF32:
      return "F32";
    case Dtype::kF16:
      return "F16";
    case Dtype::kBF16:
      return "BF16";
    case Dtype::kI8:
      return "I8";
    case Dtype::kI16:
      break;
  }
  return "I16";
}

std::optional<Dtype> find_dtype(std::string_view name_of_dtype) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kF16, Dtype::kBF16, Dtype::kI8, Dtype::kI16}) {
    if (name(dtype) == name_of_dtype) return dtype;
  }
  return std::nullopt;
}

float to_float(Float16 value) {
  const std::uint32_t sign = static_cast<std::uint32_t>(value.bits & 0x8000U) << 16;
  const std::uint32_t exponent = (value.bits >> kF16MantissaBits) & 0x1FU;
  const std::uint32_t mantissa = value.bits & 0x3FFU;
  std::uint32_t magnitude = 0;
  if (exponent == 0x1F) {
    magnitude = kF32Infinity | (mantissa << kMantissaDifference);
  } else if (exponent != 0) {
    magnitude =
        ((exponent + kBiasDifference) << kF32MantissaBits) | (mantissa << kMantissaDifference);
  } else {
    magnitude = std::bit_cast<std::uint32_t>(static_cast<float>(mantissa) * 0x1p-24F);
  }
  return std::bit_cast<float>(sign | magnitude);
}

float float32_toward_zero(double value) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  if (!std::isfinite(value)) return static_cast<float>(value);
  if (std::fabs(value) >= static_cast<double>(kLargest)) {
    return value < 0 ? -kLargest : kLargest;
  }
  const float near = static_cast<float>(value);
  if (std::fabs(static_cast<double>(near)) <= std::fabs(value)) return near;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(near) - 1);
}

Float16 float16_toward_zero(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000U;
  const std::uint32_t exponent = (bits & kF32Magnitude) >> kF32MantissaBits;
  const std::uint32_t mantissa = bits & 0x7FFFFFU;
  std::uint32_t magnitude = 0;
  if (exponent == 0xFF) {
    // The quiet bit keeps a NaN whose payload is all in the lost bits from becoming an infinity.
    magnitude = mantissa == 0 ? 0x7C00U : 0x7E00U | (mantissa >> kMantissaDifference);
  } else if (exponent >= kBiasDifference + 0x1F) {
    magnitude = 0x7BFF;
  } else if (exponent > kBiasDifference) {
    magnitude =
        ((exponent - kBiasDifference) << kF16MantissaBits) | (mantissa >> kMantissaDifference);
  } else if (exponent + kF16MantissaBits >= kBiasDifference) {  // a subnormal
    const std::uint32_t significand = mantissa | (1U << kF32MantissaBits);
    magnitude = significand >> (kMantissaDifference + 1 + kBiasDifference - exponent);
  }
  return {static_cast<std::uint16_t>(sign | magnitude)};
}

BFloat16 bfloat16_toward_zero(float value) {
  const std::uint32_t quiet = std::isnan(value) ? 0x40U : 0U;
  return {static_cast<std::uint16_t>((std::bit_cast<std::uint32_t>(value) >> 16) | quiet)};
}

float latent_value(Dtype dtype, const void* data, std::size_t index) {
  return visit_latents(dtype, data, [=](auto latents) { return to_float(latents[index]); });
}

std::optional<std::size_t> find_nonfinite(Dtype dtype, const void* data, std::size_t n) {
  return visit_latents(dtype, data, [=](auto latents) -> std::optional<std::size_t> {
    for (std::size_t i = 0; i < n; ++i) {
      if (!is_finite(latents[i])) return i;
    }
    return std::nullopt;
  });
}

}  // namespace szt
