// SPDX-License-Identifier: Apache-2.0
// Reads and writes arrays in NumPy's .npy format.
//
// The format is that of https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html,
// versions 1.0, 2.0 and 3.0.
#ifndef SZT_NPY_H_
#define SZT_NPY_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace szt {

class AtomicFile;
class MappedFile;

// What the file says about the array.
struct NpyHeader {
  std::string descr;  // one of |i1 |u1 <i2 <i4 <i8 <f2 <f4 <f8
  bool fortran_order = false;
  std::vector<std::uint64_t> shape;  // empty for a scalar
};

// An array read from a file. A copy shares the data.
//
// The constructor throws InputError for anything but a header exactly as NumPy may write it (a
// Python dictionary of 'descr', 'fortran_order' and 'shape', each once, in any order) followed by
// exactly the bytes of the shape. Other dtypes (big-endian, bool, complex, object, structured) are
// refused. Arrays in Fortran order are turned into C order. A file cut short while it is open kills
// the reader, as with any mapping.
class NpyArray {
 public:
  explicit NpyArray(const std::filesystem::path& path);
  // The same of a file's bytes; `name` stands for its path in messages.
  NpyArray(std::filesystem::path name, std::vector<std::byte> bytes);

  const std::filesystem::path& path() const { return path_; }
  const NpyHeader& header() const { return header_; }
  const std::string& descr() const { return header_.descr; }
  const std::vector<std::uint64_t>& shape() const { return header_.shape; }

  // Number of elements: 1 for a scalar.
  std::size_t size() const;

  // The elements, row-major. T is std::int8_t, std::uint8_t, std::int16_t, std::int32_t,
  // std::int64_t, float or double and must be the file's dtype exactly; InputError if it is not.
  template <typename T>
  std::vector<T> values() const;

  // The bits of IEEE binary16 elements (<f2), row-major; InputError if the file holds others.
  std::vector<std::uint16_t> half_bits() const;

  // The bytes, row-major whatever fortran_order says, little-endian. Not aligned: copy values out
  // with std::memcpy, never cast the pointer. Valid while this object or a copy of it lives.
  std::span<const std::byte> data() const { return data_; }

 private:
  NpyArray(std::filesystem::path path, std::shared_ptr<const MappedFile> file);

  std::filesystem::path path_;
  std::shared_ptr<const MappedFile> file_;
  std::shared_ptr<const std::vector<std::byte>> reordered_;  // Fortran order only
  std::span<const std::byte> data_;
  NpyHeader header_;
};

// Writes version 1.0 in C order, the data aligned to 64 bytes: the bytes that numpy.save writes.
// Through AtomicFile: whole or not at all. Throws InputError if the dtype is not one of those
// above, if the data is not as long as the shape says, or if the file cannot be written.
void write_npy(const std::filesystem::path& path, std::string_view descr,
               const std::vector<std::uint64_t>& shape, std::span<const std::byte> data);
// The same into an open file, which the caller commits: arrays that appear together or not at all.
void write_npy(AtomicFile& file, std::string_view descr, const std::vector<std::uint64_t>& shape,
               std::span<const std::byte> data);
void write_npy(const std::filesystem::path& path, const std::vector<std::uint64_t>& shape,
               std::span<const std::int8_t> values);
void write_npy(const std::filesystem::path& path, const std::vector<std::uint64_t>& shape,
               std::span<const std::int32_t> values);
void write_npy(const std::filesystem::path& path, const std::vector<std::uint64_t>& shape,
               std::span<const float> values);
// The bytes of such a file.
std::vector<std::byte> npy_bytes(std::string_view descr, const std::vector<std::uint64_t>& shape,
                                 std::span<const std::byte> data);

}  // namespace szt

#endif  // SZT_NPY_H_
