// SPDX-License-Identifier: Apache-2.0
#include "cosim_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "progress.h"
#include "szt/cycle_model.h"

namespace szt::tools {
namespace {

std::uint64_t count_results(const Configuration& configuration, const sim::MatmulJob& job) {
  if (job.weights.cols() == 0) return 0;  // nothing to sum: no command runs
  const auto cols = static_cast<std::size_t>(configuration.cols);
  return std::uint64_t{job.m} * ((job.weights.rows() + cols - 1) / cols * cols);
}

std::string compare_cycles(const Configuration& configuration,
                           const std::vector<sim::CommandTiming>& commands, bool stalled) {
  std::uint64_t sum = 0;
  std::uint64_t sum_model = 0;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const Command& command = commands[i].command;
    const std::uint64_t model =
        i == 0 ? command_cycles(configuration, command)
               : queued_command_cycles(configuration, commands[i - 1].command, command);
    sum += commands[i].cycles;
    sum_model += model;
    if (!stalled && commands[i].cycles != model) {
      return fmt::format(
          "command {} (m {}, {} K tiles, {} N tiles) took {} cycles, the model says {}", i,
          command.m, command.k_tiles, command.n_tiles, commands[i].cycles, model);
    }
    if (sum < sum_model) {
      return fmt::format("commands 0 to {} took {} cycles with stalls, the model says {} without",
                         i, sum, sum_model);
    }
  }
  return {};
}

std::string compare(const Configuration& configuration, const sim::MatmulJob& job, bool stalled,
                    const sim::Scoreboard& scoreboard, const CosimResult& result) {
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
  const bool nothing = result.results_expected == 0;
  if (nothing != result.report.commands.empty()) {
    return fmt::format("{} commands ran for {} results", result.report.commands.size(),
                       result.results_expected);
  }
  return compare_cycles(configuration, result.report.commands, stalled);
}

}  // namespace

CosimResult run_cosim(const Configuration& configuration, const sim::MatmulJob& job,
                      const sim::RtlOptions& options, const sim::Progress& progress) {
  CosimResult result;
  result.results_expected = count_results(configuration, job);
  result.y.resize(job.m * job.weights.rows());
  sim::Scoreboard scoreboard(job, configuration);
  std::unique_ptr<sim::Device> device = sim::make_rtl_device(configuration, options);
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
  result.failure = compare(configuration, job, options.stalls.any(), scoreboard, result);
  device.reset();
  if (!options.trace.empty()) sim::check_trace(options.trace);
  return result;
}

}  // namespace szt::tools
