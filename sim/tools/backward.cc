// SPDX-License-Identifier: Apache-2.0
// szt backward: the integer gradients of one matrix product.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "activations.h"
#include "commands.h"
#include "devices.h"
#include "options.h"
#include "outputs.h"
#include "progress.h"
#include "report.h"
#include "szt/atomic_file.h"
#include "szt/configuration.h"
#include "szt/error.h"
#include "szt/gradient.h"
#include "szt/npy.h"
#include "szt/printable.h"
#include "szt/sim/driver.h"
#include "weights.h"

namespace szt::tools {
namespace {

// Multiply-accumulates of the host between two looks at the clock and at Ctrl-C.
constexpr std::size_t kSliceMacs = std::size_t{1} << 31;
constexpr std::size_t kLeastSliceRows = 64;

struct Options {
  std::string weights;
  std::string activations;
  std::string grad_output;
  std::string grad_input;
  std::string grad_weight;
  std::string surrogate;
  std::string zero_shift;
  std::string device = "model";
  std::string config = "medium";
  std::string json;
};

// One product Y [m, n] = X [m, k] * W [n, k]^T and what its gradients are made of.
struct Job {
  PackedCodesView weights;
  std::size_t m, k, n;
  std::vector<std::int8_t> dy;  // [m, n]
  std::vector<std::int8_t> x;   // [m, k], or empty
  Surrogate surrogate;
  ZeroShift zero_shift;
};

void check_options(const Options& options, Surrogate surrogate) {
  if (options.grad_input.empty() && options.grad_weight.empty()) {
    throw InputError("nothing to write; give --grad-input, --grad-weight or both");
  }
  if (!options.grad_weight.empty() && options.activations.empty()) {
    throw InputError("--grad-weight needs --activations: dW is a product of dY and X");
  }
  if (!options.zero_shift.empty() && surrogate != Surrogate::kSzt) {
    throw InputError(fmt::format("--zero-shift needs --surrogate szt; {} takes every zero for 0",
                                 name(surrogate)));
  }
}

// What `check` throws, with the file that it is about.
template <typename Check>
void check_file(const std::string& path, const Check& check) {
  try {
    check();
  } catch (const InputError& error) {
    throw InputError(fmt::format("{}: {}", printable_path(path), error.what()));
  }
}

Job load_job(const Options& options, const std::string& weights_name, PackedCodesView weights,
             Surrogate surrogate, const ZeroShift& zero_shift) {
  Int8Matrix dy = load_int8(options.grad_output, "output gradients", "[M,N]");
  if (dy.cols != weights.rows()) {
    throw InputError(fmt::format(
        "{}: N is {} here and {} in the weights {}; use the gradients of that layer's output",
        printable_path(options.grad_output), dy.cols, weights.rows(), weights_name));
  }
  Job job{weights,
          dy.rows,
          weights.cols(),
          weights.rows(),
          std::move(dy.values),
          {},
          surrogate,
          surrogate_zero_shift(surrogate, zero_shift)};
  if (!options.grad_input.empty()) {
    check_file(weights_name, [&] { check_exact_n(job.n, job.zero_shift); });
  }
  if (!options.grad_weight.empty()) {
    check_file(options.grad_output, [&] { check_exact_m(job.m); });
  }
  if (options.activations.empty()) return job;
  Int8Matrix x = load_int8(options.activations, "activations", "[M,K]");
  check_k(x.cols, options.activations, weights_name, job.k);
  if (x.rows != job.m) {
    throw InputError(fmt::format(
        "{}: M is {} here and {} in the output gradients {}; use the "
        "activations of the same batch",
        printable_path(options.activations), x.rows, job.m, printable_path(options.grad_output)));
  }
  job.x = std::move(x.values);
  return job;
}

// By slices of its rows, so that the progress line moves.
std::vector<std::int32_t> weight_gradient_on_host(const Job& job, Progress& progress) {
  std::vector<std::int32_t> dw(job.n * job.k);
  const std::size_t row_macs = std::max<std::size_t>(1, job.m * job.k);
  const std::size_t slice = std::max(kLeastSliceRows, kSliceMacs / row_macs);
  for (std::size_t first = 0; first < job.n; first += slice) {
    progress.update(ratio(static_cast<double>(first), static_cast<double>(job.n)), "dW, on host");
    const std::size_t rows = std::min(slice, job.n - first);
    std::vector<std::int8_t> dy(job.m * rows);
    for (std::size_t i = 0; i < job.m; ++i) {
      std::copy_n(job.dy.begin() + static_cast<std::ptrdiff_t>(i * job.n + first), rows,
                  dy.begin() + static_cast<std::ptrdiff_t>(i * rows));
    }
    weight_gradient(dy, job.x, job.m, job.weights.row_range(first, rows), job.surrogate,
                    std::span(dw).subspan(first * job.k, rows * job.k));
  }
  return dw;
}

// The driver counts each pass from 0.
sim::Progress pass_progress(Progress& progress, double passes) {
  return [&progress, passes, pass = 0.0, last = std::uint64_t{0}](std::uint64_t done,
                                                                  std::uint64_t total) mutable {
    if (done < last) ++pass;
    last = done;
    progress.update((pass + ratio(static_cast<double>(done), static_cast<double>(total))) / passes,
                    "G, on the device");
  };
}

// An array that appears together with others: written now, named by commit().
class NpyOutput {
 public:
  NpyOutput(const std::string& path, const std::vector<std::uint64_t>& shape,
            std::span<const std::int32_t> values) {
    if (path.empty()) return;
    file_.emplace(path);
    write_npy(*file_, "<i4", shape, std::as_bytes(values));
    file_->finish();
  }
  void commit() {
    if (file_) file_->commit();
  }

