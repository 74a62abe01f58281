// SPDX-License-Identifier: Apache-2.0
// Latent weights: the numbers that a tensor holds before it is quantised, in five storage formats.
//
// Every value of every format is a float32 value, so to_float() is exact. Tensors are contiguous,
// little-endian, and need not be aligned (a checkpoint maps them at any offset).
#ifndef SZT_LATENT_H_
#define SZT_LATENT_H_

#include <bit>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

namespace szt {

static_assert(std::endian::native == std::endian::little, "tensors are stored little-endian");

enum class Dtype : std::uint8_t { kF32, kF16, kBF16, kI8, kI16 };

// Bytes an element.
std::size_t size_of(Dtype dtype);
// The spelling of safetensors: "F32", "F16", "BF16", "I8", "I16"; find_dtype is the inverse.
std::string_view name(Dtype dtype);
std::optional<Dtype> find_dtype(std::string_view name);

// IEEE 754 binary16 and the upper half of a binary32, as bits.
struct Float16 {
  std::uint16_t bits;
};
struct BFloat16 {
  std::uint16_t bits;
};

// Exact. A NaN stays a NaN, a zero keeps its sign.
float to_float(Float16 value);
inline float to_float(BFloat16 value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16);
}
inline float to_float(float value) { return value; }
inline float to_float(std::int8_t value) { return static_cast<float>(value); }
inline float to_float(std::int16_t value) { return static_cast<float>(value); }

// Rounded toward zero: a finite value too large becomes the largest finite one, one too small a
// zero of the same sign. Inf and NaN stay what they are. In any rounding mode.
float float32_toward_zero(double value);
Float16 float16_toward_zero(float value);
BFloat16 bfloat16_toward_zero(float value);

inline bool is_finite(float value) { return std::isfinite(value); }
inline bool is_finite(Float16 value) { return (value.bits & 0x7C00U) != 0x7C00U; }
inline bool is_finite(BFloat16 value) { return (value.bits & 0x7F80U) != 0x7F80U; }
inline bool is_finite(std::int8_t) { return true; }
inline bool is_finite(std::int16_t) { return true; }

// A tensor's elements as T: float, Float16, BFloat16, int8_t or int16_t.
template <typename T>
class LatentArray {
 public:
  using Element = T;

  explicit LatentArray(const void* data) : data_(static_cast<const std::byte*>(data)) {}
  T operator[](std::size_t index) const {
    T value;
    std::memcpy(&value, data_ + index * sizeof(T), sizeof(T));
    return value;
  }

 private:
  const std::byte* data_;
};

// Calls visitor(LatentArray<T>) with the T of `dtype`, so that a loop over a tensor switches once.
template <typename Visitor>
decltype(auto) visit_latents(Dtype dtype, const void* data, Visitor&& visitor) {
  switch (dtype) {
    case Dtype::kF32:
      return std::forward<Visitor>(visitor)(LatentArray<float>(data));
    case Dtype::kF16:
      return std::forward<Visitor>(visitor)(LatentArray<Float16>(data));
    case Dtype::kBF16:
      return std::forward<Visitor>(visitor)(LatentArray<BFloat16>(data));
    case Dtype::kI8:
      return std::forward<Visitor>(visitor)(LatentArray<std::int8_t>(data));
    case Dtype::kI16:
      break;
  }
  assert(dtype == Dtype::kI16);
  return std::forward<Visitor>(visitor)(LatentArray<std::int16_t>(data));
}

// Element `index` as float32, exactly.
float latent_value(Dtype dtype, const void* data, std::size_t index);

// Index of the first NaN or infinity among n elements.
std::optional<std::size_t> find_nonfinite(Dtype dtype, const void* data, std::size_t n);

}  // namespace szt

#endif  // SZT_LATENT_H_
