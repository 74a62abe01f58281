// SPDX-License-Identifier: Apache-2.0
// The product of a run of vectors with one tile of decoded weights.
#ifndef SZT_SIM_SRC_TILE_KERNEL_H_
#define SZT_SIM_SRC_TILE_KERNEL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace szt::sim {

// Holds the weights f[r][c] of an array of 4 to 64 rows and columns, in the layout that suits it;
// all 0 at first.
class TileKernel {
 public:
  virtual ~TileKernel() = default;

  // Sums that a vector has: the columns, padded. Those of the padding are 0.
  std::size_t stride() const { return stride_; }

  // f[row][c] = weights[c], each -1, 0 or 1, for every column.
  virtual void set_row(std::size_t row, std::span<const std::int8_t> weights) = 0;

  // sums[v * stride() + c] += x[v * rows + r] * f[r][c], summed over r, for v < vectors.
  virtual void add_products(const std::int8_t* x, std::size_t vectors,
                            std::int32_t* sums) const = 0;

 protected:
  explicit TileKernel(std::size_t stride) : stride_(stride) {}

 private:
  std::size_t stride_;
};

std::unique_ptr<TileKernel> make_portable_tile_kernel(std::size_t rows, std::size_t cols);

// Null where the processor has no AVX2.
std::unique_ptr<TileKernel> make_avx2_tile_kernel(std::size_t rows, std::size_t cols);

// The faster of those that there are.
std::unique_ptr<TileKernel> make_tile_kernel(std::size_t rows, std::size_t cols);

}  // namespace szt::sim

#endif  // SZT_SIM_SRC_TILE_KERNEL_H_
