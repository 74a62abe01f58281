// SPDX-License-Identifier: Apache-2.0
#include "product_kernel.h"

#include <algorithm>
#include <vector>

#include "parallel.h"

namespace szt {
namespace {

constexpr std::size_t kLargeProduct = std::size_t{1} << 26;  // multiply-accumulates

// The kernel takes dot products of int16 panels, at most kPanel elements of a row each, which
// compilers turn into multiply-add-pairs instructions. A block of rows of A, widened once, stays in
// the second-level cache while B passes; a few rows of B, widened or decoded once for the block,
// stay in the first. Panels are padded with zeros to whole steps: a loop of fixed length is
// vectorised at -O2 as well.
constexpr std::size_t kStep = 128;
constexpr std::size_t kPanel = 2048;
constexpr std::size_t kBlockRows = 64;
constexpr std::size_t kTileRows = 4;
static_assert(kPanel % kStep == 0 && kStep % kCodesPerByte == 0);

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

// The rows of B as panels. Virtual, not inlined: each loop keeps its registers.
class PanelSource {
 public:
  // Writes elements [first, first + length) of a row, `first` a multiple of kPanel. What it writes
  // behind them, up to whole steps, does not matter: A is 0 there.
  virtual void fill(std::size_t row, std::size_t first, std::size_t length,
                    std::int16_t* out) const = 0;

 protected:
  ~PanelSource() = default;
};

class CodePanels final : public PanelSource {
 public:
  CodePanels(PackedCodesView codes, const DecodeBytes& table) : codes_(codes), table_(table) {}
  void fill(std::size_t row, std::size_t first, std::size_t length,
            std::int16_t* out) const override {
    const std::uint8_t* packed = codes_.row_bytes(row).data() + first / kCodesPerByte;
    const CodeQuad* const table = table_.data();
    for (std::size_t i = 0; i < packed_stride(length); ++i) {
      std::copy_n(table[packed[i]].data(), kCodesPerByte, out + i * kCodesPerByte);
    }
  }

 private:
  PackedCodesView codes_;
  const DecodeBytes& table_;
};

class Int8Panels final : public PanelSource {
 public:
  Int8Panels(std::span<const std::int8_t> values, std::size_t cols)
      : values_(values), cols_(cols) {}
  void fill(std::size_t row, std::size_t first, std::size_t length,
            std::int16_t* out) const override {
    std::copy_n(values_.data() + row * cols_ + first, length, out);
  }

 private:
  std::span<const std::int8_t> values_;
  std::size_t cols_;
};

// Columns [first_col, last_col) of Y = A * B^T, Y being 0 before.
void multiply_columns(std::span<const std::int8_t> a, std::size_t m, const PanelSource& b,
                      std::size_t n, std::size_t k, std::size_t first_col, std::size_t last_col,
                      std::int32_t* y) {
  std::vector<std::int16_t> a_block(std::min(m, kBlockRows) * kPanel);
  std::vector<std::int16_t> b_tile(kTileRows * kPanel);
  for (std::size_t row = 0; row < m; row += kBlockRows) {
    const std::size_t rows = std::min(kBlockRows, m - row);
    for (std::size_t first = 0; first < k; first += kPanel) {
      const std::size_t length = std::min(kPanel, k - first);
      const std::size_t padded = whole_steps(length);
      for (std::size_t i = 0; i < rows; ++i) {
        std::int16_t* panel = a_block.data() + i * kPanel;
        std::copy_n(a.data() + (row + i) * k + first, length, panel);
        std::fill(panel + length, panel + padded, std::int16_t{0});
      }
      for (std::size_t col = first_col; col < last_col; col += kTileRows) {
        const std::size_t cols = std::min(kTileRows, last_col - col);
        for (std::size_t j = 0; j < cols; ++j) {
          b.fill(col + j, first, length, b_tile.data() + j * kPanel);
        }
        for (std::size_t i = 0; i < rows; ++i) {
          for (std::size_t j = 0; j < cols; ++j) {
            y[(row + i) * n + col + j] +=
                dot(a_block.data() + i * kPanel, b_tile.data() + j * kPanel, padded);
          }
        }
      }
    }
  }
}

void multiply(std::span<const std::int8_t> a, std::size_t m, const PanelSource& b, std::size_t n,
              std::size_t k, std::span<std::int32_t> y, unsigned threads) {
  std::fill(y.begin(), y.end(), 0);
  // y.size() * k may wrap only where no machine holds Y and B.
  threads = resolve_threads(threads, y.size() * k, kLargeProduct);
  parallel_for(n, threads, [&](std::size_t first, std::size_t last) {
    multiply_columns(a, m, b, n, k, first, last, y.data());
  });
}

}  // namespace

void multiply_codes(std::span<const std::int8_t> a, std::size_t m, PackedCodesView weights,
                    const DecodeBytes& table, std::span<std::int32_t> y, unsigned threads) {
  multiply(a, m, CodePanels(weights, table), weights.rows(), weights.cols(), y, threads);
}

void multiply_int8(std::span<const std::int8_t> a, std::size_t m, std::span<const std::int8_t> b,
                   std::size_t n, std::size_t k, std::span<std::int32_t> y, unsigned threads) {
  multiply(a, m, Int8Panels(b, k), n, k, y, threads);
}

}  // namespace szt
