// SPDX-License-Identifier: Apache-2.0
#include "safetensors_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "szt/error.h"
#include "szt/printable.h"

namespace szt {
namespace {

constexpr std::size_t kMaxRank = 64;  // NumPy's and PyTorch's
constexpr std::uint64_t kMaxBits = std::numeric_limits<std::int64_t>::max();

struct Dtype {
  std::string_view name;
  int bits;
};

// In the reference implementation's order: rising alignment.
constexpr auto kDtypes = std::to_array<Dtype>({
    {"BOOL", 8},        {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8},
    {"I8", 8},          {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8},
    {"F8_E5M2FNUZ", 8}, {"I16", 16},    {"U16", 16},    {"F16", 16},    {"BF16", 16},
    {"I32", 32},        {"U32", 32},    {"F32", 32},    {"C64", 64},    {"F64", 64},
    {"I64", 64},        {"U64", 64},
});

// Builds the tensors while the JSON header is read, without a tree in between; everything that is
// not of the format's one form throws.
class HeaderReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderReader(const std::filesystem::path& path, std::span<const std::byte> data,
               std::vector<TensorInfo>& tensors, std::map<std::string, std::string>& metadata)
      : path_(path), data_(data), tensors_(tensors), metadata_(metadata) {}

  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("true or false"); }
  bool number_integer(number_integer_t value) override {
    unexpected(fmt::format("the number {}", value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (state_ == State::kShape && tensors_.back().shape.size() >= kMaxRank) {
      reject(fmt::format("shape has more than {} dimensions", kMaxRank));
    }
    if (state_ == State::kShape) {
      tensors_.back().shape.push_back(value);
    } else if (state_ == State::kOffsets && offset_count_ < offsets_.size()) {
      offsets_[offset_count_++] = value;
    } else if (state_ == State::kOffsets) {
      reject("data_offsets has more than two numbers");
    } else {
      unexpected(fmt::format("the number {}", value));
    }
    return true;
  }
  bool number_float(number_float_t, const string_t& text) override {
    unexpected(fmt::format("the number {}", printable(text)));
  }
  bool string(string_t& value) override {
    if (state_ == State::kMetadata) {
      if (metadata_.size() >= kMaxMetadataEntries) {
        reject(fmt::format("has more than {} entries", kMaxMetadataEntries));
      }
      if (!metadata_.try_emplace(std::move(key_), std::move(value)).second) {
        reject(fmt::format("key '{}' is there twice", printable(key_)));
      }
    } else if (state_ == State::kTensor && field_ == Field::kDtype) {
      if (safetensors_dtype_bits(value) == 0) {
        reject(fmt::format("dtype '{}' is unknown", printable(value)));
      }
      tensors_.back().dtype = value;
    } else {
      unexpected(fmt::format("the string \"{}\"", printable(value)));
    }
    return true;
  }
  bool binary(binary_t&) override { unexpected("binary data"); }

  bool start_object(std::size_t) override {
    if (state_ == State::kStart) {
      state_ = State::kTop;
    } else if (state_ == State::kTop && key_ == kMetadataKey) {
      state_ = State::kMetadata;
      if (std::exchange(has_metadata_, true)) reject("is there twice");
    } else if (state_ == State::kTop) {
      state_ = State::kTensor;
      tensors_.push_back({.name = std::move(key_), .dtype = {}, .shape = {}, .data = {}});
      seen_ = {};
    } else {
      unexpected("an object");
    }
    return true;
  }
  bool key(string_t& value) override {
    if (state_ != State::kTensor) {
      key_ = std::move(value);
      return true;
    }
    const auto name = std::find(kFieldNames.begin(), kFieldNames.end(), value);
    if (name == kFieldNames.end()) {
      reject(fmt::format("key '{}' is unknown; only dtype, shape and data_offsets are expected",
                         printable(value)));
    }
    const auto index = static_cast<std::size_t>(name - kFieldNames.begin());
    if (std::exchange(seen_[index], true)) reject(fmt::format("key '{}' is there twice", value));
    field_ = static_cast<Field>(index);
    return true;
  }
  bool end_object() override {
    if (state_ == State::kTensor) finish_tensor();
    state_ = state_ == State::kTop ? State::kDone : State::kTop;
    return true;
  }
  bool start_array(std::size_t) override {
    if (state_ == State::kTensor && field_ == Field::kShape) {
      state_ = State::kShape;
    } else if (state_ == State::kTensor && field_ == Field::kOffsets) {
      state_ = State::kOffsets;
      offset_count_ = 0;
    } else {
      unexpected("an array");
    }
    return true;
  }
  bool end_array() override {
    if (state_ == State::kOffsets && offset_count_ != offsets_.size()) {
      reject("data_offsets does not have two numbers");
    }
    state_ = State::kTensor;
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    throw InputError(fmt::format("{}: the header is not valid JSON (at byte {} of it); {}",
                                 printable_path(path_), position, kDamaged));
  }

 private:
  enum class State { kStart, kTop, kMetadata, kTensor, kShape, kOffsets, kDone };
  enum class Field { kDtype, kShape, kOffsets };
  static constexpr std::array<std::string_view, 3> kFieldNames = {"dtype", "shape", "data_offsets"};

  [[noreturn]] void reject(std::string_view what) const {
    std::string where = "header";
    if (state_ == State::kMetadata) {
      where = kMetadataKey;
    } else if (state_ == State::kTensor || state_ == State::kShape || state_ == State::kOffsets) {
      where = fmt::format("tensor '{}'", printable(tensors_.back().name));
    }
    throw InputError(fmt::format("{}: {}: {}; {}", printable_path(path_), where, what, kDamaged));
  }

  [[noreturn]] void unexpected(std::string_view found) const {
    switch (state_) {
      case State::kTop:
        reject(fmt::format("'{}' should be an object, not {}", printable(key_), found));
      case State::kMetadata:
        reject(fmt::format("'{}' should be a string, not {}", printable(key_), found));
      case State::kTensor:
        reject(fmt::format("{} should be {}, not {}", kFieldNames[static_cast<std::size_t>(field_)],
                           field_ == Field::kDtype ? "a string" : "an array", found));
      case State::kShape:
      case State::kOffsets:
        reject(fmt::format("{} should hold whole numbers below 2^64, not {}",
                           kFieldNames[static_cast<std::size_t>(field_)], found));
      case State::kStart:
      case State::kDone:
        break;
    }
    reject(fmt::format("should be an object, not {}", found));
  }

  void finish_tensor() {
    for (std::size_t i = 0; i < seen_.size(); ++i) {
      if (!seen_[i]) reject(fmt::format("key '{}' is missing", kFieldNames[i]));
    }
    TensorInfo& tensor = tensors_.back();
    const auto [begin, end] = offsets_;
    if (begin > end) reject(fmt::format("data_offsets [{},{}] run backwards", begin, end));
    if (end > data_.size()) {
      reject(fmt::format("data_offsets [{},{}] reach past the {} bytes of data", begin, end,
                         data_.size()));
    }
    const std::uint64_t bytes = safetensors_bytes(tensor.dtype, tensor.shape,
                                                  [this](std::string_view what) { reject(what); });
    if (end - begin != bytes) {
      reject(fmt::format("{} of shape [{}] takes {} bytes, but data_offsets [{},{}] hold {}",
                         tensor.dtype, fmt::join(tensor.shape, ","), bytes, begin, end,
                         end - begin));
    }
    tensor.data = data_.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(bytes));
  }

  const std::filesystem::path& path_;
  std::span<const std::byte> data_;
  std::vector<TensorInfo>& tensors_;
  std::map<std::string, std::string>& metadata_;
  State state_ = State::kStart;
  std::string key_;  // last one of the top level or of the metadata
  Field field_ = Field::kDtype;
  std::array<bool, kFieldNames.size()> seen_ = {};
  std::array<std::uint64_t, 2> offsets_ = {};
  std::size_t offset_count_ = 0;
  bool has_metadata_ = false;
};

}  // namespace

