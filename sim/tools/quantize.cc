// SPDX-License-Identifier: Apache-2.0
// szt quantize: 2-D tensors of a checkpoint into signed-zero ternary codes, the rest as it was.
#include "szt/quantize.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "commands.h"
#include "name_filter.h"
#include "options.h"
#include "outputs.h"
#include "progress.h"
#include "report.h"
#include "szt/checkpoint.h"
#include "szt/error.h"
#include "szt/printable.h"
#include "szt/safetensors.h"

namespace szt::tools {
namespace {

constexpr std::size_t kNamesListed = 5;
struct Options {
  std::string in;
  std::string out;
  std::string rule = "twn";
  std::string include;
  std::string exclude;
  bool integers = false;
  std::string json;
};

// Which tensors to quantise.
class Selection {
 public:
  explicit Selection(const Options& options)
      : names_(options.include, options.exclude), integers_(options.integers) {}

  // The latent format if the tensor's rank and dtype can be quantised.
  std::optional<Dtype> candidate(const TensorInfo& tensor) const {
    const std::optional<Dtype> dtype = find_dtype(tensor.dtype);
    if (tensor.shape.size() != 2 || !dtype) return std::nullopt;
    const bool integer = *dtype == Dtype::kI8 || *dtype == Dtype::kI16;
    return integer && !integers_ ? std::nullopt : dtype;
  }

  bool matches(const std::string& name) const { return names_.matches(name); }

 private:
  NameFilter names_;
  bool integers_;
};

struct Chosen {
  const TensorInfo* tensor;
  Dtype dtype;
};

[[noreturn]] void reject_nothing_chosen(const SafetensorsFile& file, const Selection& selection) {
  std::string names;
  std::size_t count = 0;
  std::size_t matrices = 0;
  for (const TensorInfo& tensor : file.tensors()) {
    matrices += tensor.shape.size() == 2 ? 1U : 0U;
    if (!selection.candidate(tensor)) continue;
    if (++count > kNamesListed) continue;
    names += fmt::format("{}'{}'", count == 1 ? "" : ", ", printable(tensor.name));
  }
  if (count > kNamesListed) names += fmt::format(" and {} more", count - kNamesListed);
  const std::string where = printable_path(file.path());
  if (count != 0) {
    throw InputError(
        fmt::format("{}: --include and --exclude leave none of its {} 2-D tensors to quantise: {}",
                    where, count, names));
  }
  throw InputError(
      fmt::format("{}: no 2-D tensor of F32, F16 or BF16 among its {} tensors ({} are 2-D); only "
                  "such weights are quantised, and I8 and I16 with --integers",
                  where, file.tensors().size(), matrices));
}

std::vector<Chosen> choose(const SafetensorsFile& file, const Selection& selection) {
  std::vector<Chosen> chosen;
  for (const TensorInfo& tensor : file.tensors()) {
    const std::optional<Dtype> dtype = selection.candidate(tensor);
    if (dtype && selection.matches(tensor.name)) chosen.push_back({&tensor, *dtype});
  }
  if (chosen.empty()) reject_nothing_chosen(file, selection);
  return chosen;
}

void refuse_quantized(const SafetensorsFile& file) {
  if (file.metadata().contains("szt.version")) {
    throw InputError(
        fmt::format("{}: is quantised already; start from the original, or from what "
                    "'szt dequantize' makes of it",
                    printable_path(file.path())));
  }
  for (const auto& entry : file.metadata()) {
    if (!entry.first.starts_with(kCheckpointKeyPrefix)) continue;
    throw InputError(
        fmt::format("{}: metadata '{}' begins with '{}', which the quantised format keeps for "
                    "itself; rename it",
                    printable_path(file.path()), printable(entry.first), kCheckpointKeyPrefix));
  }
}

// Everything that is not chosen, bit for bit.
void copy_rest(const SafetensorsFile& file, const std::vector<Chosen>& chosen,
               SafetensorsWriter& writer) {
  auto next = chosen.begin();  // in the order of file.tensors()
  for (const TensorInfo& tensor : file.tensors()) {
    if (next != chosen.end() && next->tensor == &tensor) {
      ++next;
      continue;
    }
    writer.add(tensor.name, tensor.dtype, tensor.shape, tensor.data);
  }
  for (const auto& [key, value] : file.metadata()) writer.set_metadata(key, value);
}

// A part's name must be free among the tensors that are copied.
void check_names(const SafetensorsFile& file, const std::vector<Chosen>& chosen) {
  for (const Chosen& choice : chosen) {
    for (const std::string& part : quantized_parts(choice.tensor->name)) {
      const TensorInfo* other = file.find(part);
      if (other == nullptr) continue;
      bool replaced = false;
      for (const Chosen& candidate : chosen) replaced = replaced || candidate.tensor == other;
      if (replaced) continue;
      throw InputError(fmt::format(
          "{}: quantising '{}' would make a tensor '{}', which the file has already; rename one, "
          "or leave the weights out with --exclude",
          printable_path(file.path()), printable(choice.tensor->name), printable(part)));
    }
  }
}

class Report {
 public:
  void add(const TensorInfo& tensor, const QuantizedTensor& quantized) {
    const std::size_t after = quantized.codes.bytes().size() + 2 * sizeof(float);
    const double elements =
        static_cast<double>(quantized.codes.rows()) * static_cast<double>(quantized.codes.cols());
    const double share = ratio(static_cast<double>(quantized.nonzero), elements);
    table_.add_row({printable(tensor.name, 64), shape_text(tensor.shape), tensor.dtype,
                    fmt::format("{:.6g}", quantized.threshold),
                    fmt::format("{:.6g}", quantized.scale), percent(share),
                    std::to_string(tensor.data.size()), std::to_string(after)});
    tensors_.push_back({{"tensor", tensor.name},
                        {"shape", tensor.shape},
                        {"dtype", tensor.dtype},
                        {"threshold", json_float(quantized.threshold)},
                        {"scale", json_float(quantized.scale)},
                        {"nonzero", quantized.nonzero},
                        {"nonzero_share", share},
                        {"bytes_before", tensor.data.size()},
                        {"bytes_after", after}});
    before_ += tensor.data.size();
    after_ += after;
    if (quantized.nonzero == 0 && elements != 0) {
      notes_.push_back(fmt::format("{}: no weight exceeds the threshold, so the scale is 0",
                                   printable(tensor.name)));
    }
  }

