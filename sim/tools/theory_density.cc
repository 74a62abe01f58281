// SPDX-License-Identifier: Apache-2.0
// szt theory density: dead zone, entropy and reconstruction of distributions and of checkpoints.
#include "szt/theory_density.h"

#include <CLI/CLI.hpp>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "latent_tensors.h"
#include "name_filter.h"
#include "options.h"
#include "progress.h"
#include "report.h"
#include "szt/error.h"
#include "szt/safetensors.h"
#include "szt/threshold.h"
#include "theory.h"
#include "theory_report.h"
#include "weights.h"

namespace szt::tools {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMinGrid = 1000;
constexpr std::uint64_t kMaxGrid = std::uint64_t{1} << 28;
constexpr std::array kDistributions = {Distribution::kGaussian, Distribution::kLaplace};

struct Options {
  std::string rule;
  std::string weights;
  std::uint64_t zero_shift = 2;
  std::uint64_t grid = std::uint64_t{1} << 20;
  RowOutputs outputs;
};

struct Source {
  std::string_view name;    // of the distribution or the tensor
  std::string_view method;  // closed, encoder
  std::optional<std::uint64_t> parameters;
  std::optional<double> lloyd_max;
};

Json make_row(const Source& source, const Rule& rule, std::uint64_t zero_shift,
              const DensityReport& report) {
  return {{"source", source.name},
          {"method", source.method},
          {"parameters", source.parameters ? Json(*source.parameters) : Json()},
          {"rule", to_string(rule)},
          {"mean_magnitude", report.mean_magnitude},
          {"threshold", report.threshold},
          {"scale", report.scale},
          {"dead_zone_share", report.dead_zone_share},
          {"inner_over_scale", report.inner_over_scale},
          {"entropy_bt", report.entropy_balanced},
          {"entropy_szt", report.entropy_signed_zero},
          {"bits_used_bt", report.entropy_balanced / 2},
          {"bits_used_szt", report.entropy_signed_zero / 2},
          {"sqnr_forward_db", report.sqnr_forward},
          {"zero_shift", zero_shift},
          {"sqnr_backward_db", report.sqnr_backward[zero_shift]},
          {"sqnr_best_inner_db", report.sqnr_best_inner},
          {"sqnr_lloyd_max_db", source.lloyd_max ? Json(*source.lloyd_max) : Json()}};
}

int run_density(const Options& options) {
  std::vector<Rule> rules;
  if (options.rule.empty()) {
    for (const std::string_view name : {"twn", "absmean", "mse"}) rules.push_back(parse_rule(name));
  } else {
    rules.push_back(parse_rule(options.rule));
  }
  if (options.grid != 0 && options.grid < kMinGrid) {
    throw InputError("--grid must be 0 or at least 1000");
  }
  WeightsLocation location;
  std::optional<SafetensorsFile> file;
  std::vector<LatentTensor> tensors;
  if (!options.weights.empty()) {
    location = split_weights_argument(options.weights);
    file.emplace(location.file);
    tensors = latent_tensors(*file, location.tensor.value_or(""), NameFilter("", ""));
  }
  check_row_outputs(options.outputs, location.file);

  std::vector<Json> rows;
  Progress progress;
  for (const Distribution distribution : kDistributions) {
    progress.update(0, name(distribution));
    const double lloyd_max = lloyd_max_sqnr(distribution);
    const std::vector<float> grid = quantile_grid(distribution, options.grid);
    for (const Rule& rule : rules) {
      rows.push_back(make_row({name(distribution), "closed", {}, lloyd_max}, rule,
                              options.zero_shift, analyse(distribution, rule)));
      if (grid.empty()) continue;
      rows.push_back(make_row({name(distribution), "encoder", grid.size(), {}}, rule,
                              options.zero_shift,
                              analyse(Dtype::kF32, grid.data(), grid.size(), rule)));
    }
  }
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const LatentTensor& tensor = tensors[i];
    progress.update(static_cast<double>(i) / static_cast<double>(tensors.size()),
                    tensor.info->name);
    require_finite(*file, tensor);
    for (const Rule& rule : rules) {
      rows.push_back(
          make_row({tensor.info->name, "encoder", tensor.size(), {}}, rule, options.zero_shift,
                   analyse(tensor.dtype, tensor.info->data.data(), tensor.size(), rule)));
    }
  }
  progress.clear();
  write_rows(options.outputs, {{"command", "theory density"}}, rows);
  return kExitOk;
}

}  // namespace

Subcommand add_theory_density(CLI::App& theory) {
  auto options = std::make_shared<Options>();
  CLI::App* command = theory.add_subcommand(
      "density", "Dead zone, entropy and reconstruction error of weight distributions");
  command->footer(
      "A row a distribution (or tensor) and a rule. Gaussian and Laplace have mean|w| = 1: in\n"
      "closed form, and as a grid of quantiles through the encoder. entropy_*: bits a weight, of\n"
      "the 2 stored; inner_over_scale: mean|w| in the dead zone over the scale; sqnr_*: of the\n"
      "forward pass's three levels, the backward pass's four, four with the best inner one, and\n"
      "the best four levels there are (Lloyd-Max), in dB.");
  command
      ->add_option("--rule", options->rule,
                   "twn, twn:T, absmean, mse or fixed:V [the first\n"
                   "three without a parameter]")
      ->type_name("RULE");
  command
      ->add_option(
          "--weights", options->weights,
          "Also every 2-D float tensor of a safetensors file,\nor its tensor T of any rank")
      ->type_name("FILE[:T]");
  add_number_option(*command, "--zero-shift", "k of the backward levels +-scale 2^-k [2]",
                    kZeroShifts - 1, [options](std::uint64_t k) { options->zero_shift = k; });
  add_number_option(*command, "--grid", "Quantiles through the encoder, 0 for none [1048576]",
                    kMaxGrid, [options](std::uint64_t n) { options->grid = n; });
  add_row_outputs(*command, options->outputs);
  return {command, [options] { return run_density(*options); }};
}

}  // namespace szt::tools
