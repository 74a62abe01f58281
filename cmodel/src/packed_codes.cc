// SPDX-License-Identifier: Apache-2.0
#include "szt/packed_codes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "szt/error.h"

namespace szt {
namespace {

constexpr std::uint8_t pack_byte(const Code* codes, std::size_t count) {
  unsigned byte = 0;
  for (std::size_t i = 0; i < count; ++i) byte |= static_cast<unsigned>(codes[i]) << (2 * i);
  return static_cast<std::uint8_t>(byte);
}

constexpr unsigned code_bits(unsigned byte, std::size_t index) {
  return (byte >> (2 * index)) & 3U;
}

}  // namespace

std::size_t packed_size(std::size_t rows, std::size_t cols) {
  const std::size_t stride = packed_stride(cols);
  // So that rows * cols, one byte a code, fits as well.
  constexpr auto kMost =
      static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) / kCodesPerByte;
  if (stride != 0 && rows > kMost / stride) {
    throw InputError(fmt::format("a [{}, {}] matrix of codes is too large", rows, cols));
  }
  return rows * stride;
}

PackedCodesView::PackedCodesView(std::string_view where, std::span<const std::uint8_t> bytes,
                                 std::size_t rows, std::size_t cols)
    : data_(bytes.data()), rows_(rows), cols_(cols) {
  const std::size_t expected = packed_size(rows, cols);
  if (bytes.size() != expected) {
    throw InputError(fmt::format("{}: {} bytes of codes, but [{}, {}] at four codes a byte has {}",
                                 where, bytes.size(), rows, cols, expected));
  }
  const std::size_t used = cols % kCodesPerByte;
  if (used == 0) return;
  for (std::size_t row = 0; row < rows; ++row) {
    const unsigned last = row_bytes(row).back();
    if ((last >> (2 * used)) != 0) {
      throw InputError(
          fmt::format("{}: row {} has padding bits that are not 0 behind its {} codes; is the "
                      "shape right?",
                      where, row, cols));
    }
  }
}

void PackedCodesView::unpack_row(std::size_t row, Code* out) const {
  const std::span<const std::uint8_t> packed = row_bytes(row);
  for (std::size_t col = 0; col < cols_; ++col) {
    out[col] = static_cast<Code>(code_bits(packed[col / kCodesPerByte], col % kCodesPerByte));
  }
}

std::vector<Code> PackedCodesView::unpack() const {
  std::vector<Code> codes(rows_ * cols_);
  for (std::size_t row = 0; row < rows_; ++row) unpack_row(row, codes.data() + row * cols_);
  return codes;
}

PackedCodesView PackedCodesView::row_range(std::size_t first, std::size_t count) const {
  assert(first <= rows_ && count <= rows_ - first);
  if (count == 0) return {data_, 0, cols_};
  return {data_ + first * stride_bytes(), count, cols_};
}

PackedCodes PackedCodesView::transpose() const {
  PackedCodes result(cols_, rows_);
  const std::size_t stride = stride_bytes();
  const std::size_t result_stride = result.stride_bytes();
  // Four rows by one byte of columns become one byte of each of four rows.
  for (std::size_t row = 0; row < rows_; row += kCodesPerByte) {
    const std::size_t row_count = std::min(kCodesPerByte, rows_ - row);
    for (std::size_t col = 0; col < cols_; col += kCodesPerByte) {
      const std::size_t col_count = std::min(kCodesPerByte, cols_ - col);
      const std::uint8_t* in = data_ + row * stride + col / kCodesPerByte;
      std::uint8_t* out = result.bytes_.data() + col * result_stride + row / kCodesPerByte;
      for (std::size_t j = 0; j < col_count; ++j) {
        unsigned byte = 0;
        for (std::size_t i = 0; i < row_count; ++i) {
          byte |= code_bits(in[i * stride], j) << (2 * i);
        }
        out[j * result_stride] = static_cast<std::uint8_t>(byte);
      }
    }
  }
  return result;
}

PackedCodes::PackedCodes(std::size_t rows, std::size_t cols)
    : rows_(rows), cols_(cols), bytes_(packed_size(rows, cols)) {}

PackedCodes::PackedCodes(PackedCodesView view)
    : rows_(view.rows()), cols_(view.cols()), bytes_(view.bytes().begin(), view.bytes().end()) {}

PackedCodes PackedCodes::pack(std::span<const Code> codes, std::size_t rows, std::size_t cols) {
  packed_size(rows, cols);  // refuses shapes whose product wraps
  if (codes.size() != rows * cols) {
    throw InputError(
        fmt::format("{} codes do not fill a [{}, {}] matrix", codes.size(), rows, cols));
  }
  PackedCodes packed(rows, cols);
  for (std::size_t row = 0; row < rows; ++row) packed.pack_row(row, codes.data() + row * cols);
  return packed;
}

void PackedCodes::set(std::size_t row, std::size_t col, Code code) {
  assert(row < rows_ && col < cols_);
  std::uint8_t& byte = bytes_[row * stride_bytes() + col / kCodesPerByte];
  const std::size_t shift = 2 * (col % kCodesPerByte);
  byte =
      static_cast<std::uint8_t>((byte & ~(3U << shift)) | (static_cast<unsigned>(code) << shift));
}

void PackedCodes::pack_row(std::size_t row, const Code* codes) {
  assert(row < rows_);
  std::uint8_t* packed = bytes_.data() + row * stride_bytes();
  for (std::size_t col = 0; col < cols_; col += kCodesPerByte) {
    *packed++ = pack_byte(codes + col, std::min(kCodesPerByte, cols_ - col));
  }
}

}  // namespace szt
