// SPDX-License-Identifier: Apache-2.0
#include "szt/gradient.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "product_kernel.h"
#include "szt/error.h"
#include "szt/printable.h"

namespace szt {
namespace {

constexpr std::size_t kTransposeTile = 64;  // a tile of source and result stays in the first cache

// [rows, cols] into [cols, rows].
std::vector<std::int8_t> transpose(std::span<const std::int8_t> in, std::size_t rows,
                                   std::size_t cols) {
  std::vector<std::int8_t> out(in.size());
  for (std::size_t row = 0; row < rows; row += kTransposeTile) {
    const std::size_t last_row = std::min(rows, row + kTransposeTile);
    for (std::size_t col = 0; col < cols; col += kTransposeTile) {
      const std::size_t last_col = std::min(cols, col + kTransposeTile);
      for (std::size_t i = row; i < last_row; ++i) {
        for (std::size_t j = col; j < last_col; ++j) out[j * rows + i] = in[i * cols + j];
      }
    }
  }
  return out;
}

DecodeBytes decode_bytes(const ZeroShift& shift) {
  std::array<std::int16_t, kCodeCount> values{};
  for (const Code code : kAllCodes) {
    values[static_cast<std::size_t>(code)] =
        static_cast<std::int16_t>(backward_weight_shifted(code, shift));
  }
  return make_decode_bytes(values);
}

void check_size(std::string_view what, std::size_t size, std::string_view row_name,
                std::size_t rows, std::string_view col_name, std::size_t cols) {
  if (is_product(size, rows, cols)) return;
  throw InputError(fmt::format("{} {} do not fill [{} = {}, {} = {}]", size, what, row_name, rows,
                               col_name, cols));
}

}  // namespace

std::string_view name(Surrogate surrogate) {
  switch (surrogate) {
    case Surrogate::kDeadZone:
      return "dead-zone";
    case Surrogate::kSte:
      return "ste";
    case Surrogate::kSzt:
      break;
  }
  return "szt";
}

Surrogate parse_surrogate(std::string_view text) {
  for (const Surrogate surrogate : kAllSurrogates) {
    if (name(surrogate) == text) return surrogate;
  }
  throw InputError(
      fmt::format("surrogate '{}' is unknown; use dead-zone, ste or szt", printable(text)));
}

void check_exact_n(std::size_t n, const ZeroShift& shift) {
  check_zero_shift(shift);
  if (n <= max_exact_n(shift)) return;
  throw InputError(
      fmt::format("an input gradient over N = {} with zero shift {} does not fit int32; N must be "
                  "at most {}",
                  n, to_string(shift), max_exact_n(shift)));
}

void check_exact_m(std::size_t m) {
  if (m <= kMaxExactM) return;
  throw InputError(fmt::format(
      "a latent gradient over M = {} does not fit int32; M must be at most {}", m, kMaxExactM));
}

void input_gradient(std::span<const std::int8_t> dy, std::size_t m, PackedCodesView weights,
                    const ZeroShift& shift, std::span<std::int32_t> g, unsigned threads) {
  check_exact_n(weights.rows(), shift);
  check_size("output gradients", dy.size(), "M", m, "N", weights.rows());
  check_size("input gradients", g.size(), "M", m, "K", weights.cols());
  multiply_codes(dy, m, weights.transpose(), decode_bytes(shift), g, threads);
}

void scale_input_gradient(std::span<const std::int32_t> g, std::size_t m, std::size_t k,
                          std::span<const float> dy_scales, float alpha, const ZeroShift& shift,
                          std::span<float> out) {
  check_zero_shift(shift);
  check_size("input gradients", g.size(), "M", m, "K", k);
  check_size("outputs", out.size(), "M", m, "K", k);
  if (dy_scales.size() != 1 && dy_scales.size() != m) {
    throw InputError(fmt::format("{} scales for {} rows of output gradients; use one, or one a row",
                                 dy_scales.size(), m));
  }
  for (std::size_t row = 0; row < m; ++row) {
    const float dy_scale = dy_scales[dy_scales.size() == 1 ? 0 : row];
    const float scale = (dy_scale * alpha) * backward_unit(shift);
    for (std::size_t i = row * k; i < (row + 1) * k; ++i) {
      out[i] = scale * static_cast<float>(g[i]);
    }
  }
}

void weight_gradient(std::span<const std::int8_t> dy, std::span<const std::int8_t> x, std::size_t m,
                     PackedCodesView weights, Surrogate surrogate, std::span<std::int32_t> dw,
                     unsigned threads) {
  const std::size_t n = weights.rows();
  const std::size_t k = weights.cols();
  check_exact_m(m);
  check_size("output gradients", dy.size(), "M", m, "N", n);
  check_size("activations", x.size(), "M", m, "K", k);
  check_size("latent gradients", dw.size(), "N", n, "K", k);
  multiply_int8(transpose(dy, m, n), n, transpose(x, m, k), k, m, dw, threads);
  if (surrogate != Surrogate::kDeadZone) return;
  std::vector<Code> codes(k);
  for (std::size_t row = 0; row < n; ++row) {
    weights.unpack_row(row, codes.data());
    for (std::size_t col = 0; col < k; ++col) dw[row * k + col] *= slope(surrogate, codes[col]);
  }
}

void scale_weight_gradient(std::span<const std::int32_t> dw, float dy_scale, float x_scale,
                           std::span<float> out) {
  if (out.size() != dw.size()) {
    throw InputError(
        fmt::format("{} latent gradients and {} outputs; use as many", dw.size(), out.size()));
  }
  const float scale = dy_scale * x_scale;
  for (std::size_t i = 0; i < dw.size(); ++i) out[i] = scale * static_cast<float>(dw[i]);
}

}  // namespace szt
