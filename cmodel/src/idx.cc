// SPDX-License-Identifier: Apache-2.0
#include "szt/idx.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <span>
#include <string>
#include <system_error>

#include "szt/error.h"
#include "szt/printable.h"

namespace szt {
namespace {

constexpr std::uint8_t kUnsignedByte = 8;
constexpr std::size_t kMaxElements = std::size_t{1} << 31;

class GzipReader {
 public:
  explicit GzipReader(const std::filesystem::path& path)
      : name_(printable_path(path)), file_(gzopen(path.c_str(), "rb")) {
    if (!file_) {
      const int error = errno;
      fail(error == 0 ? "out of memory" : std::generic_category().message(error));
    }
  }

  // As many bytes as there are, up to the span's size.
  std::size_t read(std::span<std::uint8_t> bytes) {
    constexpr std::size_t kPiece = std::size_t{1} << 20;
    std::size_t done = 0;
    while (done < bytes.size()) {
      const auto wanted = static_cast<unsigned>(std::min(bytes.size() - done, kPiece));
      const int got = gzread(file_.get(), bytes.data() + done, wanted);
      if (got < 0) {
        int code = 0;
        fail(fmt::format("cannot be read: {}", gzerror(file_.get(), &code)));
      }
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  [[noreturn]] void fail(std::string_view what) const {
    throw InputError(fmt::format("{}: {}", name_, what));
  }

 private:
  struct Close {
    void operator()(gzFile_s* file) const { gzclose(file); }
  };
  std::string name_;
  std::unique_ptr<gzFile_s, Close> file_;
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
  GzipReader reader(path);
  std::array<std::uint8_t, 4> magic{};
  if (reader.read(magic) != magic.size() || magic[0] != 0 || magic[1] != 0 ||
      magic[2] != kUnsignedByte || magic[3] == 0) {
    reader.fail("not an IDX file of unsigned bytes");
  }
  IdxArray array;
  std::size_t elements = 1;
  for (int d = 0; d < magic[3]; ++d) {
    std::array<std::uint8_t, 4> bytes{};
    if (reader.read(bytes) != bytes.size()) reader.fail("ends inside its header");
    std::size_t dimension = 0;
    for (const std::uint8_t byte : bytes) dimension = dimension << 8 | byte;
    if (dimension != 0 && elements > kMaxElements / dimension) {
      reader.fail(fmt::format("more than {} elements", kMaxElements));
    }
    elements *= dimension;
    array.shape.push_back(dimension);
  }
  // The file, not its header, says how much memory is needed.
  constexpr std::size_t kPiece = std::size_t{1} << 24;
  while (array.values.size() < elements) {
    const std::size_t before = array.values.size();
    array.values.resize(std::min(elements, before + kPiece));
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
