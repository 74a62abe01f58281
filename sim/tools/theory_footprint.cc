// SPDX-License-Identifier: Apache-2.0
// szt theory footprint: bytes in several formats, every scale and threshold counted.
#include "szt/theory_footprint.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "latent_tensors.h"
#include "name_filter.h"
#include "options.h"
#include "szt/error.h"
#include "szt/printable.h"
#include "szt/safetensors.h"
#include "theory.h"
#include "theory_report.h"

namespace szt::tools {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::uint64_t parameters = 7000000000;
  std::uint64_t tensors = 224;
  bool counted = false;  // --parameters or --tensors was given
  std::string weights;
  std::string include;
  std::string exclude;
  std::string reference = "int4-g128";
  RowOutputs outputs;
};

int run_footprint(const Options& options) {
  std::string known;
  for (const StorageFormat& format : storage_formats()) {
    known += fmt::format("{}{}", known.empty() ? "" : ", ", format.name);
  }
  const StorageFormat* reference = find_storage_format(options.reference);
  if (reference == nullptr) {
    throw InputError(fmt::format("--reference '{}' is unknown; use one of {}",
                                 printable(options.reference), known));
  }
  std::uint64_t parameters = options.parameters;
  std::uint64_t tensors = options.tensors;
  std::vector<MatrixShape> shapes;
  if (!options.weights.empty()) {
    if (options.counted) {
      throw InputError("--weights brings its own sizes; leave --parameters and --tensors away");
    }
    const SafetensorsFile file(options.weights);
    parameters = 0;
    for (const LatentTensor& tensor :
         latent_tensors(file, "", NameFilter(options.include, options.exclude))) {
      shapes.push_back({tensor.info->shape[0], tensor.info->shape[1]});
      parameters += tensor.size();
    }
    tensors = shapes.size();
  } else if (!options.include.empty() || !options.exclude.empty()) {
    throw InputError("--include and --exclude go with --weights; add that or leave them away");
  }
  if (parameters == 0 || tensors == 0 || tensors > parameters) {
    throw InputError(
        fmt::format("--parameters {} in --tensors {}: use at least one parameter a "
                    "tensor and one tensor",
                    parameters, tensors));
  }
  check_row_outputs(options.outputs, options.weights);
  const auto take = [&](const StorageFormat& format) {
    return shapes.empty() ? footprint(format, parameters, tensors) : footprint(format, shapes);
  };
  const std::uint64_t budget = take(*reference).total();
  const double count = static_cast<double>(parameters);
  std::vector<Json> rows;
  for (const StorageFormat& format : storage_formats()) {
    const Footprint bytes = take(format);
    // Of given matrices, as many more or fewer as their own rows and groups cost.
    const double times = static_cast<double>(budget) / static_cast<double>(bytes.total());
    const std::uint64_t fitting = shapes.empty() ? parameters_in(format, budget, tensors)
                                                 : static_cast<std::uint64_t>(times * count);
    rows.push_back(
        {{"format", format.name},
         {"parameters", parameters},
         {"tensors", tensors},
         {"weight_bytes", bytes.weights},
         {"scale_bytes", bytes.scales},
         {"bytes", bytes.total()},
         {"bits_a_parameter", 8 * static_cast<double>(bytes.total()) / count},
         {"reference", options.reference},
         {"parameters_in_equal_memory", fitting},
         {"times_the_parameters", shapes.empty() ? static_cast<double>(fitting) / count : times}});
  }
  write_rows(options.outputs, {{"command", "theory footprint"}}, rows);
  return kExitOk;
}

}  // namespace

Subcommand add_theory_footprint(CLI::App& theory) {
  auto options = std::make_shared<Options>();
  CLI::App* command = theory.add_subcommand(
      "footprint", "Bytes that weights take in several formats, every scale counted");
  command->footer(
      "A row a format: szt and bt (2 bits, one scale and threshold a tensor), bt-base3 (five to a\n"
      "byte), int4 (one scale a tensor), int4-g128 (a float16 scale for 128 weights), int8, fp16,\n"
      "fp32. Last, the parameters that fit in the memory that the reference format takes.");
  add_number_option(*command, "--parameters",
                    "Parameters [7000000000, with 224 tensors: 32 layers of 7]", kMaxParameters,
                    [options](std::uint64_t n) {
                      options->parameters = n;
                      options->counted = true;
                    });
  add_number_option(*command, "--tensors", "Tensors that they are in, of one row each",
                    kMaxParameters, [options](std::uint64_t n) {
                      options->tensors = n;
                      options->counted = true;
                    });
  command
      ->add_option("--weights", options->weights,
                   "Instead: the 2-D float tensors of this safetensors file")
      ->type_name("FILE");
  command->add_option("--include", options->include, "With --weights: only names with a match")
      ->type_name("REGEX");
  command->add_option("--exclude", options->exclude, "With --weights: no names with a match")
      ->type_name("REGEX");
  command->add_option("--reference", options->reference, "Format of equal memory")
      ->type_name("FORMAT")
      ->capture_default_str();
  add_row_outputs(*command, options->outputs);
  return {command, [options] { return run_footprint(*options); }};
}

}  // namespace szt::tools
