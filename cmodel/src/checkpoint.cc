// SPDX-License-Identifier: Apache-2.0
#include "szt/checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "szt/error.h"
#include "szt/printable.h"

namespace szt {
namespace {

constexpr char kVersionKey[] = "szt.version";
constexpr char kRuleKey[] = "szt.rule";
constexpr char kZeroShiftKey[] = "szt.zero_shift";
constexpr std::string_view kShapeKey = "szt.shape.";
constexpr std::string_view kDtypeKey = "szt.dtype.";

constexpr std::size_t kNamesListed = 5;
constexpr std::string_view kRedo = "quantise the original again";

std::string key_of(std::string_view prefix, std::string_view name) {
  return std::string(prefix).append(name);
}

std::string join_shape(std::span<const std::uint64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ","));
}

// "[out,in]", spaces allowed; nothing for anything else.
std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_shape(std::string_view text) {
  std::string compact;
  for (const char c : text) {
    if (c != ' ') compact += c;
  }
  const char* const end = compact.data() + compact.size();
  std::uint64_t rows = 0;
  std::uint64_t cols = 0;
  if (compact.empty() || compact.front() != '[') return std::nullopt;
  const auto first = std::from_chars(compact.data() + 1, end, rows);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ',') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, cols);
  if (second.ec != std::errc() || second.ptr + 1 != end || *second.ptr != ']') return std::nullopt;
  return std::pair(rows, cols);
}

}  // namespace

std::array<std::string, 3> quantized_parts(std::string_view name) {
  return {std::string(name) + ".codes", std::string(name) + ".scale",
          std::string(name) + ".threshold"};
}

void set_checkpoint_metadata(SafetensorsWriter& writer, const Rule& rule,
                             const ZeroShift& zero_shift) {
  writer.set_metadata(kVersionKey, std::string(kCheckpointVersion));
  writer.set_metadata(kRuleKey, to_string(rule));
  writer.set_metadata(kZeroShiftKey, to_string(zero_shift));
}

void add_quantized(SafetensorsWriter& writer, const std::string& name, QuantizedTensor tensor) {
  const auto [codes_name, scale_name, threshold_name] = quantized_parts(name);
  writer.set_metadata(key_of(kShapeKey, name),
                      fmt::format("[{},{}]", tensor.codes.rows(), tensor.codes.cols()));
  writer.set_metadata(key_of(kDtypeKey, name), std::string(szt::name(tensor.dtype)));
  const auto add_number = [&](const std::string& part, float value) {
    std::vector<std::byte> bytes(sizeof(value));
    std::memcpy(bytes.data(), &value, sizeof(value));
    writer.add(part, "F32", {1}, std::move(bytes));
  };
  add_number(scale_name, tensor.scale);
  add_number(threshold_name, tensor.threshold);
  const auto codes = std::make_shared<const PackedCodes>(std::move(tensor.codes));
  writer.add(codes_name, "U8", {codes->rows(), codes->stride_bytes()},
             [codes](const SafetensorsWriter::Sink& sink) { sink(std::as_bytes(codes->bytes())); });
}

QuantizedCheckpoint::QuantizedCheckpoint(SafetensorsFile file) : file_(std::move(file)) {
  const auto& metadata = file_.metadata();
  const auto version = metadata.find(kVersionKey);
  if (version == metadata.end()) return;
  if (version->second != kCheckpointVersion) {
    throw InputError(
        fmt::format("{}: metadata 'szt.version' is '{}', this program reads '{}'; use the program "
                    "that wrote the file",
                    printable_path(file_.path()), printable(version->second), kCheckpointVersion));
  }
  if (metadata.contains(kZeroShiftKey) && !find_zero_shift(zero_shift())) {
    throw InputError(fmt::format("{}: metadata 'szt.zero_shift' is '{}', not 0 to {} or inf; {}",
                                 printable_path(file_.path()), printable(zero_shift()),
                                 kMaxZeroShift, kRedo));
  }
  for (auto i = metadata.lower_bound(std::string(kShapeKey));
       i != metadata.end() && i->first.starts_with(kShapeKey); ++i) {
    names_.push_back(i->first.substr(kShapeKey.size()));
    for (std::string& part : quantized_parts(names_.back())) parts_.push_back(std::move(part));
  }
  std::sort(parts_.begin(), parts_.end());
}

bool QuantizedCheckpoint::contains(std::string_view name) const {
  return std::binary_search(names_.begin(), names_.end(), name);
}

bool QuantizedCheckpoint::is_part(std::string_view tensor_name) const {
  return std::binary_search(parts_.begin(), parts_.end(), tensor_name);
}

