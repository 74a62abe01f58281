// SPDX-License-Identifier: Apache-2.0
#include "szt/activations.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "szt/error.h"

namespace szt {
namespace {

constexpr float kLargestValue = 127;

float absmax(std::span<const float> x) {
  float largest = 0;
  for (const float value : x) largest = std::max(largest, std::fabs(value));
  return largest;
}

// Halves to even in any rounding mode, for the difference is exact.
std::int8_t round_and_clamp(float value) {
  const float magnitude = std::min(std::fabs(value), kLargestValue);
  const float below = std::floor(magnitude);
  const float rest = magnitude - below;
  const int integer = static_cast<int>(below);
  const bool up = rest > 0.5F || (rest == 0.5F && integer % 2 != 0);
  const int rounded = integer + (up ? 1 : 0);
  return static_cast<std::int8_t>(value < 0 ? -rounded : rounded);
}

// Returns the scale.
float quantize_group(std::span<const float> x, std::int8_t* values) {
  const float scale = absmax(x) / kLargestValue;
  if (scale == 0) {
    std::fill_n(values, x.size(), std::int8_t{0});
  } else {
    std::transform(x.begin(), x.end(), values,
                   [=](float value) { return round_and_clamp(value / scale); });
  }
  return scale;
}

}  // namespace

QuantizedActivations quantize_activations(std::string_view where, std::span<const float> x,
                                          std::size_t rows, std::size_t cols,
                                          Granularity granularity) {
  if ((cols == 0 && !x.empty()) ||
      (cols != 0 && (x.size() % cols != 0 || x.size() / cols != rows))) {
    throw InputError(
        fmt::format("{}: {} activations do not fill [{}, {}]", where, x.size(), rows, cols));
  }
  const auto bad = std::find_if_not(x.begin(), x.end(), [](float v) { return std::isfinite(v); });
  if (bad != x.end()) {
    const auto index = static_cast<std::size_t>(bad - x.begin());
    throw InputError(fmt::format("{}: activation [{}, {}] is {}; every activation must be finite",
                                 where, index / cols, index % cols, *bad));
  }
  QuantizedActivations result{rows, cols, std::vector<std::int8_t>(x.size()), {}};
  if (granularity == Granularity::kPerTensor) {
    result.scales.push_back(quantize_group(x, result.values.data()));
    return result;
  }
  result.scales.reserve(rows);
  for (std::size_t row = 0; row < rows; ++row) {
    result.scales.push_back(
        quantize_group(x.subspan(row * cols, cols), result.values.data() + row * cols));
  }
  return result;
}

}  // namespace szt
