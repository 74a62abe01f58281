// SPDX-License-Identifier: Apache-2.0
// The gradients straight from the specification's tables, and random operands.
#ifndef SZT_TESTS_CMODEL_GRADIENT_TESTING_H_
#define SZT_TESTS_CMODEL_GRADIENT_TESTING_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "szt/packed_codes.h"

namespace szt::test {

// Indexed by the code's bits 00, 01, 10, 11.
inline constexpr int kForwardPlane[4] = {0, 1, 0, -1};
inline constexpr int kZeroSignPlane[4] = {1, 0, -1, 0};

inline const std::vector<std::optional<unsigned>> kEveryShift = {0U, 1U, 2U, 3U,          4U,
                                                                 5U, 6U, 7U, std::nullopt};

using Int8s = std::vector<std::int8_t>;

inline Int8s random_int8s(std::size_t count, std::mt19937_64& random) {
  Int8s values(count);
  for (std::int8_t& value : values) value = static_cast<std::int8_t>(random() & 0xFFU);
  return values;
}

inline PackedCodes random_codes(std::size_t rows, std::size_t cols, std::mt19937_64& random) {
  PackedCodes codes(rows, cols);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t col = 0; col < cols; ++col) {
      codes.set(row, col, static_cast<Code>(random() & 3U));
    }
  }
  return codes;
}

inline PackedCodes filled_codes(std::size_t rows, std::size_t cols, Code code) {
  return PackedCodes::pack(std::vector<Code>(rows * cols, code), rows, cols);
}

// [m, k]: 2^shift (dY f(W)) + dY z(W), the two products apart.
inline std::vector<std::int64_t> defined_input_gradient(const Int8s& dy, std::size_t m,
                                                        PackedCodesView weights,
                                                        std::optional<unsigned> shift) {
  const std::size_t n = weights.rows();
  const std::size_t k = weights.cols();
  std::vector<std::int64_t> g(m * k);
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < k; ++j) {
      std::int64_t forward = 0;
      std::int64_t zero_sign = 0;
      for (std::size_t l = 0; l < n; ++l) {
        const auto code = static_cast<std::size_t>(weights.get(l, j));
        forward += dy[i * n + l] * kForwardPlane[code];
        zero_sign += dy[i * n + l] * kZeroSignPlane[code];
      }
      g[i * k + j] = shift ? forward * (std::int64_t{1} << *shift) + zero_sign : forward;
    }
  }
  return g;
}

// [n, k]: the sum over the batch, times the slope.
inline std::vector<std::int64_t> defined_weight_gradient(const Int8s& dy, const Int8s& x,
                                                         std::size_t m, PackedCodesView weights,
                                                         bool blocks_zeros) {
  const std::size_t n = weights.rows();
  const std::size_t k = weights.cols();
  std::vector<std::int64_t> dw(n * k);
  for (std::size_t l = 0; l < n; ++l) {
    for (std::size_t j = 0; j < k; ++j) {
      if (blocks_zeros && kForwardPlane[static_cast<std::size_t>(weights.get(l, j))] == 0) continue;
      for (std::size_t i = 0; i < m; ++i) dw[l * k + j] += dy[i * n + l] * x[i * k + j];
    }
  }
  return dw;
}

}  // namespace szt::test

#endif  // SZT_TESTS_CMODEL_GRADIENT_TESTING_H_