int safetensors_dtype_bits(std::string_view dtype) {
  const std::size_t rank = safetensors_dtype_rank(dtype);
  return rank < kDtypes.size() ? kDtypes[rank].bits : 0;
}

std::size_t safetensors_dtype_rank(std::string_view dtype) {
  const auto is_it = [&](const Dtype& candidate) { return candidate.name == dtype; };
  return static_cast<std::size_t>(std::find_if(kDtypes.begin(), kDtypes.end(), is_it) -
                                  kDtypes.begin());
}

std::uint64_t safetensors_bytes(std::string_view dtype, const std::vector<std::uint64_t>& shape,
                                const std::function<void(std::string_view)>& reject) {
  auto bits = static_cast<std::uint64_t>(safetensors_dtype_bits(dtype));
  if (bits == 0) reject(fmt::format("dtype '{}' is unknown", printable(dtype)));
  if (shape.size() > kMaxRank) reject(fmt::format("shape has more than {} dimensions", kMaxRank));
  bool empty = false;
  for (const std::uint64_t dimension : shape) {
    if (dimension == 0) {
      empty = true;
    } else if (dimension > kMaxBits / bits) {
      reject(fmt::format("shape [{}] is too large", fmt::join(shape, ",")));
    } else {
      bits *= dimension;
    }
  }
  if (empty) return 0;
  if (bits % 8 != 0) {
    reject(fmt::format("shape [{}] of {} does not fill whole bytes", fmt::join(shape, ","), dtype));
  }
  return bits / 8;
}

void read_safetensors_header(const std::filesystem::path& path, std::string_view header,
                             std::span<const std::byte> data, std::vector<TensorInfo>& tensors,
                             std::map<std::string, std::string>& metadata) {
  // The JSON library takes a zero byte for the end of the text.
  if (!header.starts_with('{') || header.find('\0') != std::string_view::npos) {
    throw InputError(fmt::format("{}: the header is not a JSON object; is this a safetensors file?",
                                 printable_path(path)));
  }
  HeaderReader reader(path, data, tensors, metadata);
  nlohmann::json::sax_parse(header.begin(), header.end(), &reader);
}

}  // namespace szt
