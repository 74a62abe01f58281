// SPDX-License-Identifier: Apache-2.0
#include "szt/quantize.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "szt/encoder.h"
#include "szt/error.h"

namespace szt {

namespace {

void check_finite(std::string_view where, Dtype dtype, const void* weights, std::size_t n,
                  std::size_t cols) {
  if (const auto index = find_nonfinite(dtype, weights, n)) {
    throw InputError(fmt::format("{}: weight [{}, {}] is {}; every weight must be finite", where,
                                 *index / cols, *index % cols,
                                 latent_value(dtype, weights, *index)));
  }
}

void encode_rows(Dtype dtype, const void* weights, float threshold, PackedCodes& codes) {
  std::vector<Code> row_codes(codes.cols());
  const auto* bytes = static_cast<const std::byte*>(weights);
  for (std::size_t row = 0; row < codes.rows(); ++row) {
    encode(dtype, bytes + row * codes.cols() * size_of(dtype), codes.cols(), threshold,
           row_codes.data());
    codes.pack_row(row, row_codes.data());
  }
}

}  // namespace

QuantizedTensor quantize(std::string_view where, Dtype dtype, const void* weights, std::size_t rows,
                         std::size_t cols, const Rule& rule, unsigned threads) {
  PackedCodes codes(rows, cols);
  check_finite(where, dtype, weights, rows * cols, cols);
  const Calibration calibration = calibrate(dtype, weights, rows * cols, rule, threads);
  encode_rows(dtype, weights, calibration.threshold, codes);
  return {std::move(codes), calibration.threshold, calibration.scale, dtype, calibration.nonzero};
}

PackedCodes encode_tensor(std::string_view where, Dtype dtype, const void* weights,
                          std::size_t rows, std::size_t cols, float threshold) {
  PackedCodes codes(rows, cols);
  check_finite(where, dtype, weights, rows * cols, cols);
  encode_rows(dtype, weights, threshold, codes);
  return codes;
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
  return map_codes(codes, values);
}

std::vector<float> map_codes(PackedCodesView codes, const std::array<float, kCodeCount>& values) {
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
