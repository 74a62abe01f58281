// SPDX-License-Identifier: Apache-2.0
#include "szt/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "mapped_file.h"
#include "safetensors_header.h"
#include "szt/atomic_file.h"
#include "szt/error.h"
#include "szt/printable.h"

namespace szt {
namespace {

static_assert(std::endian::native == std::endian::little, "values are used as the file has them");

constexpr std::size_t kLengthBytes = sizeof(std::uint64_t);
constexpr std::size_t kHeaderAlignment = 8;
constexpr std::size_t kNamesSuggested = 3;
constexpr std::uint64_t kMaxDataBytes = std::numeric_limits<std::int64_t>::max();

[[noreturn]] void reject_file(const std::filesystem::path& path, std::string_view what) {
  throw InputError(fmt::format("{}: {}; {}", printable_path(path), what, kDamaged));
}

// Tensors are in the order of their data: each must begin where the one before it ends.
void check_coverage(const std::filesystem::path& path, std::span<const TensorInfo> tensors,
                    std::span<const std::byte> data) {
  const std::byte* expected = data.data();
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const TensorInfo& tensor = tensors[i];
    if (tensor.data.data() < expected) {
      reject_file(path, fmt::format("tensors '{}' and '{}' overlap at byte {} of the data",
                                    printable(tensors[i - 1].name), printable(tensor.name),
                                    tensor.data.data() - data.data()));
    }
    if (tensor.data.data() > expected) {
      reject_file(path, fmt::format("bytes [{},{}] of the data, before tensor '{}', belong to none",
                                    expected - data.data(), tensor.data.data() - data.data(),
                                    printable(tensor.name)));
    }
    expected += tensor.data.size();
  }
  if (expected != data.data() + data.size()) {
    reject_file(path,
                fmt::format("bytes [{},{}] of the data, after the last tensor, belong to none",
                            expected - data.data(), data.size()));
  }
}

// How much of the ends of two names agrees.
std::size_t likeness(std::string_view a, std::string_view b) {
  const std::size_t shorter = std::min(a.size(), b.size());
  std::size_t front = 0;
  while (front < shorter && a[front] == b[front]) ++front;
  std::size_t back = 0;
  while (back < shorter - front && a[a.size() - 1 - back] == b[b.size() - 1 - back]) ++back;
  return front + back;
}

// `text` in quotes, as JSON. Throws InputError, with `what` it is, if it is not UTF-8.
std::string json_string(const std::string& text, std::string_view what) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::type_error&) {
    throw InputError(fmt::format("{} '{}' is not UTF-8; rename it", what, printable(text)));
  }
}

// The JSON header, padded with spaces. Entries are pointers to pairs of name and tensor.
template <typename Entries>
std::string make_header(const std::filesystem::path& path, const Entries& entries,
                        const std::map<std::string, std::string>& metadata) {
  const auto check = [&](bool fits, std::string_view what) {
    if (!fits) {
      throw InputError(
          fmt::format("{}: cannot write: {}; split the checkpoint", printable_path(path), what));
    }
  };
  check(metadata.size() <= kMaxMetadataEntries, "too many metadata entries");
  std::string header = "{";
  if (!metadata.empty()) {
    header += fmt::format("\"{}\":{{", kMetadataKey);
    for (const auto& [key, value] : metadata) {
      header += json_string(key, "metadata key") + ":" + json_string(value, "metadata value") + ",";
    }
    header.back() = '}';
    header += ",";
  }
  std::uint64_t offset = 0;
  for (const auto* entry : entries) {
    const auto& [name, tensor] = *entry;
    check(tensor.bytes <= kMaxDataBytes - offset, "the tensors are too large together");
    header += fmt::format("{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}},",
                          json_string(name, "tensor name"), tensor.dtype,
                          fmt::join(tensor.shape, ","), offset, offset + tensor.bytes);
    offset += tensor.bytes;
  }
  if (header.back() == ',') header.pop_back();
  header += "}";
  header.append((kHeaderAlignment - header.size() % kHeaderAlignment) % kHeaderAlignment, ' ');
  check(header.size() <= kMaxHeaderBytes, "the names and metadata are too long for a header");
  return header;
}

