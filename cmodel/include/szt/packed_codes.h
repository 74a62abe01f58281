// SPDX-License-Identifier: Apache-2.0
// A matrix of codes, four to a byte: element i of a row is in bits [2(i mod 4)+1 : 2(i mod 4)] of
// byte i/4 of the row. Each row is padded to a whole byte with 00. Row-major.
//
// A weight matrix is [out, in]: rows() is N of the matrix product, cols() is K. Indices out of
// range are programming errors (assertions).
#ifndef SZT_PACKED_CODES_H_
#define SZT_PACKED_CODES_H_

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "szt/code.h"

namespace szt {

inline constexpr std::size_t kCodesPerByte = 4;

constexpr std::size_t packed_stride(std::size_t cols) {
  return cols / kCodesPerByte + (cols % kCodesPerByte != 0 ? 1 : 0);
}

// Bytes of a packed matrix. Throws InputError if no address space holds them.
std::size_t packed_size(std::size_t rows, std::size_t cols);

class PackedCodes;

// Non-owning and read-only; cheap to copy. Functions that only read codes take this by value, and
// a PackedCodes converts to it.
class PackedCodesView {
 public:
  PackedCodesView() = default;

  // Views bytes from elsewhere. Throws InputError, starting with `where` (a file and tensor), if
  // their number is not packed_size(rows, cols) or a padding bit is not 0, naming the row.
  PackedCodesView(std::string_view where, std::span<const std::uint8_t> bytes, std::size_t rows,
                  std::size_t cols);

  std::size_t rows() const { return rows_; }
  std::size_t cols() const { return cols_; }
  std::size_t stride_bytes() const { return packed_stride(cols_); }
  std::span<const std::uint8_t> bytes() const { return {data_, rows_ * stride_bytes()}; }
  std::span<const std::uint8_t> row_bytes(std::size_t row) const {
    assert(row < rows_);
    return {data_ + row * stride_bytes(), stride_bytes()};
  }

  Code get(std::size_t row, std::size_t col) const {
    assert(row < rows_ && col < cols_);
    const unsigned byte = data_[row * stride_bytes() + col / kCodesPerByte];
    return static_cast<Code>((byte >> (2 * (col % kCodesPerByte))) & 3U);
  }
  // Writes cols() codes.
  void unpack_row(std::size_t row, Code* out) const;
  // rows() * cols() codes, row-major.
  std::vector<Code> unpack() const;
  // Rows [first, first + count), sharing the bytes.
  PackedCodesView row_range(std::size_t first, std::size_t count) const;
  // A new matrix [cols, rows].
  PackedCodes transpose() const;

 private:
  friend class PackedCodes;
  PackedCodesView(const std::uint8_t* data, std::size_t rows, std::size_t cols)
      : data_(data), rows_(rows), cols_(cols) {}

  const std::uint8_t* data_ = nullptr;
  std::size_t rows_ = 0;
  std::size_t cols_ = 0;
};

// Owning. Its padding bits are always 0, so that equal matrices have equal bytes.
class PackedCodes {
 public:
  PackedCodes() = default;
  // All 0+. Throws as packed_size().
  PackedCodes(std::size_t rows, std::size_t cols);
  // Copies a view.
  explicit PackedCodes(PackedCodesView view);
  // Packs rows * cols codes, row-major. Throws InputError if their number differs.
  static PackedCodes pack(std::span<const Code> codes, std::size_t rows, std::size_t cols);

  std::size_t rows() const { return rows_; }
  std::size_t cols() const { return cols_; }
  std::size_t stride_bytes() const { return packed_stride(cols_); }
  std::span<const std::uint8_t> bytes() const { return bytes_; }
  PackedCodesView view() const { return {bytes_.data(), rows_, cols_}; }
  operator PackedCodesView() const { return view(); }  // NOLINT: meant to be implicit

  Code get(std::size_t row, std::size_t col) const { return view().get(row, col); }
  void set(std::size_t row, std::size_t col, Code code);
  void unpack_row(std::size_t row, Code* out) const { view().unpack_row(row, out); }
  std::vector<Code> unpack() const { return view().unpack(); }
  // Reads cols() codes.
  void pack_row(std::size_t row, const Code* codes);

  PackedCodes transpose() const { return view().transpose(); }

  friend bool operator==(const PackedCodes&, const PackedCodes&) = default;

 private:
  friend class PackedCodesView;  // transpose() fills whole bytes

  std::size_t rows_ = 0;
  std::size_t cols_ = 0;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace szt

#endif  // SZT_PACKED_CODES_H_
