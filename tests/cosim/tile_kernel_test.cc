// SPDX-License-Identifier: Apache-2.0
// The kernels of the model's arrays against the definition of the product.
#include "tile_kernel.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <vector>

namespace szt::sim {
namespace {

struct Kernel {
  const char* name;
  std::unique_ptr<TileKernel> (*make)(std::size_t rows, std::size_t cols);
};
constexpr Kernel kKernels[] = {{"Portable", make_portable_tile_kernel},
                               {"Avx2", make_avx2_tile_kernel}};

using Case = std::tuple<std::size_t, std::size_t, std::size_t>;  // kernel, rows, columns

class TileKernelTest : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const auto [index, rows, cols] = GetParam();
    kernel_ = kKernels[index].make(rows, cols);
    if (!kernel_) GTEST_SKIP() << "this processor has no AVX2";
    rows_ = rows;
    cols_ = cols;
    weights_.assign(rows * cols, 0);
  }

  void set_row(std::size_t row, const std::vector<std::int8_t>& weights) {
    kernel_->set_row(row, weights);
    std::copy(weights.begin(), weights.end(), &weights_[row * cols_]);
  }

  // Products of `x` on top of what `sums` held, padding included.
  void check(const std::vector<std::int8_t>& x) {
    const std::size_t vectors = x.size() / rows_;
    const std::size_t stride = kernel_->stride();
    ASSERT_GE(stride, cols_);
    std::vector<std::int32_t> sums(vectors * stride);
    for (std::int32_t& sum : sums) sum = static_cast<std::int32_t>(generator_());
    std::vector<std::int32_t> expected = sums;
    for (std::size_t v = 0; v < vectors; ++v) {
      for (std::size_t c = 0; c < cols_; ++c) {
        std::int64_t sum = sums[v * stride + c];
        for (std::size_t r = 0; r < rows_; ++r) sum += x[v * rows_ + r] * weights_[r * cols_ + c];
        expected[v * stride + c] = static_cast<std::int32_t>(sum);  // modulo 2^32, as the sums
      }
    }
    kernel_->add_products(x.data(), vectors, sums.data());
    EXPECT_EQ(sums, expected);
  }

  std::unique_ptr<TileKernel> kernel_;
  std::size_t rows_ = 0, cols_ = 0;
  std::vector<std::int8_t> weights_;
  std::mt19937_64 generator_{1};
};

TEST_P(TileKernelTest, EqualsTheDefinition) {
  // A second round replaces half of the rows: what was there before must not stay.
  for (std::size_t round = 0; round < 2; ++round) {
    for (std::size_t r = 0; r < rows_; r += round + 1) {
      std::vector<std::int8_t> row(cols_);
      for (std::int8_t& f : row)
        f = static_cast<std::int8_t>(static_cast<int>(generator_() % 3) - 1);
      set_row(r, row);
    }
    for (const std::size_t vectors : {0U, 1U, 2U, 7U}) {
      // Of the exact size, so that a sanitizer sees a read beyond the last vector.
      std::vector<std::int8_t> x(vectors * rows_);
      for (std::int8_t& a : x) a = static_cast<std::int8_t>(generator_());
      check(x);
    }
  }
}

TEST_P(TileKernelTest, HoldsTheLargestSums) {
  for (const int f : {1, -1}) {
    for (std::size_t r = 0; r < rows_; ++r) {
      set_row(r, std::vector<std::int8_t>(cols_, static_cast<std::int8_t>(f)));
    }
    for (const int a : {-128, 127, 0, -1}) {
      check(std::vector<std::int8_t>(3 * rows_, static_cast<std::int8_t>(a)));
    }
  }
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
  const auto& [kernel, rows, cols] = info.param;
  return fmt::format("{}{}x{}", kKernels[kernel].name, rows, cols);
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, TileKernelTest,
    testing::Combine(testing::Range<std::size_t>(0, std::size(kKernels)),
                     testing::Values<std::size_t>(4, 5, 6, 7, 8, 13, 16, 31, 32, 63, 64),
                     testing::Values<std::size_t>(4, 5, 8, 9, 16, 23, 32, 33, 48, 56, 57, 64)),
    case_name);

}  // namespace
}  // namespace szt::sim
