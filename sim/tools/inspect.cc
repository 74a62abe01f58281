// SPDX-License-Identifier: Apache-2.0
// szt inspect: what a checkpoint or an .npy array holds.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "commands.h"
#include "histogram.h"
#include "options.h"
#include "outputs.h"
#include "report.h"
#include "szt/checkpoint.h"
#include "szt/error.h"
#include "szt/latent.h"
#include "szt/npy.h"
#include "szt/printable.h"
#include "szt/quantize.h"
#include "szt/safetensors.h"

namespace szt::tools {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string file;
  std::string tensor;
  std::string json;
  bool histogram = false;
  std::string include;
  std::string exclude;
  std::string csv;
};

bool is_npy(const std::string& path) {
  constexpr std::string_view kMagic = "\x93NUMPY";
  std::array<char, kMagic.size()> start{};
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  return file != nullptr && std::fread(start.data(), 1, start.size(), file.get()) == start.size() &&
         std::string_view(start.data(), start.size()) == kMagic;
}

struct Range {
  double low = 0;
  double high = 0;
  std::size_t not_finite = 0;
  bool any = false;

  void add(double value) {
    if (!std::isfinite(value)) {
      ++not_finite;
      return;
    }
    low = any ? std::min(low, value) : value;
    high = any ? std::max(high, value) : value;
    any = true;
  }
};

template <typename T>
void add_all(std::span<const std::byte> bytes, Range& range) {
  for (std::size_t i = 0; i + sizeof(T) <= bytes.size(); i += sizeof(T)) {
    T value;
    std::memcpy(&value, bytes.data() + i, sizeof(T));
    if constexpr (std::is_same_v<T, Float16>) {
      range.add(static_cast<double>(to_float(value)));
    } else {
      range.add(static_cast<double>(value));
    }
  }
}

Range range_of(const NpyArray& array) {
  Range range;
  const std::string& descr = array.descr();
  const auto bytes = array.data();
  if (descr == "|i1") add_all<std::int8_t>(bytes, range);
  if (descr == "|u1") add_all<std::uint8_t>(bytes, range);
  if (descr == "<i2") add_all<std::int16_t>(bytes, range);
  if (descr == "<i4") add_all<std::int32_t>(bytes, range);
  if (descr == "<i8") add_all<std::int64_t>(bytes, range);
  if (descr == "<f2") add_all<Float16>(bytes, range);
  if (descr == "<f4") add_all<float>(bytes, range);
  if (descr == "<f8") add_all<double>(bytes, range);
  return range;
}

Json inspect_npy(const Options& options) {
  if (!options.tensor.empty()) {
    throw InputError(
        fmt::format("{}: an .npy file holds one array without a name; leave --tensor "
                    "away",
                    printable_path(options.file)));
  }
  const NpyArray array(options.file);
  const Range range = range_of(array);
  Json json = {{"file", options.file},
               {"format", "npy"},
               {"descr", array.descr()},
               {"fortran_order", array.header().fortran_order},
               {"shape", array.shape()},
               {"min", range.any ? Json(range.low) : Json()},
               {"max", range.any ? Json(range.high) : Json()},
               {"not_finite", range.not_finite}};
  Table table{"dtype", "shape", "min>", "max>", "not finite>"};
  table.add_row(
      {array.descr(), shape_text(array.shape()), range.any ? fmt::format("{:.6g}", range.low) : "-",
       range.any ? fmt::format("{:.6g}", range.high) : "-", std::to_string(range.not_finite)});
  table.print();
  return json;
}

// Rows of a table of quantised tensors.
class QuantizedReport {
 public:
  void add(const QuantizedWeights& weights) {
    const CodeHistogram counts = histogram(weights.codes);
    const auto count = [&](Code code) { return counts[static_cast<std::size_t>(code)]; };
    const std::uint64_t zeros = count(Code::kZeroPlus) + count(Code::kZeroMinus);
    const std::uint64_t n = zeros + count(Code::kPlusOne) + count(Code::kMinusOne);
    const std::array<std::uint64_t, 3> merged = {count(Code::kMinusOne), zeros,
                                                 count(Code::kPlusOne)};
    const std::size_t bytes = weights.codes.bytes().size() + 2 * sizeof(float);
    const double share = ratio(static_cast<double>(zeros), static_cast<double>(n));
    const double bytes_each = ratio(static_cast<double>(bytes), static_cast<double>(n));
    const std::array shape = {static_cast<std::uint64_t>(weights.codes.rows()),
                              static_cast<std::uint64_t>(weights.codes.cols())};
    json_.push_back({{"tensor", weights.name},
                     {"shape", shape},
                     {"dtype", weights.dtype},
                     {"threshold", json_float(weights.threshold)},
                     {"scale", json_float(weights.scale)},
                     {"codes",
                      {{"+1", count(Code::kPlusOne)},
                       {"0+", count(Code::kZeroPlus)},
                       {"0-", count(Code::kZeroMinus)},
                       {"-1", count(Code::kMinusOne)}}},
                     {"parameters", n},
                     {"dead_zone_share", share},
                     {"entropy_bits", entropy_bits(counts)},
                     {"entropy_bits_zeros_merged", entropy_bits(merged)},
                     {"bytes", bytes},
                     {"bytes_per_parameter", bytes_each}});
    table_.add_row({printable(weights.name, 64), shape_text(shape), weights.dtype,
                    fmt::format("{:.6g}", weights.threshold), fmt::format("{:.6g}", weights.scale),
                    std::to_string(count(Code::kPlusOne)), std::to_string(count(Code::kZeroPlus)),
                    std::to_string(count(Code::kZeroMinus)), std::to_string(count(Code::kMinusOne)),
                    percent(share), fmt::format("{:.4f}", entropy_bits(counts)),
                    fmt::format("{:.4f}", bytes_each)});
  }
  void print() const { table_.print(); }
  const std::vector<Json>& json() const { return json_; }

