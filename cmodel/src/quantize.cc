// SPDX-License-Identifier: Apache-2.0
#include "szt/quantize.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "szt/encoder.h"
#include "szt/error.h"

namespace szt {

QuantizedTensor quantize(std::string_view where, Dtype dtype, const void* weights, std::size_t rows,
                         std::size_t cols, const Rule& rule, unsigned threads) {
  PackedCodes codes(rows, cols);
  const std::size_t n = rows * cols;
  if (const auto index = find_nonfinite(dtype, weights, n)) {
    throw InputError(fmt::format("{}: weight [{}, {}] is {}; every weight must be finite", where,
                                 *index / cols, *index % cols,
                                 latent_value(dtype, weights, *index)));
  }
  const Calibration calibration = calibrate(dtype, weights, n, rule, threads);
  std::vector<Code> row_codes(cols);
  const auto* bytes = static_cast<const std::byte*>(weights);
  for (std::size_t row = 0; row < rows; ++row) {
    encode(dtype, bytes + row * cols * size_of(dtype), cols, calibration.threshold,
           row_codes.data());
    codes.pack_row(row, row_codes.data());
  }
  return {std::move(codes), calibration.threshold, calibration.scale, dtype, calibration.nonzero};
}

std::vector<float> dequantize(PackedCodesView codes, float scale) {
  if (!std::isfinite(scale) || scale < 0) {
    throw InputError(
        fmt::format("scale {} is refused; use a finite number that is not negative", scale));
  }
  scale = std::fabs(scale);
  std::array<float, kCodeCount> values;
  for (const Code code : kAllCodes) {
    const float magnitude = magnitude_bit(code) ? scale : 0.0F;
    values[static_cast<std::size_t>(code)] = sign_bit(code) ? -magnitude : magnitude;
  }
  std::vector<float> weights(codes.rows() * codes.cols());
  std::vector<Code> row_codes(codes.cols());
  float* out = weights.data();
  for (std::size_t row = 0; row < codes.rows(); ++row) {
    codes.unpack_row(row, row_codes.data());
    for (const Code code : row_codes) *out++ = values[static_cast<std::size_t>(code)];
  }
  return weights;
}

CodeHistogram histogram(PackedCodesView codes) {
  std::array<std::uint64_t, 256> byte_counts{};
  for (const std::uint8_t byte : codes.bytes()) ++byte_counts[byte];
  CodeHistogram counts{};
  for (std::size_t byte = 0; byte < byte_counts.size(); ++byte) {
    for (std::size_t i = 0; i < kCodesPerByte; ++i) {
      counts[(byte >> (2 * i)) & 3U] += byte_counts[byte];
    }
  }
  const std::size_t padding = codes.stride_bytes() * kCodesPerByte - codes.cols();
  counts[static_cast<std::size_t>(Code::kZeroPlus)] -= padding * codes.rows();
  return counts;
}

double entropy_bits(std::span<const std::uint64_t> counts) {
  double total = 0;
  for (const std::uint64_t count : counts) total += static_cast<double>(count);
  double bits = 0;
  for (const std::uint64_t count : counts) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / total;
    bits -= share * std::log2(share);
  }
  return bits;
}

}  // namespace szt
