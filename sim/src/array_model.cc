// SPDX-License-Identifier: Apache-2.0
#include "array_model.h"

#include <algorithm>

namespace szt::sim {

ArrayModel::ArrayModel(const Configuration& configuration)
    : kernel_(make_tile_kernel(static_cast<std::size_t>(configuration.rows),
                               static_cast<std::size_t>(configuration.cols))),
      stride_(kernel_->stride()),
      weights_(static_cast<std::size_t>(configuration.cols)),
      sums_(static_cast<std::size_t>(configuration.acc_depth) * stride_) {}

void ArrayModel::load_row(std::size_t row, const std::uint8_t* beat, DecodeMode mode) {
  const auto& decoded = kDecodeTable[static_cast<std::size_t>(mode)];
  for (std::size_t c = 0; c < weights_.size(); ++c) {
    weights_[c] = decoded[static_cast<std::size_t>(beat[c / 4] >> (2 * (c % 4))) & 3U];
  }
  kernel_->set_row(row, weights_);
}

const std::int32_t* ArrayModel::add(bool first_k, std::size_t vector,
                                    const std::int8_t* activations, std::size_t count) {
  std::int32_t* const sums = &sums_[vector * stride_];
  if (first_k) std::fill_n(sums, count * stride_, 0);
  kernel_->add_products(activations, count, sums);
  return sums;
}

}  // namespace szt::sim