 private:
  std::vector<Json> json_;
  Table table_{"quantised", "shape", "was", "threshold>", "scale>",   "+1>",
               "0+>",       "0->",   "-1>", "dead zone>", "entropy>", "bytes/w>"};
};

Json inspect_checkpoint(const Options& options) {
  const QuantizedCheckpoint checkpoint{SafetensorsFile(options.file)};
  const SafetensorsFile& file = checkpoint.file();
  const bool all = options.tensor.empty();
  QuantizedReport quantized;
  for (const std::string& name : checkpoint.names()) {
    if (all || name == options.tensor) quantized.add(checkpoint.at(name));
  }
  std::vector<Json> tensors;
  Table table{"tensor", "dtype", "shape", "bytes>"};
  const auto add_tensor = [&](const TensorInfo& tensor) {
    tensors.push_back({{"tensor", tensor.name},
                       {"dtype", tensor.dtype},
                       {"shape", tensor.shape},
                       {"bytes", tensor.data.size()}});
    table.add_row({printable(tensor.name, 64), tensor.dtype, shape_text(tensor.shape),
                   std::to_string(tensor.data.size())});
  };
  if (!all) {
    if (quantized.json().empty()) add_tensor(file.at(options.tensor));
  } else {
    for (const TensorInfo& tensor : file.tensors()) {
      if (!checkpoint.is_part(tensor.name)) add_tensor(tensor);
    }
  }
  if (!quantized.json().empty()) {
    fmt::print("rule {}, zero shift {}; entropy in bits a weight\n", printable(checkpoint.rule()),
               checkpoint.zero_shift());
    quantized.print();
  }
  if (!quantized.json().empty() && !tensors.empty()) fmt::print("\n");
  if (!tensors.empty()) table.print();
  if (all && quantized.json().empty() && tensors.empty()) fmt::print("no tensors\n");
  return {{"file", options.file},
          {"format", "safetensors"},
          {"quantized", quantized.json()},
          {"tensors", tensors},
          {"metadata", file.metadata()}};
}

int inspect_file(const Options& options) {
  if (options.histogram) {
    return inspect_histogram({options.file, options.tensor, options.include, options.exclude,
                              options.csv, options.json});
  }
  for (const auto& [name, value] : {std::pair("--include", options.include),
                                    {"--exclude", options.exclude},
                                    {"--csv", options.csv}}) {
    if (!value.empty()) {
      throw InputError(fmt::format("{} goes with --histogram; add that or leave it away", name));
    }
  }
  check_outputs({{"--json", options.json}}, {{"FILE", options.file}});
  Json json = is_npy(options.file) ? inspect_npy(options) : inspect_checkpoint(options);
  json["tool_versions"] = tool_versions();
  write_json(options.json, json);
  return kExitOk;
}

}  // namespace

Subcommand add_inspect(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("inspect", "List the tensors of a checkpoint, or describe an .npy array");
  command->footer(
      "Of a quantised tensor: the counts of the four codes, the share of weights in the dead zone\n"
      "(both zeros), the entropy of the codes in bits a weight, and the bytes a weight takes, its\n"
      "scale and threshold counted.\n"
      "With --histogram, of every 2-D float tensor, under the rules twn, absmean and mse: the "
      "share\n"
      "in the dead zone beside those of Gaussian and Laplace weights of the same mean|w|; the\n"
      "signal-to-quantisation-noise ratio of the forward pass's three levels, of the backward\n"
      "pass's four (zero shift 2) and of four with the best inner one.");
  command->add_option("FILE", options->file, "safetensors or .npy file")
      ->required()
      ->type_name("FILE");
  command->add_option("--tensor", options->tensor, "Only this tensor")->type_name("NAME");
  command->add_flag("--histogram", options->histogram,
                    "Weights that are not quantised yet against the three rules");
  command
      ->add_option("--include", options->include,
                   "With --histogram: only tensors whose name\nholds a match of this regular "
                   "expression (ECMAScript)")
      ->type_name("REGEX");
  command
      ->add_option("--exclude", options->exclude,
                   "With --histogram: no tensor whose name\nholds a match")
      ->type_name("REGEX");
  command
      ->add_option("--csv", options->csv, "With --histogram: write the histograms of w / mean|w|")
      ->type_name("FILE");
  add_json_option(*command, options->json);
  return {command, [options] { return inspect_file(*options); }};
}

}  // namespace szt::tools