  void add_copied(const TensorInfo& tensor) {
    ++copied_;
    if (tensor.dtype == "F64" && tensor.shape.size() == 2) {
      notes_.push_back(fmt::format("{}: copied, F64 is not quantised; convert it to F32 first",
                                   printable(tensor.name)));
    }
  }

  void print(const Options& options, const Rule& rule) const {
    table_.print();
    for (const std::string& note : notes_) fmt::print("note: {}\n", note);
    fmt::print("{}: {} quantised by {}, {} -> {} bytes; {} copied\n", printable_path(options.out),
               tensors_.size(), to_string(rule), before_, after_, copied_);
  }

  nlohmann::ordered_json json(const Options& options, const Rule& rule) const {
    return {{"command", "quantize"},           {"in", options.in},      {"out", options.out},
            {"rule", to_string(rule)},         {"tensors", tensors_},   {"copied", copied_},
            {"bytes_before", before_},         {"bytes_after", after_}, {"notes", notes_},
            {"tool_versions", tool_versions()}};
  }

 private:
  Table table_{"tensor", "shape", "dtype", "threshold>", "scale>", "nonzero>", "bytes>", "now>"};
  std::vector<nlohmann::ordered_json> tensors_;
  std::vector<std::string> notes_;
  std::size_t copied_ = 0;
  std::uint64_t before_ = 0;
  std::uint64_t after_ = 0;
};

int quantize_file(const Options& options) {
  const Rule rule = parse_rule(options.rule);
  const Selection selection(options);
  const SafetensorsFile file(options.in);
  refuse_quantized(file);
  const std::vector<Chosen> chosen = choose(file, selection);
  check_names(file, chosen);
  check_outputs({{"OUT", options.out}, {"--json", options.json}});
  if (!options.json.empty()) check_outputs({{"--json", options.json}}, {{"IN", options.in}});

  SafetensorsWriter writer;
  copy_rest(file, chosen, writer);
  set_checkpoint_metadata(writer, rule);

  Report report;
  double total = 0;
  double done = 0;
  for (const Chosen& choice : chosen) total += static_cast<double>(choice.tensor->data.size());
  Progress progress;
  for (const Chosen& choice : chosen) {
    const TensorInfo& tensor = *choice.tensor;
    progress.update(ratio(done, total), tensor.name);
    QuantizedTensor quantized = quantize(
        fmt::format("{}: tensor '{}'", printable_path(file.path()), printable(tensor.name)),
        choice.dtype, tensor.data.data(), tensor.shape[0], tensor.shape[1], rule);
    report.add(tensor, quantized);
    add_quantized(writer, tensor.name, std::move(quantized));
    done += static_cast<double>(tensor.data.size());
  }
  auto next = chosen.begin();
  for (const TensorInfo& tensor : file.tensors()) {
    if (next != chosen.end() && next->tensor == &tensor) {
      ++next;
    } else {
      report.add_copied(tensor);
    }
  }
  progress.update(1, "writing");
  JsonReport json(options.json, report.json(options, rule));
  writer.write(options.out);
  json.commit();
  progress.clear();
  report.print(options, rule);
  return kExitOk;
}

}  // namespace

Subcommand add_quantize(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "quantize", "Quantise the 2-D float tensors of a checkpoint to ternary codes");
  command->footer(
      "Each such tensor T [out,in] becomes T.codes (U8 [out,ceil(in/4)], four 2-bit codes a "
      "byte),\n"
      "T.scale and T.threshold (F32 [1]). All other tensors and the metadata are copied as they\n"
      "are. OUT may be IN. NaN and infinite weights are refused.");
  command->add_option("IN", options->in, "safetensors checkpoint")->required()->type_name("FILE");
  command->add_option("OUT", options->out, "safetensors file to write")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("--rule", options->rule,
                   "Threshold D and scale a of a tensor:\n"
                   "  twn, twn:T  D = T * mean|w|, T = 0.7 if not given\n"
                   "  absmean     D = mean|w| / 2, a = mean|w| (BitNet b1.58)\n"
                   "  mse         the D and a of the least squared error\n"
                   "  fixed:V     D = V, in the weights' own units\n"
                   "a is the mean of |w| over |w| > D but for absmean")
      ->type_name("RULE")
      ->capture_default_str();
  command
      ->add_option("--include", options->include,
                   "Quantise only tensors whose name holds a match of this\n"
                   "regular expression (ECMAScript)")
      ->type_name("REGEX");
  command->add_option("--exclude", options->exclude, "Copy tensors whose name holds a match")
      ->type_name("REGEX");
  command->add_flag("--integers", options->integers, "Quantise 2-D I8 and I16 tensors as well");
  add_json_option(*command, options->json);
  return {command, [options] { return quantize_file(*options); }};
}

}  // namespace szt::tools
