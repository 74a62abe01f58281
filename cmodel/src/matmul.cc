// SPDX-License-Identifier: Apache-2.0
#include "szt/matmul.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "parallel.h"
#include "szt/error.h"

namespace szt {
namespace {

constexpr std::size_t kLargeProduct = std::size_t{1} << 26;  // multiply-accumulates

// The kernel takes dot products of int16 panels, at most kPanel elements of a row each, which
// compilers turn into multiply-add-pairs instructions. A block of rows of X, widened once, stays in
// the second-level cache while the weights pass; a few rows of W, decoded once for the block, stay
// in the first. Panels are padded with zeros to whole steps: a loop of fixed length is vectorised
// at -O2 as well.
constexpr std::size_t kStep = 128;
constexpr std::size_t kPanel = 2048;
constexpr std::size_t kBlockRows = 64;
constexpr std::size_t kWeightRows = 4;
static_assert(kPanel % kStep == 0 && kStep % kCodesPerByte == 0);

using CodeQuad = std::array<std::int16_t, kCodesPerByte>;

// The four plane values of a byte of codes.
constexpr std::array<CodeQuad, 256> make_decode_bytes(DecodeMode mode) {
  std::array<CodeQuad, 256> table{};
  for (unsigned byte = 0; byte < table.size(); ++byte) {
    for (unsigned i = 0; i < kCodesPerByte; ++i) {
      table[byte][i] =
          static_cast<std::int16_t>(decode(static_cast<Code>((byte >> (2 * i)) & 3U), mode));
    }
  }
  return table;
}

constexpr std::array<std::array<CodeQuad, 256>, kDecodeModeCount> kDecodeBytes = {
    make_decode_bytes(DecodeMode::kForward), make_decode_bytes(DecodeMode::kZeroSign),
    make_decode_bytes(DecodeMode::kSign)};

// size == a * b, where the product may wrap.
bool is_product(std::size_t size, std::size_t a, std::size_t b) {
  return b == 0 ? size == 0 : size % b == 0 && size / b == a;
}

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

std::size_t whole_steps(std::size_t length) { return (length + kStep - 1) / kStep * kStep; }

std::int32_t dot(const std::int16_t* a, const std::int16_t* b, std::size_t length) {
  std::int32_t sum = 0;
  for (std::size_t base = 0; base < length; base += kStep) {
    std::int32_t step = 0;
    for (std::size_t i = 0; i < kStep; ++i) step += a[base + i] * b[base + i];
    sum += step;
  }
  return sum;
}

// Codes [first, first + length) of a row, `first` a multiple of four. Padding codes may decode to
// nonzero values; the activations there are 0.
void decode_panel(std::span<const std::uint8_t> row, std::size_t first, std::size_t length,
                  const std::array<CodeQuad, 256>& table, std::int16_t* out) {
  const std::uint8_t* packed = row.data() + first / kCodesPerByte;
  for (std::size_t i = 0; i < packed_stride(length); ++i) {
    std::copy_n(table[packed[i]].data(), kCodesPerByte, out + i * kCodesPerByte);
  }
}

// Columns [first_col, last_col) of Y, which are 0 before.
void multiply_columns(std::span<const std::int8_t> x, std::size_t m, PackedCodesView weights,
                      DecodeMode mode, std::size_t first_col, std::size_t last_col,
                      std::int32_t* y) {
  const std::size_t k = weights.cols();
  const std::size_t n = weights.rows();
  const auto& table = kDecodeBytes[static_cast<std::size_t>(mode)];
  std::vector<std::int16_t> x_block(std::min(m, kBlockRows) * kPanel);
  std::vector<std::int16_t> w_tile(kWeightRows * kPanel);
  for (std::size_t row = 0; row < m; row += kBlockRows) {
    const std::size_t rows = std::min(kBlockRows, m - row);
    for (std::size_t first = 0; first < k; first += kPanel) {
      const std::size_t length = std::min(kPanel, k - first);
      const std::size_t padded = whole_steps(length);
      for (std::size_t i = 0; i < rows; ++i) {
        std::int16_t* panel = x_block.data() + i * kPanel;
        std::copy_n(x.data() + (row + i) * k + first, length, panel);
        std::fill(panel + length, panel + padded, std::int16_t{0});
      }
      for (std::size_t col = first_col; col < last_col; col += kWeightRows) {
        const std::size_t cols = std::min(kWeightRows, last_col - col);
        for (std::size_t j = 0; j < cols; ++j) {
          decode_panel(weights.row_bytes(col + j), first, length, table,
                       w_tile.data() + j * kPanel);
        }
        for (std::size_t i = 0; i < rows; ++i) {
          for (std::size_t j = 0; j < cols; ++j) {
            y[(row + i) * n + col + j] +=
                dot(x_block.data() + i * kPanel, w_tile.data() + j * kPanel, padded);
          }
        }
      }
    }
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
  std::fill(y.begin(), y.end(), 0);
  // y.size() * k may wrap only where no machine holds Y and W.
  threads = resolve_threads(threads, y.size() * weights.cols(), kLargeProduct);
  parallel_for(weights.rows(), threads, [&](std::size_t first, std::size_t last) {
    multiply_columns(x, m, weights, mode, first, last, y.data());
  });
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