[[noreturn]] void reject_production(const std::filesystem::path& path, const std::string& name,
                                    std::uint64_t bytes, std::string_view how) {
  throw InputError(fmt::format(
      "{}: cannot write tensor '{}': its producer made {} than {} bytes; correct its shape",
      printable_path(path), printable(name), how, bytes));
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path)
    : SafetensorsFile(path, std::make_shared<const MappedFile>(path)) {}

SafetensorsFile::SafetensorsFile(std::filesystem::path name, std::vector<std::byte> bytes)
    : SafetensorsFile(std::move(name), std::make_shared<const MappedFile>(std::move(bytes))) {}

SafetensorsFile::SafetensorsFile(std::filesystem::path path, std::shared_ptr<const MappedFile> file)
    : path_(std::move(path)), file_(std::move(file)) {
  const std::span<const std::byte> bytes = file_->bytes();
  if (bytes.size() < kLengthBytes) {
    reject_file(path_, fmt::format("{} bytes are too few for a safetensors file", bytes.size()));
  }
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), kLengthBytes);
  if (header_bytes > kMaxHeaderBytes) {
    reject_file(path_, fmt::format("a header of {} bytes is longer than the {} allowed",
                                   header_bytes, kMaxHeaderBytes));
  }
  if (header_bytes > bytes.size() - kLengthBytes) {
    reject_file(path_, fmt::format("a header of {} bytes does not fit in a file of {}",
                                   header_bytes, bytes.size()));
  }
  const auto header = bytes.subspan(kLengthBytes, static_cast<std::size_t>(header_bytes));
  const auto data = bytes.subspan(kLengthBytes + header.size());
  read_safetensors_header(path_, {reinterpret_cast<const char*>(header.data()), header.size()},
                          data, tensors_, metadata_);

  std::sort(tensors_.begin(), tensors_.end(), [](const TensorInfo& a, const TensorInfo& b) {
    if (a.data.data() != b.data.data()) return a.data.data() < b.data.data();
    if (a.data.size() != b.data.size()) return a.data.size() < b.data.size();
    return a.name < b.name;
  });
  by_name_.resize(tensors_.size());
  std::iota(by_name_.begin(), by_name_.end(), std::size_t{0});
  std::sort(by_name_.begin(), by_name_.end(),
            [this](std::size_t a, std::size_t b) { return tensors_[a].name < tensors_[b].name; });
  for (std::size_t i = 1; i < by_name_.size(); ++i) {
    if (tensors_[by_name_[i - 1]].name == tensors_[by_name_[i]].name) {
      reject_file(path_,
                  fmt::format("tensor '{}' is there twice", printable(tensors_[by_name_[i]].name)));
    }
  }
  check_coverage(path_, tensors_, data);
}

const TensorInfo* SafetensorsFile::find(std::string_view name) const {
  const auto place =
      std::lower_bound(by_name_.begin(), by_name_.end(), name,
                       [this](std::size_t i, std::string_view n) { return tensors_[i].name < n; });
  if (place == by_name_.end() || tensors_[*place].name != name) return nullptr;
  return &tensors_[*place];
}

const TensorInfo& SafetensorsFile::at(std::string_view name) const {
  if (const TensorInfo* tensor = find(name)) return *tensor;
  std::vector<std::pair<std::size_t, std::size_t>> nearest;  // unlikeness, index
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    nearest.emplace_back(std::numeric_limits<std::size_t>::max() - likeness(tensors_[i].name, name),
                         i);
  }
  const std::size_t count = std::min(kNamesSuggested, nearest.size());
  std::partial_sort(nearest.begin(), nearest.begin() + static_cast<std::ptrdiff_t>(count),
                    nearest.end());
  std::string names;
  for (std::size_t i = 0; i < count; ++i) {
    names += fmt::format("{}'{}'", i == 0 ? "" : ", ", printable(tensors_[nearest[i].second].name));
  }
  throw InputError(fmt::format(
      "{}: has no tensor '{}'; {}", printable_path(path_), printable(name),
      count == 0 ? "it has none at all"
                 : fmt::format("the nearest of its {} are {}", tensors_.size(), names)));
}

