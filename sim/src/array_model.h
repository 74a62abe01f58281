// SPDX-License-Identifier: Apache-2.0
// What the array and its accumulators compute: a tile's decoded weights and the sums of its
// vectors.
#ifndef SZT_SIM_SRC_ARRAY_MODEL_H_
#define SZT_SIM_SRC_ARRAY_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "szt/code.h"
#include "szt/configuration.h"
#include "tile_kernel.h"

namespace szt::sim {

class ArrayModel {
 public:
  explicit ArrayModel(const Configuration& configuration);

  // Makes a code beat the weights of a row.
  void load_row(std::size_t row, const std::uint8_t* beat, DecodeMode mode);

  // Adds the products of `count` vectors to the sums of the places from `vector` on, which start
  // from 0 in a first K tile. Returns those sums, stride() lanes a vector.
  const std::int32_t* add(bool first_k, std::size_t vector, const std::int8_t* activations,
                          std::size_t count);
  std::size_t stride() const { return stride_; }

 private:
  std::unique_ptr<TileKernel> kernel_;
  std::size_t stride_;                // the kernel's
  std::vector<std::int8_t> weights_;  // of a code beat, decoded
  std::vector<std::int32_t> sums_;    // [acc_depth, stride]
};

}  // namespace szt::sim

#endif  // SZT_SIM_SRC_ARRAY_MODEL_H_
