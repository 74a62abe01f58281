// SPDX-License-Identifier: Apache-2.0
// The product of a run of vectors with one tile of decoded weights.
#ifndef SZT_SIM_SRC_TILE_KERNEL_H_
#define SZT_SIM_SRC_TILE_KERNEL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace szt::sim {

inline constexpr std::size_t kTileLanes = 8;  // columns are padded to a multiple of this

inline std::size_t padded_cols(std::size_t cols) {
  return (cols + kTileLanes - 1) / kTileLanes * kTileLanes;
}

// Vector extensions of GCC and Clang: left to themselves, compilers vectorise the wrong loop.
using Lanes16 [[gnu::vector_size(kTileLanes * sizeof(std::int16_t))]] = std::int16_t;
using Lanes32 [[gnu::vector_size(kTileLanes * sizeof(std::int32_t))]] = std::int32_t;

// sums[v][c] += x[v][r] * weights[r][c] over all r < rows, for c < kCols. A tile has at most 64
// rows of int8, so its sum fits int16.
template <std::size_t kCols>
void add_products(const std::int8_t* x, std::size_t vectors, std::size_t rows,
                  const std::int16_t* weights, std::int32_t* sums) {
  constexpr std::size_t kParts = kCols / kTileLanes;
  for (std::size_t v = 0; v < vectors; ++v) {
    std::array<Lanes16, kParts> tile{};
    for (std::size_t r = 0; r < rows; ++r) {
      const std::int16_t a = x[v * rows + r];
      for (std::size_t p = 0; p < kParts; ++p) {
        Lanes16 w;
        std::memcpy(&w, weights + r * kCols + p * kTileLanes, sizeof(w));
        tile[p] += a * w;
      }
    }
    for (std::size_t p = 0; p < kParts; ++p) {
      std::int32_t* const to = sums + v * kCols + p * kTileLanes;
      Lanes32 sum;
      std::memcpy(&sum, to, sizeof(sum));
      sum += __builtin_convertvector(tile[p], Lanes32);
      std::memcpy(to, &sum, sizeof(sum));
    }
  }
}

using TileKernel = void (*)(const std::int8_t*, std::size_t, std::size_t, const std::int16_t*,
                            std::int32_t*);

// For an array of 4 to 64 columns.
inline TileKernel tile_kernel(std::size_t cols) {
  constexpr std::array<TileKernel, 8> kKernels = {
      add_products<8>,  add_products<16>, add_products<24>, add_products<32>,
      add_products<40>, add_products<48>, add_products<56>, add_products<64>};
  return kKernels.at(padded_cols(cols) / kTileLanes - 1);
}

}  // namespace szt::sim

#endif  // SZT_SIM_SRC_TILE_KERNEL_H_
