// SPDX-License-Identifier: Apache-2.0
#include "szt/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>

#include "mapped_file.h"
#include "szt/atomic_file.h"
#include "szt/error.h"
#include "szt/printable.h"

namespace szt {
namespace {

static_assert(std::endian::native == std::endian::little, "values are used as the file has them");

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kVersionBytes = 2;
constexpr std::size_t kAlignment = 64;
constexpr std::size_t kMaxRank = 64;       // NumPy's own
constexpr std::size_t kGrowthDigits = 21;  // room that numpy.save leaves for the first dimension
constexpr std::uint64_t kMaxBytes = std::numeric_limits<std::int64_t>::max();
constexpr std::string_view kDamaged = "save it again with numpy.save";
constexpr std::string_view kKnown = "int8, uint8, int16, int32, int64, float16, float32 or float64";

struct Dtype {
  std::string_view descr;
  std::size_t bytes;
  std::string_view name;  // NumPy's
};

constexpr auto kDtypes = std::to_array<Dtype>({
    {"|i1", 1, "int8"},
    {"|u1", 1, "uint8"},
    {"<i2", 2, "int16"},
    {"<i4", 4, "int32"},
    {"<i8", 8, "int64"},
    {"<f2", 2, "float16"},
    {"<f4", 4, "float32"},
    {"<f8", 8, "float64"},
});

const Dtype* find_dtype(std::string_view descr) {
  const auto place = std::find_if(kDtypes.begin(), kDtypes.end(),
                                  [&](const Dtype& dtype) { return dtype.descr == descr; });
  return place == kDtypes.end() ? nullptr : &*place;
}

template <typename T>
constexpr std::string_view kDescr;
template <>
constexpr std::string_view kDescr<std::int8_t> = "|i1";
template <>
constexpr std::string_view kDescr<std::uint8_t> = "|u1";
template <>
constexpr std::string_view kDescr<std::int16_t> = "<i2";
template <>
constexpr std::string_view kDescr<std::int32_t> = "<i4";
template <>
constexpr std::string_view kDescr<std::int64_t> = "<i8";
template <>
constexpr std::string_view kDescr<float> = "<f4";
template <>
constexpr std::string_view kDescr<double> = "<f8";

[[noreturn]] void reject(const std::filesystem::path& path, std::string_view what,
                         std::string_view remedy = kDamaged) {
  throw InputError(fmt::format("{}: {}; {}", printable_path(path), what, remedy));
}

// Why NumPy's dtype is none of ours, and what to do.
[[noreturn]] void reject_dtype(const std::filesystem::path& path, std::string_view descr) {
  const std::string what = fmt::format("dtype '{}' is not supported", printable(descr));
  if (descr.starts_with('>')) {
    reject(path, what + " (big-endian)", "convert it with a.astype(a.dtype.newbyteorder('<'))");
  }
  if (descr.starts_with("|O")) {
    reject(path, what + " (Python objects)", fmt::format("convert it to {}", kKnown));
  }
  reject(path, what, fmt::format("convert it with a.astype to {}", kKnown));
}

// Bytes of an array, or InputError. Dimensions of 0 do not excuse the others' being too large.
std::uint64_t array_bytes(const std::filesystem::path& path, std::size_t item_bytes,
                          const std::vector<std::uint64_t>& shape) {
  if (shape.size() > kMaxRank) {
    reject(path, fmt::format("shape has more than {} dimensions", kMaxRank), "reshape the array");
  }
  std::uint64_t bytes = item_bytes;
  bool empty = false;
  for (const std::uint64_t dimension : shape) {
    if (dimension == 0) {
      empty = true;
    } else if (dimension > kMaxBytes / bytes) {
      reject(path, fmt::format("shape ({}) is too large", fmt::join(shape, ", ")));
    } else {
      bytes *= dimension;
    }
  }
  return empty ? 0 : bytes;
}

// Reads the header's text: a literal of Python's with exactly the three keys, and nothing else of
// Python's grammar.
class HeaderParser {
 public:
  HeaderParser(const std::filesystem::path& path, std::string_view text)
      : path_(path), text_(text) {}

  NpyHeader parse() {
    expect('{');
    while (!take('}')) {
      parse_entry();
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size()) fail("has text after the dictionary");
    for (std::size_t i = 0; i < kKeys.size(); ++i) {
      if (!seen_[i]) fail(fmt::format("has no key '{}'", kKeys[i]));
    }
    return std::move(header_);
  }

 private:
  static constexpr std::array<std::string_view, 3> kKeys = {"descr", "fortran_order", "shape"};

  [[noreturn]] void fail(std::string_view what) const {
    reject(path_, fmt::format("the header {} (at byte {} of it)", what, at_));
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\n\r\f").find(text_[at_]) != text_.npos) {
      ++at_;
    }
  }

