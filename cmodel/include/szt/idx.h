// SPDX-License-Identifier: Apache-2.0
// Reads IDX files, the format of MNIST and Fashion-MNIST: plain or gzip.
//
// Two zero bytes, a byte of element type (8: unsigned byte, the only one read here), a byte of
// rank, each dimension as a big-endian 32-bit number, then the elements, row-major.
#ifndef SZT_IDX_H_
#define SZT_IDX_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace szt {

struct IdxArray {
  std::vector<std::size_t> shape;  // at least one dimension
  std::vector<std::uint8_t> values;
};

// Throws InputError, naming the file, if it cannot be read, is no IDX file of unsigned bytes, is
// damaged or cut short, or has fewer or more elements than its dimensions say. A gzip file of more
// than 64 MiB must not be packed more than 64 times over, so that a small file takes little memory.
IdxArray read_idx(const std::filesystem::path& path);
// The same of a file's bytes; `name` stands for its path in messages.
IdxArray read_idx(const std::filesystem::path& name, std::span<const std::byte> bytes);

// 28 x 28 grey images, 0 to 255, and their classes 0 to 9.
struct ImageSet {
  static constexpr std::size_t kSide = 28;
  static constexpr std::size_t kPixels = kSide * kSide;
  std::size_t size = 0;
  std::vector<std::uint8_t> pixels;   // [size, kPixels]
  std::vector<std::uint8_t> classes;  // [size]
};

// Where Debian's dataset-fashion-mnist puts its files.
inline constexpr const char* kFashionMnistDirectory = "/usr/share/datasets/fashion-mnist";

enum class Part { kTraining, kTest };

// {train,t10k}-{images-idx3,labels-idx1}-ubyte[.gz] of a directory. Throws InputError as
// read_idx(), and for images of another size or labels that do not fit them.
ImageSet read_image_set(const std::filesystem::path& directory, Part part);

}  // namespace szt

#endif  // SZT_IDX_H_
