// SPDX-License-Identifier: Apache-2.0
// szt cosim: the cycle-accurate RTL against the model, on real or random tensor.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "commands.h"
#include "cosim_run.h"
#include "cosim_work.h"
#include "options.h"
#include "progress.h"
#include "report.h"
#include "szt/configuration.h"
#include "szt/matmul.h"
#include "szt/npy.h"

namespace szt::tools {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kLargestSize = (std::uint64_t{1} << 31) - 1;

// Runs the tensors one by one and collects the report.
class Session {
 public:
  explicit Session(const CosimOptions& options)
      : options_(options), work_(options), config_(work_.configuration()) {}

  int run() {
    // With the RTL this also finds out whether it is there.
    const Json versions = options_.device == "rtl" ? tool_versions(config_) : tool_versions();
    Table table{"tensor",      "M>",      "K>",     "N>",           "results>",
                "mismatches>", "cycles>", "model>", "utilization>", "MMAC/s>"};
    std::vector<Json> rows;
    std::optional<std::vector<std::int32_t>> y;  // with --output, which goes with one tensor
    for (const CosimTensor& tensor : work_.tensors()) {
      const CosimResult result = run_one(tensor);
      add_row(table, tensor, result);
      rows.push_back(describe(tensor, result));
      add_totals(result);
      if (!result.failure.empty()) {
        failure_ = fmt::format("{}: {}\nreproduce with: {}", tensor.label, result.failure,
                               work_.command_line(tensor));
        break;
      }
      if (!options_.output.empty()) y = result.y;
    }
    if (!options_.quiet) {
      table.print();
      print_summary();
    }
    JsonReport json(options_.json, summary(rows, versions));
    if (y) write_output(work_.tensors().front(), *y);
    json.commit();
    if (failure_.empty()) return kExitOk;
    std::fflush(stdout);
    fmt::print(stderr, "szt: {}\n", failure_);
    return kExitComparisonFailed;
  }

 private:
  CosimResult run_one(const CosimTensor& tensor) {
    const sim::MatmulJob job{work_.activations(tensor), work_.m(), tensor.codes, work_.mode()};
    sim::RtlOptions rtl;
    if (options_.stall > 0) {
      rtl.stalls = sim::StreamStalls::all(sim::StallPattern::random(options_.stall), options_.seed);
    }
    rtl.trace = options_.trace;
    Progress progress(options_.quiet);
    const auto start = std::chrono::steady_clock::now();
    const double macs = static_cast<double>(job.m) * static_cast<double>(tensor.codes.rows()) *
                        static_cast<double>(tensor.codes.cols());
    try {
      return run_cosim(
          options_.device, config_, job, rtl, [&](std::uint64_t done, std::uint64_t total) {
            const double share = ratio(static_cast<double>(done), static_cast<double>(total));
            progress.update(share, tensor.label,
                            progress.due() ? fmt::format("{:.1f} MMAC/s",
                                                         share * macs / seconds_since(start) / 1e6)
                                           : std::string());
          });
    } catch (const sim::DeviceError& error) {
      throw sim::DeviceError(fmt::format("{}: {}\nreproduce with: {}", tensor.label, error.what(),
                                         work_.command_line(tensor)));
    }
  }

  void add_totals(const CosimResult& result) {
    totals_.results_compared += result.results_compared;
    totals_.mismatches += result.mismatches;
    totals_.report.cycles += result.report.cycles;
    totals_.report.cycles_model += result.report.cycles_model;
    totals_.report.macs += result.report.macs;
    totals_.seconds += result.seconds;
  }

  static double rate(const CosimResult& result) {
    return ratio(static_cast<double>(result.report.macs), result.seconds);
  }

  void add_row(Table& table, const CosimTensor& tensor, const CosimResult& result) const {
    table.add_row({tensor.label, std::to_string(work_.m()), std::to_string(tensor.codes.cols()),
                   std::to_string(tensor.codes.rows()), std::to_string(result.results_compared),
                   std::to_string(result.mismatches), std::to_string(result.report.cycles),
                   std::to_string(result.report.cycles_model), percent(result.report.utilization),
                   fmt::format("{:.1f}", rate(result) / 1e6)});
  }

  void print_summary() const {
    std::string outcome = "FAILED";
    if (failure_.empty() && totals_.results_compared == 0) {
      outcome = "a size is 0, so there was nothing to compare";
    } else if (failure_.empty()) {
      outcome = options_.stall > 0
                    ? "every result equal; cycles at least the model's (streams stall)"
                    : "every result and every cycle count equal";
    }
    fmt::print("{} {} ({}x{}), mode {}, seed {}, stall {}: {}\n", options_.device, config_.name,
               config_.rows, config_.cols, options_.mode, options_.seed, options_.stall, outcome);
  }

  Json numbers(const Json& m, const Json& k, const Json& n, const CosimResult& result,
               double utilization) const {
    return {{"device", options_.device},
            {"config", config_.name},
            {"rows", config_.rows},
            {"cols", config_.cols},
            {"mode", options_.mode},
            {"m", m},
            {"k", k},
            {"n", n},
            {"seed", options_.seed},
            {"stall", options_.stall},
            {"results_compared", result.results_compared},
            {"mismatches", result.mismatches},
            {"cycles", result.report.cycles},
            {"cycles_model", result.report.cycles_model},
            {"utilization", utilization},
            {"macs", result.report.macs},
            {"seconds", result.seconds},
            {"macs_per_second", rate(result)}};
  }