 private:
  std::optional<AtomicFile> file_;
};

struct Gradients {
  std::vector<std::int32_t> g;   // [m, k], or empty
  std::vector<std::int32_t> dw;  // [n, k], or empty
  sim::BackwardReport report;    // of g
  double seconds = 0;            // of g

  std::uint64_t cycles() const { return report.forward.cycles + report.zero_sign.cycles; }
  std::uint64_t cycles_model() const {
    return report.forward.cycles_model + report.zero_sign.cycles_model;
  }
  double macs() const { return static_cast<double>(report.forward.macs + report.zero_sign.macs); }
  double utilization(const Configuration& config) const {
    return ratio(macs(), static_cast<double>(cycles()) * config.rows * config.cols);
  }
};

Gradients compute(const Options& options, const Job& job, sim::Device& device) {
  Gradients gradients;
  Progress progress;
  if (!options.grad_weight.empty()) gradients.dw = weight_gradient_on_host(job, progress);
  if (options.grad_input.empty()) return gradients;
  gradients.g.resize(job.m * job.k);
  sim::DriverOptions driver_options;
  driver_options.progress = pass_progress(progress, job.zero_shift ? 2 : 1);
  const auto start = std::chrono::steady_clock::now();
  gradients.report = sim::Driver(device, driver_options)
                         .backward_input({job.dy, job.m, job.weights, job.zero_shift}, gradients.g);
  gradients.seconds = seconds_since(start);
  return gradients;
}

nlohmann::ordered_json pass_json(const sim::MatmulReport& report) {
  return {{"cycles", report.cycles},
          {"cycles_model", report.cycles_model},
          {"utilization", report.utilization}};
}

nlohmann::ordered_json report_json(const Options& options, const Configuration& config,
                                   const std::string& tensor, const Job& job,
                                   const Gradients& gradients) {
  return {{"command", "backward"},
          {"weights", options.weights},
          {"tensor", tensor},
          {"activations", options.activations},
          {"grad_output", options.grad_output},
          {"grad_input", options.grad_input},
          {"grad_weight", options.grad_weight},
          {"surrogate", options.surrogate},
          {"zero_shift", to_string(job.zero_shift)},
          {"device", options.device},
          {"config", config.name},
          {"rows", config.rows},
          {"cols", config.cols},
          {"m", job.m},
          {"k", job.k},
          {"n", job.n},
          {"forward", pass_json(gradients.report.forward)},
          {"zero_sign", pass_json(gradients.report.zero_sign)},
          {"cycles", gradients.cycles()},
          {"cycles_model", gradients.cycles_model()},
          {"utilization", gradients.utilization(config)},
          {"macs_per_second", ratio(gradients.macs(), gradients.seconds)},
          {"tool_versions", options.device == "rtl" ? tool_versions(config) : tool_versions()}};
}

int backward(const Options& options) {
  const Configuration& config = find_configuration(options.config);
  const Surrogate surrogate = parse_surrogate(options.surrogate);
  check_options(options, surrogate);
  const std::unique_ptr<sim::Device> device = make_device(options.device, config);
  const SelectedWeights selected = open_single_weights(options.weights);
  const QuantizedWeights& weights = selected.tensors.front();
  const ZeroShift asked = options.zero_shift.empty() ? selected.checkpoint.zero_shift_or_default()
                                                     : parse_zero_shift(options.zero_shift);
  const Job job =
      load_job(options, weights_argument(selected, weights), weights.codes, surrogate, asked);
  check_outputs({{"--grad-input", options.grad_input},
                 {"--grad-weight", options.grad_weight},
                 {"--json", options.json}},
                {{"--activations", options.activations},
                 {"--grad-output", options.grad_output},
                 {"--weights", selected.checkpoint.file().path()}});

  const Gradients gradients = compute(options, job, *device);
  NpyOutput g_file(options.grad_input, {job.m, job.k}, gradients.g);
  NpyOutput dw_file(options.grad_weight, {job.n, job.k}, gradients.dw);
  JsonReport json(options.json, report_json(options, config, weights.name, job, gradients));
  g_file.commit();
  dw_file.commit();
  json.commit();
  if (!options.grad_input.empty()) {
    fmt::print(
        "{}: int32 [{},{}] from {}, zero shift {}, {} {}; {} cycles, {} by the cycle model, {} of "
        "the array's peak\n",
        printable_path(options.grad_input), job.m, job.k, printable(weights.name),
        to_string(job.zero_shift), options.device, config.name, gradients.cycles(),
        gradients.cycles_model(), percent(gradients.utilization(config)));
  }
  if (!options.grad_weight.empty()) {
    fmt::print("{}: int32 [{},{}] from {}, surrogate {}, on the host\n",
               printable_path(options.grad_weight), job.n, job.k, printable(weights.name),
               name(surrogate));
  }
  return kExitOk;
}

}  // namespace

Subcommand add_backward(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "backward", "Gradients of a product with quantised weights, on model, TLM or RTL");
  command->footer(
      "Of Y [M,N] = X [M,K] * W [N,K]^T with the integer loss gradient dY:\n"
      "  G [M,K]  = 2^k * (dY * f(W)) + dY * z(W), exact for N < 2^(24-k): two passes of the\n"
      "             device's own product over the transposed weights; dY * f(W), one pass, for\n"
      "             k = inf. dX = (scale of dY * weight scale * 2^-k) * G.\n"
      "  dW [N,K] = slope(W) . (dY^T * X), exact for M < 2^17, int8 by int8: on the host on\n"
      "             every device. As floats: (scale of dY * scale of X) * dW.\n"
      "All devices give the same result; rtl simulates every clock cycle. Leave out one of the\n"
      "outputs and it is not computed.");
  command
      ->add_option("--weights", options->weights,
                   "Quantised checkpoint and tensor; the tensor may be left away\n"
                   "if it is the only quantised one")
      ->required()
      ->type_name("FILE[:T]");
  command->add_option("--grad-output", options->grad_output, "dY, int8 [M,N]")
      ->required()
      ->type_name("DY.npy");
  command->add_option("--activations", options->activations, "X, int8 [M,K]; needed for dW")
      ->type_name("X.npy");
  command->add_option("--grad-input", options->grad_input, "G to write, int32 [M,K]")
      ->type_name("G.npy");
  command->add_option("--grad-weight", options->grad_weight, "dW to write, int32 [N,K]")
      ->type_name("DW.npy");
  command
      ->add_option("--surrogate", options->surrogate,
                   "How the dead zone takes part:\n"
                   "  dead-zone  slope of a zero 0, k = inf (plain ternary)\n"
                   "  ste        slope 1, k = inf (straight-through)\n"
                   "  szt        slope 1, a zero counts 2^-k by its sign")
      ->required()
      ->type_name("NAME");
  add_zero_shift_option(*command, options->zero_shift,
                        fmt::format("k of szt, 0 to {} or inf; if not given what the\n"
                                    "checkpoint says: {} from szt quantize",
                                    kMaxZeroShift, kDefaultZeroShift));
  command->add_option("--device", options->device, kDeviceHelp)
      ->type_name("DEVICE")
      ->capture_default_str();
  add_config_option(*command, options->config);
  add_json_option(*command, options->json);
  return {command, [options] { return backward(*options); }};
}

}  // namespace szt::tools