  bool take(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void expect(char c) {
    if (!take(c)) fail(fmt::format("lacks a '{}'", c));
  }

  bool take_word(std::string_view word) {
    skip_space();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  std::string_view parse_string() {
    skip_space();
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail("lacks a string");
    const std::size_t begin = ++at_;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' || text_[at_] == '\n') fail("has a string with an escape in it");
      ++at_;
    }
    if (at_ == text_.size()) fail("has a string without an end");
    return text_.substr(begin, at_++ - begin);
  }

  void parse_entry() {
    const std::string_view key = parse_string();
    const auto place = std::find(kKeys.begin(), kKeys.end(), key);
    if (place == kKeys.end()) fail(fmt::format("has an unknown key '{}'", printable(key)));
    if (std::exchange(seen_[static_cast<std::size_t>(place - kKeys.begin())], true)) {
      fail(fmt::format("has the key '{}' twice", key));
    }
    expect(':');
    if (key == "descr") {
      parse_descr();
    } else if (key == "shape") {
      parse_shape();
    } else if (take_word("True")) {
      header_.fortran_order = true;
    } else if (!take_word("False")) {
      fail("has a fortran_order that is neither True nor False");
    }
  }

  void parse_descr() {
    skip_space();
    if (peek() == '[' || peek() == '(') {
      reject(path_, "structured dtypes are not supported",
             "save each field as an array of its own");
    }
    header_.descr = parse_string();
    if (find_dtype(header_.descr) == nullptr) reject_dtype(path_, header_.descr);
  }

  // A tuple: (), (n,), (n, m), (n, m,), but not (n), which is a number in Python.
  void parse_shape() {
    if (!take('(')) fail("has a shape that is not a tuple");
    bool comma = true;
    while (!take(')')) {
      if (!comma) fail("lacks a ',' or ')' in its shape");
      if (header_.shape.size() == kMaxRank) {
        fail(fmt::format("has more than {} dimensions", kMaxRank));
      }
      header_.shape.push_back(parse_dimension());
      comma = take(',');
    }
    if (header_.shape.size() == 1 && !comma) fail("has a number for its shape, not a tuple");
  }

  std::uint64_t parse_dimension() {
    skip_space();
    std::uint64_t value = 0;
    const char* const begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error == std::errc::result_out_of_range) fail("has a dimension of 2^64 or more");
    if (error != std::errc() || (*begin == '0' && end - begin > 1)) {
      fail("has a dimension that is not a whole number, 0 or more");
    }
    at_ += static_cast<std::size_t>(end - begin);
    return value;
  }

  const std::filesystem::path& path_;
  std::string_view text_;
  std::size_t at_ = 0;
  NpyHeader header_;
  std::array<bool, kKeys.size()> seen_ = {};
};

// Reorders an array whose first index runs fastest, so that its last one does.
std::vector<std::byte> to_c_order(std::span<const std::byte> data, std::size_t item_bytes,
                                  std::vector<std::uint64_t> shape) {
  // An axis of 1 changes nothing, and many of them would be looked at for every element.
  std::erase(shape, std::uint64_t{1});
  std::vector<std::size_t> stride(shape.size());  // in `data`, in bytes
  std::exclusive_scan(shape.begin(), shape.end(), stride.begin(), item_bytes, std::multiplies<>());
  std::vector<std::byte> out(data.size());
  std::vector<std::uint64_t> index(shape.size());
  std::size_t from = 0;
  for (std::size_t to = 0; to < out.size(); to += item_bytes) {
    std::memcpy(out.data() + to, data.data() + from, item_bytes);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      from += stride[axis];
      if (++index[axis] < shape[axis]) break;
      from -= stride[axis] * index[axis];
      index[axis] = 0;
    }
  }
  return out;
}

template <typename T>
std::vector<T> copy_values(std::span<const std::byte> data) {
  std::vector<T> values(data.size() / sizeof(T));
  if (!data.empty()) std::memcpy(values.data(), data.data(), data.size());
  return values;
}

void check_dtype(const NpyArray& array, std::string_view expected) {
  if (array.descr() == expected) return;
  const Dtype& found = *find_dtype(array.descr());
  const Dtype& wanted = *find_dtype(expected);
  reject(array.path(),
         fmt::format("holds {} ('{}'), where {} ('{}') is expected", found.name, found.descr,
                     wanted.name, wanted.descr),
         fmt::format("convert it with a.astype('{}')", wanted.name));
}

}  // namespace

NpyArray::NpyArray(const std::filesystem::path& path)
    : NpyArray(path, std::make_shared<const MappedFile>(path)) {}

NpyArray::NpyArray(std::filesystem::path name, std::vector<std::byte> bytes)
    : NpyArray(std::move(name), std::make_shared<const MappedFile>(std::move(bytes))) {}