  Json describe(const CosimTensor& tensor, const CosimResult& result) const {
    Json json = {{"tensor", tensor.name.empty() ? Json() : Json(tensor.name)}};
    json.update(numbers(work_.m(), tensor.codes.cols(), tensor.codes.rows(), result,
                        result.report.utilization));
    json["passed"] = result.failure.empty();
    if (!result.failure.empty()) {
      json["failure"] = result.failure;
      json["reproduce"] = work_.command_line(tensor);
    }
    if (result.first) {
      json["first_mismatch"] = {
          {"cycle", result.first->cycle}, {"row", result.first->row},
          {"col", result.first->col},     {"n_tile", result.first->n_tile},
          {"lane", result.first->lane},   {"expected", result.first->expected},
          {"got", result.first->got}};
    }
    return json;
  }

  // The totals; a size that differs from tensor to tensor is null.
  Json summary(const std::vector<Json>& rows, const Json& versions) const {
    Json k = rows.front()["k"];
    Json n = rows.front()["n"];
    for (const Json& row : rows) {
      if (row["k"] != k) k = nullptr;
      if (row["n"] != n) n = nullptr;
    }
    const double utilization =
        ratio(static_cast<double>(totals_.report.macs),
              static_cast<double>(totals_.report.cycles) * config_.rows * config_.cols);
    Json json = {{"command", "cosim"}};
    json.update(numbers(work_.m(), k, n, totals_, utilization));
    json["passed"] = failure_.empty();
    json["tensors"] = rows;
    json["tensors_not_run"] = work_.tensors().size() - rows.size();
    json["tool_versions"] = versions;
    return json;
  }

  void write_output(const CosimTensor& tensor, const std::vector<std::int32_t>& y) const {
    const std::vector<std::uint64_t> shape{work_.m(), tensor.codes.rows()};
    if (!options_.dequantize) {
      write_npy(options_.output, shape, std::span<const std::int32_t>(y));
      return;
    }
    std::vector<float> scaled(y.size());
    scale_output(y, work_.m(), tensor.codes.rows(), work_.activation_scales(), tensor.scale,
                 scaled);
    write_npy(options_.output, shape, std::span<const float>(scaled));
  }

  const CosimOptions& options_;
  CosimWork work_;
  const Configuration& config_;
  CosimResult totals_;
  std::string failure_;
};

}  // namespace

Subcommand add_cosim(CLI::App& app) {
  auto options = std::make_shared<CosimOptions>();
  CLI::App* command = app.add_subcommand(
      "cosim", "Compare the RTL with the model: every result bit, every clock cycle");
  command->footer(
      "Y [M,N] = X [M,K] * W [N,K]^T. Without --weights the codes are random, without "
      "--activations\n"
      "the int8 activations are (-128 included). Where streams stall, the model's cycles are a "
      "lower\n"
      "bound and that is what is checked. Exit status 1 and the first difference if there is one.");
  command
      ->add_option("--weights", options->weights,
                   "Quantised checkpoint and tensor; without the tensor, all of\n"
                   "them in turn")
      ->type_name("FILE[:T]");
  command
      ->add_option("--activations", options->activations,
                   "int8 [M,K], or float32 [M,K], which is quantised to int8\n"
                   "row by row")
      ->type_name("X.npy");
  command->add_option("--device", options->device, "rtl (Verilated) or tlm (SystemC)")
      ->type_name("DEVICE")
      ->capture_default_str();
  add_config_option(*command, options->config);
  add_mode_option(*command, options->mode);
  add_number_option(*command, "--m",
                    fmt::format("Rows of random activations (default {})", kDefaultM), kLargestSize,
                    [options](std::uint64_t value) { options->m = value; });
  add_number_option(*command, "--k",
                    fmt::format("Columns of random weights (default {})", kDefaultK), kMaxExactK,
                    [options](std::uint64_t value) { options->k = value; });
  add_number_option(*command, "--n", fmt::format("Rows of random weights (default {})", kDefaultN),
                    kLargestSize, [options](std::uint64_t value) { options->n = value; });
  add_number_option(
      *command, "--seed",
      fmt::format("Of random weights, activations and stalls (default {})", options->seed),
      std::numeric_limits<std::uint64_t>::max(),
      [options](std::uint64_t value) { options->seed = value; });
  command
      ->add_option("--stall", options->stall,
                   "Probability, 0 to 0.99, that a stream or a channel of the\n"
                   "register bus stalls in a cycle, for each of them (rtl)")
      ->type_name("P")
      ->capture_default_str();
  command
      ->add_option("--trace", options->trace,
                   "Write the waveforms of the run (rtl, one tensor only)")
      ->type_name("F.fst");
  command
      ->add_option("--output", options->output,
                   "Write the device's int32 Y if nothing differed (one tensor only)")
      ->type_name("Y.npy");
  command->add_flag("--dequantize", options->dequantize,
                    "Write float32 y = (row scale * weight scale) * Y;\n"
                    "float32 activations only");
  add_json_option(*command, options->json);
  command->add_flag("--quiet", options->quiet, "No table, no progress; errors only");
  return {command, [options] { return Session(*options).run(); }};
}

}  // namespace szt::tools