void SafetensorsWriter::add(std::string name, std::string dtype, std::vector<std::uint64_t> shape,
                            std::span<const std::byte> data) {
  insert(std::move(name), std::move(dtype), std::move(shape), data.size(),
         [data](const Sink& sink) { sink(data); });
}

void SafetensorsWriter::add(std::string name, std::string dtype, std::vector<std::uint64_t> shape,
                            std::vector<std::byte>&& data) {
  const auto kept = std::make_shared<const std::vector<std::byte>>(std::move(data));
  insert(std::move(name), std::move(dtype), std::move(shape), kept->size(),
         [kept](const Sink& sink) { sink(*kept); });
}

void SafetensorsWriter::add(std::string name, std::string dtype, std::vector<std::uint64_t> shape,
                            Producer producer) {
  insert(std::move(name), std::move(dtype), std::move(shape), std::nullopt, std::move(producer));
}

void SafetensorsWriter::insert(std::string name, std::string dtype,
                               std::vector<std::uint64_t> shape,
                               std::optional<std::uint64_t> given_bytes, Producer producer) {
  assert(producer);
  const auto reject = [&](std::string_view what) {
    throw InputError(fmt::format("cannot write tensor '{}': {}", printable(name), what));
  };
  json_string(name, "tensor name");
  if (name == kMetadataKey) reject("the format reserves this name; rename the tensor");
  if (tensors_.contains(name)) reject("there is one of this name already; rename one of them");
  const std::uint64_t bytes = safetensors_bytes(dtype, shape, [&](std::string_view what) {
    reject(fmt::format("{}; convert or reshape it first", what));
  });
  if (given_bytes.has_value() && *given_bytes != bytes) {
    reject(fmt::format("{} of shape [{}] takes {} bytes, but there are {}; correct the shape",
                       dtype, fmt::join(shape, ","), bytes, *given_bytes));
  }
  tensors_.emplace(std::move(name),
                   Tensor{std::move(dtype), std::move(shape), bytes, std::move(producer)});
}

void SafetensorsWriter::set_metadata(std::string key, std::string value) {
  json_string(key, "metadata key");
  json_string(value, "metadata value");
  metadata_.insert_or_assign(std::move(key), std::move(value));
}

void SafetensorsWriter::write_to(const std::filesystem::path& path, const Sink& sink) const {
  using Entry = decltype(tensors_)::value_type;
  std::vector<const Entry*> order;
  for (const Entry& entry : tensors_) order.push_back(&entry);
  std::stable_sort(order.begin(), order.end(), [](const Entry* a, const Entry* b) {
    return safetensors_dtype_rank(a->second.dtype) > safetensors_dtype_rank(b->second.dtype);
  });
  const std::string header = make_header(path, order, metadata_);

  const std::uint64_t header_bytes = header.size();
  sink(std::as_bytes(std::span(&header_bytes, 1)));
  sink(std::as_bytes(std::span(header)));
  for (const Entry* entry : order) {
    const std::string& name = entry->first;
    const Tensor& tensor = entry->second;
    std::uint64_t missing = tensor.bytes;
    tensor.producer([&](std::span<const std::byte> piece) {
      if (piece.size() > missing) reject_production(path, name, tensor.bytes, "more");
      sink(piece);
      missing -= piece.size();
    });
    if (missing != 0) reject_production(path, name, tensor.bytes, "fewer");
  }
}

void SafetensorsWriter::write(const std::filesystem::path& path) const {
  std::optional<AtomicFile> file;  // made with the first bytes
  write_to(path, [&](std::span<const std::byte> piece) {
    if (!file) file.emplace(path);
    file->write(piece);
  });
  file->commit();
}

std::vector<std::byte> SafetensorsWriter::bytes() const {
  std::vector<std::byte> bytes;
  write_to("memory", [&](std::span<const std::byte> piece) {
    bytes.insert(bytes.end(), piece.begin(), piece.end());
  });
  return bytes;
}

}  // namespace szt
