// SPDX-License-Identifier: Apache-2.0
#include "cosim_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "devices.h"
#include "progress.h"

namespace szt::tools {
namespace {

std::uint64_t count_results(const Configuration& configuration, const sim::MatmulJob& job) {
  if (job.weights.cols() == 0) return 0;  // nothing to sum: no command runs
  const auto cols = static_cast<std::size_t>(configuration.cols);
  return std::uint64_t{job.m} * ((job.weights.rows() + cols - 1) / cols * cols);
}

std::string compare_cycles(const sim::MatmulReport& report, bool stalled) {
  if (stalled ? report.cycles >= report.cycles_model : report.cycles == report.cycles_model) {
    return {};
  }
  return fmt::format("the device took {} cycles, the model says {}{}", report.cycles,
                     report.cycles_model, stalled ? " without stalls" : "");
}

std::string compare(const sim::MatmulJob& job, bool stalled, const sim::Scoreboard& scoreboard,
                    const CosimResult& result) {
  if (result.mismatches != 0) {
    std::string text = scoreboard.explain();
    while (text.ends_with('\n')) text.pop_back();
    return text;
  }
  if (result.results_compared != result.results_expected) {
    return fmt::format("{} results came, {} were expected", result.results_compared,
                       result.results_expected);
  }
  const auto expected = scoreboard.expected();
  const auto [got, wanted] =
      std::mismatch(result.y.begin(), result.y.end(), expected.begin(), expected.end());
  if (got != result.y.end() || wanted != expected.end()) {
    const auto index = static_cast<std::size_t>(got - result.y.begin());
    return fmt::format("every beat was right, but the driver put another number at Y[{}, {}]",
                       index / job.weights.rows(), index % job.weights.rows());
  }
  return compare_cycles(result.report, stalled);
}

}  // namespace

CosimResult run_cosim(const std::string& name, const Configuration& configuration,
                      const sim::MatmulJob& job, const sim::RtlOptions& options,
                      const sim::Progress& progress) {
  CosimResult result;
  result.results_expected = count_results(configuration, job);
  result.y.resize(job.m * job.weights.rows());
  sim::Scoreboard scoreboard(job, configuration);
  std::unique_ptr<sim::Device> device = make_device(name, configuration, options);
  sim::DriverOptions driver_options;
  driver_options.progress = progress;
  const auto start = std::chrono::steady_clock::now();
  result.report =
      sim::Driver(*device, driver_options).matmul(job, result.y, [&](const sim::ResultBeat& beat) {
        scoreboard.check(beat);
      });
  result.seconds = seconds_since(start);
  result.results_compared = scoreboard.results_compared();
  result.mismatches = scoreboard.mismatches();
  result.first = scoreboard.first();
  result.failure = compare(job, options.stalls.any(), scoreboard, result);
  device.reset();
  if (!options.trace.empty()) sim::check_trace(options.trace);
  return result;
}

}  // namespace szt::tools
