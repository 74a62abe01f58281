// SPDX-License-Identifier: Apache-2.0
#include "tile_kernel.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

namespace szt::sim {
namespace {

constexpr std::size_t kLanes = 8;

// Vector extensions of GCC and Clang: left to themselves, compilers vectorise the wrong loop.
using Lanes16 [[gnu::vector_size(kLanes * sizeof(std::int16_t))]] = std::int16_t;
using Lanes32 [[gnu::vector_size(kLanes * sizeof(std::int32_t))]] = std::int32_t;

// A tile has at most 64 rows of int8, so its sum fits int16.
template <std::size_t kCols>
void add_tile(const std::int8_t* x, std::size_t vectors, std::size_t rows,
              const std::int16_t* weights, std::int32_t* sums) {
  constexpr std::size_t kParts = kCols / kLanes;
  for (std::size_t v = 0; v < vectors; ++v) {
    std::array<Lanes16, kParts> tile{};
    for (std::size_t r = 0; r < rows; ++r) {
      const std::int16_t a = x[v * rows + r];
      for (std::size_t p = 0; p < kParts; ++p) {
        Lanes16 w;
        std::memcpy(&w, weights + r * kCols + p * kLanes, sizeof(w));
        tile[p] += a * w;
      }
    }
    for (std::size_t p = 0; p < kParts; ++p) {
      std::int32_t* const to = sums + v * kCols + p * kLanes;
      Lanes32 sum;
      std::memcpy(&sum, to, sizeof(sum));
      sum += __builtin_convertvector(tile[p], Lanes32);
      std::memcpy(to, &sum, sizeof(sum));
    }
  }
}

using AddTile = void (*)(const std::int8_t*, std::size_t, std::size_t, const std::int16_t*,
                         std::int32_t*);

constexpr std::array<AddTile, 8> kAddTile = {add_tile<8>,  add_tile<16>, add_tile<24>,
                                             add_tile<32>, add_tile<40>, add_tile<48>,
                                             add_tile<56>, add_tile<64>};

class PortableTileKernel final : public TileKernel {
 public:
  PortableTileKernel(std::size_t rows, std::size_t cols)
      : TileKernel((cols + kLanes - 1) / kLanes * kLanes),
        rows_(rows),
        add_tile_(kAddTile.at(stride() / kLanes - 1)),
        weights_(rows * stride()) {}

  void set_row(std::size_t row, std::span<const std::int8_t> weights) override {
    std::copy(weights.begin(), weights.end(), &weights_[row * stride()]);
  }

  void add_products(const std::int8_t* x, std::size_t vectors, std::int32_t* sums) const override {
    add_tile_(x, vectors, rows_, weights_.data(), sums);
  }

 private:
  std::size_t rows_;
  AddTile add_tile_;
  std::vector<std::int16_t> weights_;  // [rows, stride]
};

}  // namespace

std::unique_ptr<TileKernel> make_portable_tile_kernel(std::size_t rows, std::size_t cols) {
  return std::make_unique<PortableTileKernel>(rows, cols);
}

std::unique_ptr<TileKernel> make_tile_kernel(std::size_t rows, std::size_t cols) {
  std::unique_ptr<TileKernel> kernel = make_avx2_tile_kernel(rows, cols);
  return kernel ? std::move(kernel) : make_portable_tile_kernel(rows, cols);
}

}  // namespace szt::sim
