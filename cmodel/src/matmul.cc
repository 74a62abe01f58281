// SPDX-License-Identifier: Apache-2.0
#include "szt/matmul.h"

#include <fmt/format.h>

#include <array>

#include "product_kernel.h"
#include "szt/error.h"

namespace szt {
namespace {

constexpr DecodeBytes decode_bytes(DecodeMode mode) {
  std::array<std::int16_t, kCodeCount> values{};
  for (const Code code : kAllCodes) {
    values[static_cast<std::size_t>(code)] = static_cast<std::int16_t>(decode(code, mode));
  }
  return make_decode_bytes(values);
}

constexpr std::array<DecodeBytes, kDecodeModeCount> kDecodeBytes = {
    decode_bytes(DecodeMode::kForward), decode_bytes(DecodeMode::kZeroSign),
    decode_bytes(DecodeMode::kSign)};

void check_shapes(std::span<const std::int8_t> x, std::size_t m, PackedCodesView weights,
                  std::span<std::int32_t> y) {
  const std::size_t k = weights.cols();
  const std::size_t n = weights.rows();
  if (k > kMaxExactK) {
    throw InputError(fmt::format(
        "a matrix product over K = {} does not fit int32; K must be at most {}", k, kMaxExactK));
  }
  if (!is_product(x.size(), m, k)) {
    throw InputError(fmt::format("{} activations do not fill [M = {}, K = {}]", x.size(), m, k));
  }
  if (!is_product(y.size(), m, n)) {
    throw InputError(fmt::format("{} results do not fill [M = {}, N = {}]", y.size(), m, n));
  }
}

}  // namespace

void matmul_reference(std::span<const std::int8_t> x, std::size_t m, PackedCodesView weights,
                      DecodeMode mode, std::span<std::int32_t> y) {
  check_shapes(x, m, weights, y);
  const std::size_t k = weights.cols();
  const std::size_t n = weights.rows();
  for (std::size_t row = 0; row < m; ++row) {
    for (std::size_t col = 0; col < n; ++col) {
      std::int32_t sum = 0;
      for (std::size_t i = 0; i < k; ++i) sum += x[row * k + i] * decode(weights.get(col, i), mode);
      y[row * n + col] = sum;
    }
  }
}

void matmul(std::span<const std::int8_t> x, std::size_t m, PackedCodesView weights, DecodeMode mode,
            std::span<std::int32_t> y, unsigned threads) {
  check_shapes(x, m, weights, y);
  multiply_codes(x, m, weights, kDecodeBytes[static_cast<std::size_t>(mode)], y, threads);
}

void scale_output(std::span<const std::int32_t> y, std::size_t m, std::size_t n,
                  std::span<const float> row_scales, float alpha, std::span<float> out) {
  if (!is_product(y.size(), m, n) || out.size() != y.size()) {
    throw InputError(fmt::format("{} results and {} outputs do not fill [M = {}, N = {}]", y.size(),
                                 out.size(), m, n));
  }
  if (row_scales.size() != 1 && row_scales.size() != m) {
    throw InputError(fmt::format("{} scales for {} rows of activations; use one, or one a row",
                                 row_scales.size(), m));
  }
  for (std::size_t row = 0; row < m; ++row) {
    const float scale = row_scales[row_scales.size() == 1 ? 0 : row] * alpha;
    for (std::size_t col = 0; col < n; ++col) {
      out[row * n + col] = scale * static_cast<float>(y[row * n + col]);
    }
  }
}

}  // namespace szt
