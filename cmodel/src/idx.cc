// SPDX-License-Identifier: Apache-2.0
#include "szt/idx.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include "mapped_file.h"
#include "szt/error.h"
#include "szt/printable.h"

namespace szt {
namespace {

constexpr std::uint8_t kUnsignedByte = 8;
constexpr std::size_t kMaxElements = std::size_t{1} << 31;
constexpr std::size_t kMaxPacked = std::size_t{1} << 26;  // elements of any gzip file

// The bytes of a file, unpacked where they are gzip's.
class Source {
 public:
  Source(const std::filesystem::path& name, std::span<const std::byte> bytes)
      : name_(printable_path(name)),
        file_bytes_(bytes.size()),
        rest_(bytes),
        gzip_(is_gzip(rest_)) {
    // 16: the gzip format alone, its checksum and length included.
    if (gzip_ && inflateInit2(&stream_, 16 + MAX_WBITS) != Z_OK) fail("out of memory");
  }
  ~Source() {
    if (gzip_) inflateEnd(&stream_);
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  // As many bytes as there are, up to the span's size.
  std::size_t read(std::span<std::uint8_t> bytes) {
    if (gzip_) return unpack(bytes);
    const std::size_t count = std::min(bytes.size(), rest_.size());
    std::transform(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(count), bytes.begin(),
                   [](std::byte byte) { return static_cast<std::uint8_t>(byte); });
    rest_ = rest_.subspan(count);
    return count;
  }

  // No read() will give more bytes than this.
  std::size_t most_left() const {
    constexpr std::size_t kMostPacked = 1032;              // a byte of deflate's makes no more
    constexpr std::size_t kWindow = std::size_t{1} << 16;  // what zlib may still hold
    return gzip_ ? rest_.size() * kMostPacked + kWindow : rest_.size();
  }
  bool is_packed_beyond(std::size_t bytes) const {
    return gzip_ && bytes / kMostRatio > file_bytes_;
  }

  [[noreturn]] void fail(std::string_view what) const {
    throw InputError(fmt::format("{}: {}", name_, what));
  }

 private:
  static constexpr std::size_t kMostRatio = 64;

  static bool is_gzip(std::span<const std::byte> bytes) {
    return bytes.size() >= 2 && bytes[0] == std::byte{0x1F} && bytes[1] == std::byte{0x8B};
  }

  std::size_t unpack(std::span<std::uint8_t> bytes) {
    constexpr std::size_t kPiece = std::size_t{1} << 30;  // zlib counts in 32 bits
    std::size_t done = 0;
    while (done < bytes.size() && !ended_) {
      const std::size_t given = std::min(rest_.size(), kPiece);
      const std::size_t room = std::min(bytes.size() - done, kPiece);
      stream_.next_in = reinterpret_cast<z_const Bytef*>(const_cast<std::byte*>(rest_.data()));
      stream_.avail_in = static_cast<uInt>(given);
      stream_.next_out = bytes.data() + done;
      stream_.avail_out = static_cast<uInt>(room);
      const int status = inflate(&stream_, Z_NO_FLUSH);
      rest_ = rest_.subspan(given - stream_.avail_in);
      done += room - stream_.avail_out;
      if (status == Z_STREAM_END) {
        // A file may be several of gzip's one after the other.
        ended_ = rest_.empty();
        if (!ended_ && !is_gzip(rest_)) fail("has something after its gzip data");
        if (!ended_) inflateReset(&stream_);
      } else if (status == Z_BUF_ERROR) {
        fail("ends inside its gzip data");
      } else if (status != Z_OK) {
        fail(fmt::format("cannot be unpacked: {}",
                         stream_.msg != nullptr ? stream_.msg : "damaged gzip data"));
      }
    }
    return done;
  }

  std::string name_;
  std::size_t file_bytes_;
  std::span<const std::byte> rest_;
  bool gzip_;
  bool ended_ = false;
  z_stream stream_ = {};
};

std::filesystem::path find_file(const std::filesystem::path& directory, const std::string& name) {
  const std::filesystem::path plain = directory / name;
  std::error_code error;
  if (std::filesystem::exists(plain, error)) return plain;
  const std::filesystem::path gzip = directory / (name + ".gz");
  if (std::filesystem::exists(gzip, error)) return gzip;
  throw InputError(fmt::format(
      "{}: no {}[.gz] there; Fashion-MNIST is Debian's package dataset-fashion-mnist, in {}",
      printable_path(directory), name, kFashionMnistDirectory));
}

}  // namespace

IdxArray read_idx(const std::filesystem::path& path) {
  const MappedFile file(path);
  return read_idx(path, file.bytes());
}

IdxArray read_idx(const std::filesystem::path& name, std::span<const std::byte> bytes) {
  Source reader(name, bytes);
  std::array<std::uint8_t, 4> magic{};
  if (reader.read(magic) != magic.size() || magic[0] != 0 || magic[1] != 0 ||
      magic[2] != kUnsignedByte || magic[3] == 0) {
    reader.fail("not an IDX file of unsigned bytes");
  }
  IdxArray array;
  std::size_t elements = 1;
  for (int d = 0; d < magic[3]; ++d) {
    std::array<std::uint8_t, 4> digits{};
    if (reader.read(digits) != digits.size()) reader.fail("ends inside its header");
    std::size_t dimension = 0;
    for (const std::uint8_t byte : digits) dimension = dimension << 8 | byte;
    if (dimension != 0 && elements > kMaxElements / dimension) {
      reader.fail(fmt::format("more than {} elements", kMaxElements));
    }
    elements *= dimension;
    array.shape.push_back(dimension);
  }
  if (elements > kMaxPacked && reader.is_packed_beyond(elements)) {
    reader.fail(fmt::format("its header says {} elements, too many for a gzip file of {} bytes",
                            elements, bytes.size()));
  }
  // The file, not its header, says how much memory is needed.
  constexpr std::size_t kPiece = std::size_t{1} << 24;
  while (array.values.size() < elements) {
    const std::size_t before = array.values.size();
    const std::size_t likely = std::clamp(reader.most_left(), std::size_t{1}, kPiece);
    array.values.resize(std::min(elements, before + likely));
    const std::size_t got = reader.read(std::span(array.values).subspan(before));
    if (before + got < array.values.size()) {
      reader.fail(fmt::format("holds {} elements, its header says {}", before + got, elements));
    }
  }
  std::array<std::uint8_t, 1> more{};
  if (reader.read(more) != 0) {
    reader.fail(fmt::format("holds more than the {} elements of its header", elements));
  }
  return array;
}

ImageSet read_image_set(const std::filesystem::path& directory, Part part) {
  const std::string prefix = part == Part::kTraining ? "train" : "t10k";
  const std::filesystem::path image_file = find_file(directory, prefix + "-images-idx3-ubyte");
  const std::filesystem::path label_file = find_file(directory, prefix + "-labels-idx1-ubyte");
  IdxArray images = read_idx(image_file);
  IdxArray labels = read_idx(label_file);
  if (images.shape.size() != 3 || images.shape[1] != ImageSet::kSide ||
      images.shape[2] != ImageSet::kSide) {
    throw InputError(fmt::format("{}: not images of {} x {}", printable_path(image_file),
                                 ImageSet::kSide, ImageSet::kSide));
  }
  if (labels.shape != std::vector<std::size_t>{images.shape[0]}) {
    throw InputError(fmt::format("{}: not one label for each of the {} images",
                                 printable_path(label_file), images.shape[0]));
  }
  const auto bad = std::find_if(labels.values.begin(), labels.values.end(),
                                [](std::uint8_t label) { return label > 9; });
  if (bad != labels.values.end()) {
    throw InputError(fmt::format("{}: label {} is {}; classes are 0 to 9",
                                 printable_path(label_file), bad - labels.values.begin(), *bad));
  }
  return {images.shape[0], std::move(images.values), std::move(labels.values)};
}

}  // namespace szt