NpyArray::NpyArray(std::filesystem::path path, std::shared_ptr<const MappedFile> file)
    : path_(std::move(path)), file_(std::move(file)) {
  const std::span<const std::byte> bytes = file_->bytes();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(kMagic)) reject(path_, "is not an .npy file");
  const std::size_t length_at = kMagic.size() + kVersionBytes;
  if (text.size() < length_at) reject(path_, "ends before its header");
  const auto major = static_cast<unsigned>(bytes[kMagic.size()]);
  const auto minor = static_cast<unsigned>(bytes[kMagic.size() + 1]);
  if (major < 1 || major > 3 || minor != 0) {
    reject(path_,
           fmt::format("is of version {}.{} of the format, not 1.0, 2.0 or 3.0", major, minor));
  }
  const std::size_t length_bytes = major == 1 ? 2 : 4;
  const std::size_t header_at = length_at + length_bytes;
  if (text.size() < header_at) reject(path_, "ends before its header");
  std::uint32_t length = 0;
  std::memcpy(&length, bytes.data() + length_at, length_bytes);
  if (length > text.size() - header_at) {
    reject(path_,
           fmt::format("a header of {} bytes does not fit in a file of {}", length, text.size()));
  }
  header_ = HeaderParser(path_, text.substr(header_at, length)).parse();

  data_ = bytes.subspan(header_at + length);
  const std::size_t item_bytes = find_dtype(header_.descr)->bytes;
  const std::uint64_t expected = array_bytes(path_, item_bytes, header_.shape);
  if (data_.size() != expected) {
    reject(path_, fmt::format("{} of shape ({}) takes {} bytes, but the file holds {}",
                              find_dtype(header_.descr)->name, fmt::join(header_.shape, ", "),
                              expected, data_.size()));
  }
  if (header_.fortran_order && header_.shape.size() > 1 && !data_.empty()) {
    reordered_ = std::make_shared<const std::vector<std::byte>>(
        to_c_order(data_, item_bytes, header_.shape));
    data_ = *reordered_;
  }
}

std::size_t NpyArray::size() const { return data_.size() / find_dtype(header_.descr)->bytes; }

template <typename T>
std::vector<T> NpyArray::values() const {
  check_dtype(*this, kDescr<T>);
  return copy_values<T>(data_);
}

template std::vector<std::int8_t> NpyArray::values() const;
template std::vector<std::uint8_t> NpyArray::values() const;
template std::vector<std::int16_t> NpyArray::values() const;
template std::vector<std::int32_t> NpyArray::values() const;
template std::vector<std::int64_t> NpyArray::values() const;
template std::vector<float> NpyArray::values() const;
template std::vector<double> NpyArray::values() const;

std::vector<std::uint16_t> NpyArray::half_bits() const {
  check_dtype(*this, "<f2");
  return copy_values<std::uint16_t>(data_);
}

namespace {

// What comes before the data. Throws InputError as write_npy().
std::string npy_header(const std::filesystem::path& path, std::string_view descr,
                       const std::vector<std::uint64_t>& shape, std::span<const std::byte> data) {
  const Dtype* const dtype = find_dtype(descr);
  if (dtype == nullptr) reject_dtype(path, descr);
  const std::uint64_t bytes = array_bytes(path, dtype->bytes, shape);
  if (data.size() != bytes) {
    reject(path,
           fmt::format("cannot write: {} of shape ({}) takes {} bytes, but there are {}",
                       dtype->name, fmt::join(shape, ", "), bytes, data.size()),
           "correct the shape");
  }
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}",
                                   descr, fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
  if (!shape.empty()) header.append(kGrowthDigits - fmt::format("{}", shape[0]).size(), ' ');
  const std::size_t before = kMagic.size() + kVersionBytes + sizeof(std::uint16_t);
  header.append(kAlignment - (before + header.size() + 1) % kAlignment, ' ');
  header += '\n';
  const auto length = static_cast<std::uint16_t>(header.size());

  std::string before_data(kMagic);
  before_data += std::string_view("\x01\x00", kVersionBytes);
  before_data.append(reinterpret_cast<const char*>(&length), sizeof(length));
  return before_data + header;
}

}  // namespace

void write_npy(AtomicFile& file, std::string_view descr, const std::vector<std::uint64_t>& shape,
               std::span<const std::byte> data) {
  file.write(npy_header(file.path(), descr, shape, data));
  file.write(data);
}

std::vector<std::byte> npy_bytes(std::string_view descr, const std::vector<std::uint64_t>& shape,
                                 std::span<const std::byte> data) {
  const std::string header = npy_header("memory", descr, shape, data);
  const auto text = std::as_bytes(std::span(header));
  std::vector<std::byte> bytes(text.begin(), text.end());
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

void write_npy(const std::filesystem::path& path, std::string_view descr,
               const std::vector<std::uint64_t>& shape, std::span<const std::byte> data) {
  AtomicFile file(path);
  write_npy(file, descr, shape, data);
  file.commit();
}

void write_npy(const std::filesystem::path& path, const std::vector<std::uint64_t>& shape,
               std::span<const std::int8_t> values) {
  write_npy(path, kDescr<std::int8_t>, shape, std::as_bytes(values));
}

void write_npy(const std::filesystem::path& path, const std::vector<std::uint64_t>& shape,
               std::span<const std::int32_t> values) {
  write_npy(path, kDescr<std::int32_t>, shape, std::as_bytes(values));
}

void write_npy(const std::filesystem::path& path, const std::vector<std::uint64_t>& shape,
               std::span<const float> values) {
  write_npy(path, kDescr<float>, shape, std::as_bytes(values));
}

}  // namespace szt