std::string QuantizedCheckpoint::where(std::string_view name) const {
  return fmt::format("{}: tensor '{}'", printable_path(file_.path()), printable(name));
}

std::string QuantizedCheckpoint::metadata_or_empty(const char* key) const {
  const auto entry = file_.metadata().find(key);
  return entry == file_.metadata().end() ? std::string() : entry->second;
}

void QuantizedCheckpoint::reject_missing(std::string_view name) const {
  if (const TensorInfo* tensor = file_.find(name)) {
    const std::string what =
        fmt::format("{} is {} {}", where(name), tensor->dtype, join_shape(tensor->shape));
    if (is_part(name)) {
      throw InputError(
          fmt::format("{}, a part of a quantised tensor; name it without the ending '{}'", what,
                      name.substr(name.rfind('.'))));
    }
    if (tensor->shape.size() != 2) {
      throw InputError(
          fmt::format("{}; weights have two dimensions [out,in]: name one that has", what));
    }
    throw InputError(fmt::format("{}, not quantised; run 'szt quantize' on the file first", what));
  }
  if (names_.empty()) {
    throw InputError(
        fmt::format("{}: has no tensor '{}' and no quantised tensor at all; run 'szt "
                    "quantize' on the original",
                    printable_path(file_.path()), printable(name)));
  }
  std::string listed;
  for (std::size_t i = 0; i < std::min(kNamesListed, names_.size()); ++i) {
    listed += fmt::format("{}'{}'", i == 0 ? "" : ", ", printable(names_[i]));
  }
  if (names_.size() > kNamesListed) {
    listed += fmt::format(" and {} more", names_.size() - kNamesListed);
  }
  throw InputError(fmt::format("{}: has no tensor '{}'; the quantised ones are {}",
                               printable_path(file_.path()), printable(name), listed));
}

const TensorInfo& QuantizedCheckpoint::part(std::string_view name,
                                            const std::string& part_name) const {
  if (const TensorInfo* tensor = file_.find(part_name)) return *tensor;
  throw InputError(fmt::format("{} lacks '{}', which the metadata 'szt.shape.{}' announces; {}",
                               where(name), printable(part_name), printable(name), kRedo));
}

float QuantizedCheckpoint::number(std::string_view name, const std::string& part_name) const {
  const TensorInfo& tensor = part(name, part_name);
  if (tensor.dtype != "F32" || tensor.shape != std::vector<std::uint64_t>{1}) {
    throw InputError(fmt::format("{}: '{}' is {} {}, not F32 [1]; {}", where(name),
                                 printable(part_name), tensor.dtype, join_shape(tensor.shape),
                                 kRedo));
  }
  float value = 0;
  std::memcpy(&value, tensor.data.data(), sizeof(value));
  if (!std::isfinite(value) || value < 0) {
    throw InputError(fmt::format("{}: '{}' is {}, not a finite number >= 0; {}", where(name),
                                 printable(part_name), value, kRedo));
  }
  return value;
}

ZeroShift QuantizedCheckpoint::zero_shift_or_default() const {
  return find_zero_shift(zero_shift()).value_or(kDefaultZeroShift);
}

QuantizedWeights QuantizedCheckpoint::at(std::string_view name) const {
  if (!contains(name)) reject_missing(name);
  const auto& metadata = file_.metadata();
  const auto [codes_name, scale_name, threshold_name] = quantized_parts(name);
  const std::string& announced = metadata.at(key_of(kShapeKey, name));
  const auto shape = parse_shape(announced);
  if (!shape) {
    throw InputError(fmt::format("{}: metadata 'szt.shape.{}' is '{}', not '[out,in]'; {}",
                                 where(name), printable(name), printable(announced), kRedo));
  }
  const auto [rows, cols] = *shape;
  const TensorInfo& codes = part(name, codes_name);
  const std::vector<std::uint64_t> expected{rows, packed_stride(cols)};
  if (codes.dtype != "U8" || codes.shape != expected) {
    throw InputError(fmt::format("{}: '{}' is {} {}, but the shape {} needs U8 {}; {}", where(name),
                                 printable(codes_name), codes.dtype, join_shape(codes.shape),
                                 join_shape(std::array{rows, cols}), join_shape(expected), kRedo));
  }
  const std::span<const std::uint8_t> bytes(
      reinterpret_cast<const std::uint8_t*>(codes.data.data()), codes.data.size());
  const auto dtype = metadata.find(key_of(kDtypeKey, name));
  return {std::string(name), PackedCodesView(where(name), bytes, rows, cols),
          number(name, threshold_name), number(name, scale_name),
          dtype == metadata.end() ? std::string() : dtype->second};
}

}  // namespace szt
