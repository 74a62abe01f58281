// SPDX-License-Identifier: Apache-2.0
// szt matmul: one matrix product on a device.
#include "szt/matmul.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "activations.h"
#include "commands.h"
#include "devices.h"
#include "options.h"
#include "outputs.h"
#include "progress.h"
#include "report.h"
#include "szt/configuration.h"
#include "szt/error.h"
#include "szt/npy.h"
#include "szt/printable.h"
#include "szt/sim/driver.h"
#include "weights.h"

namespace szt::tools {
namespace {

struct Options {
  std::string weights;
  std::string activations;
  std::string output;
  std::string device = "model";
  std::string config = "medium";
  std::string mode = "forward";
  bool dequantize = false;
  std::string json;
};

int multiply(const Options& options) {
  const Configuration& config = find_configuration(options.config);
  const DecodeMode mode = parse_mode(options.mode);
  if (options.dequantize && mode != DecodeMode::kForward) {
    throw InputError("--dequantize needs --mode forward: the scale belongs to that plane");
  }
  const std::unique_ptr<sim::Device> device = make_device(options.device, config);
  const SelectedWeights selected = open_single_weights(options.weights);
  const QuantizedWeights& weights = selected.tensors.front();
  const Activations x = load_activations(options.activations);
  check_k(x.k, options.activations, weights_argument(selected, weights), weights.codes.cols());
  if (options.dequantize && !x.scaled) {
    throw InputError(fmt::format(
        "{}: --dequantize needs float32 activations, int8 ones have no scale; leave it away",
        printable_path(options.activations)));
  }
  check_outputs(
      {{"--output", options.output}, {"--json", options.json}},
      {{"--activations", options.activations}, {"--weights", selected.checkpoint.file().path()}});

  const std::size_t n = weights.codes.rows();
  std::vector<std::int32_t> y(x.m * n);
  Progress progress;
  sim::DriverOptions driver_options;
  driver_options.progress = [&](std::uint64_t done, std::uint64_t total) {
    progress.update(ratio(static_cast<double>(done), static_cast<double>(total)), weights.name);
  };
  const auto start = std::chrono::steady_clock::now();
  const sim::MatmulReport report =
      sim::Driver(*device, driver_options).matmul({x.values, x.m, weights.codes, mode}, y);
  const double seconds = seconds_since(start);
  progress.clear();

  const double macs_per_second = ratio(static_cast<double>(report.macs), seconds);
  JsonReport json(options.json, {{"command", "matmul"},
                                 {"weights", options.weights},
                                 {"tensor", weights.name},
                                 {"activations", options.activations},
                                 {"output", options.output},
                                 {"device", options.device},
                                 {"config", config.name},
                                 {"rows", config.rows},
                                 {"cols", config.cols},
                                 {"mode", options.mode},
                                 {"m", x.m},
                                 {"k", x.k},
                                 {"n", n},
                                 {"cycles", report.cycles},
                                 {"cycles_model", report.cycles_model},
                                 {"utilization", report.utilization},
                                 {"macs_per_second", macs_per_second},
                                 {"tool_versions", options.device == "rtl" ? tool_versions(config)
                                                                           : tool_versions()}});
  if (options.dequantize) {
    std::vector<float> scaled(y.size());
    scale_output(y, x.m, n, x.scales, weights.scale, scaled);
    write_npy(options.output, {x.m, n}, std::span<const float>(scaled));
  } else {
    write_npy(options.output, {x.m, n}, std::span<const std::int32_t>(y));
  }
  json.commit();
  fmt::print("{}: {} [{},{}] from {}, {} {}; {} cycles, {} of the array's peak\n",
             printable_path(options.output), options.dequantize ? "float32" : "int32", x.m, n,
             printable(weights.name), options.device, config.name, report.cycles,
             percent(report.utilization));
  return kExitOk;
}

}  // namespace

Subcommand add_matmul(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "matmul", "Multiply activations with quantised weights, on model, TLM or RTL");
  command->footer(
      "Y [M,N] = X [M,K] * W [N,K]^T in int32, exact for K < 2^24.\n"
      "All devices give the same result; rtl simulates every clock cycle.");
  command
      ->add_option("--weights", options->weights,
                   "Quantised checkpoint and tensor; the tensor may be left away\n"
                   "if it is the only quantised one")
      ->required()
      ->type_name("FILE[:T]");
  command
      ->add_option("--activations", options->activations,
                   "int8 [M,K], or float32 [M,K], which is quantised to int8\n"
                   "row by row")
      ->required()
      ->type_name("X.npy");
  command->add_option("--output", options->output, "int32 [M,N] to write")
      ->required()
      ->type_name("Y.npy");
  command->add_option("--device", options->device, kDeviceHelp)
      ->type_name("DEVICE")
      ->capture_default_str();
  add_config_option(*command, options->config);
  add_mode_option(*command, options->mode);
  command->add_flag("--dequantize", options->dequantize,
                    "Write float32 y = (row scale * weight scale) * Y;\n"
                    "float32 activations only");
  add_json_option(*command, options->json);
  return {command, [options] { return multiply(*options); }};
}

}  // namespace szt::tools
