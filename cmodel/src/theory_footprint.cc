// SPDX-License-Identifier: Apache-2.0
#include "szt/theory_footprint.h"

#include <array>
#include <cassert>

namespace szt {
namespace {

constexpr unsigned kScale = 4;              // float32
constexpr unsigned kScaleAndThreshold = 8;  // two float32
constexpr unsigned kHalf = 2;               // float16

constexpr std::array<StorageFormat, 8> kFormats = {{
    {"szt", 4, 1, kScaleAndThreshold, 0, 0},
    {"bt", 4, 1, kScaleAndThreshold, 0, 0},
    {"bt-base3", 5, 1, kScaleAndThreshold, 0, 0},
    {"int4", 2, 1, kScale, 0, 0},
    {"int4-g128", 2, 1, 0, 128, kHalf},
    {"int8", 1, 1, kScale, 0, 0},
    {"fp16", 1, 2, 0, 0, 0},
    {"fp32", 1, 4, 0, 0, 0},
}};

std::uint64_t divide_up(std::uint64_t a, std::uint64_t b) { return a / b + (a % b != 0 ? 1 : 0); }

Footprint of_rows(const StorageFormat& format, std::uint64_t rows, std::uint64_t cols) {
  Footprint result{rows * divide_up(cols, format.weights_a_block) * format.bytes_a_block, 0};
  if (format.group != 0)
    result.scales = rows * divide_up(cols, format.group) * format.bytes_a_group;
  return result;
}

void add(Footprint& sum, const Footprint& part) {
  sum.weights += part.weights;
  sum.scales += part.scales;
}

}  // namespace

std::span<const StorageFormat> storage_formats() { return kFormats; }

const StorageFormat* find_storage_format(std::string_view name) {
  for (const StorageFormat& format : kFormats) {
    if (format.name == name) return &format;
  }
  return nullptr;
}

Footprint footprint(const StorageFormat& format, std::span<const MatrixShape> matrices) {
  Footprint sum{0, format.bytes_a_tensor * static_cast<std::uint64_t>(matrices.size())};
  for (const MatrixShape& matrix : matrices) add(sum, of_rows(format, matrix.rows, matrix.cols));
  return sum;
}

Footprint footprint(const StorageFormat& format, std::uint64_t parameters, std::uint64_t tensors) {
  assert(tensors != 0);
  Footprint sum{0, format.bytes_a_tensor * tensors};
  const std::uint64_t longer = parameters % tensors;
  add(sum, of_rows(format, longer, parameters / tensors + 1));
  add(sum, of_rows(format, tensors - longer, parameters / tensors));
  return sum;
}

std::uint64_t parameters_in(const StorageFormat& format, std::uint64_t bytes,
                            std::uint64_t tensors) {
  std::uint64_t low = 0;
  std::uint64_t high = 8 * bytes;  // no format packs a weight into less than a bit
  while (low < high) {
    const std::uint64_t middle = low + (high - low + 1) / 2;
    if (footprint(format, middle, tensors).total() <= bytes) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

}  // namespace szt
