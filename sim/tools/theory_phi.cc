// SPDX-License-Identifier: Apache-2.0
// szt theory phi: how likely noise changes a weight's state.
#include "szt/theory_phi.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "options.h"
#include "progress.h"
#include "szt/error.h"
#include "szt/latent.h"
#include "szt/theory_intervals.h"
#include "theory.h"
#include "theory_report.h"

namespace szt::tools {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMaxPoints = 100001;
constexpr std::uint64_t kMaxSamples = 1000000000;
constexpr double kMaxDraws = 1e12;  // some hours

struct Options {
  std::vector<double> sigmas = {0.05, 0.1, 0.25};
  double threshold = 1;
  std::uint64_t points = 161;
  std::uint64_t samples = 100000;
  std::uint64_t seed = 1;
  RowOutputs outputs;
};

// An estimate beside its closed form. Counts those that their interval leaves out.
void add_estimate(Json& row, const std::string& name, std::uint64_t hits, std::uint64_t samples,
                  double error, double closed, std::size_t& missed) {
  const Interval interval = probability_interval(hits, samples, error);
  row[name + "_mc"] = static_cast<double>(hits) / static_cast<double>(samples);
  row[name + "_mc_low"] = interval.low;
  row[name + "_mc_high"] = interval.high;
  missed += interval.contains(closed) ? 0U : 1U;
}

int run_phi(const Options& options) {
  check_row_outputs(options.outputs);
  const std::size_t count = options.sigmas.size() * options.points;
  const double draws = static_cast<double>(count) * static_cast<double>(options.samples);
  if (options.points < 2) throw InputError("--points must be at least 2");
  if (draws > kMaxDraws) {
    throw InputError(
        fmt::format("{:.3g} samples in all are more than {:.0g}; use fewer --points "
                    "or --samples",
                    draws, kMaxDraws));
  }
  const float threshold = float32_toward_zero(options.threshold);
  const double limit = static_cast<double>(threshold);
  const double error = error_each(2 * count);
  std::vector<Json> rows;
  std::vector<Json> means;
  std::size_t missed = 0;
  Progress progress;
  for (const double sigma : options.sigmas) {
    const auto mean = [&](WeightFormat format) {
      return mean_state_change_probability(format, limit, sigma);
    };
    means.push_back({{"sigma", sigma},
                     {"bt", mean(WeightFormat::kBalancedTernary)},
                     {"szt", mean(WeightFormat::kSignedZero)}});
    for (std::uint64_t i = 0; i < options.points; ++i) {
      progress.update(static_cast<double>(rows.size()) / static_cast<double>(count),
                      fmt::format("sigma {}", sigma));
      const double place = static_cast<double>(i) / static_cast<double>(options.points - 1);
      const auto w = static_cast<float>(limit * (4 * place - 2));
      const double exact = static_cast<double>(w);
      const double bt =
          state_change_probability(WeightFormat::kBalancedTernary, exact, limit, sigma);
      const double szt = state_change_probability(WeightFormat::kSignedZero, exact, limit, sigma);
      Json row = {{"threshold", limit}, {"sigma", sigma}, {"w", exact}, {"bt", bt}, {"szt", szt}};
      if (options.samples != 0) {
        const StateChanges changes =
            count_state_changes(w, threshold, sigma, options.seed, rows.size(), options.samples);
        add_estimate(row, "bt", changes.balanced_ternary, changes.samples, error, bt, missed);
        add_estimate(row, "szt", changes.signed_zero, changes.samples, error, szt, missed);
      }
      rows.push_back(std::move(row));
    }
  }
  progress.clear();
  Json report = {{"command", "theory phi"},
                 {"samples", options.samples},
                 {"seed", options.seed},
                 {"mean_over_dead_zone", means}};
  if (options.samples != 0) {
    report["confidence"] = {
        {"family", kFamilyConfidence}, {"intervals", 2 * count}, {"missed", missed}};
  }
  write_rows(options.outputs, std::move(report), rows);
  return kExitOk;
}

}  // namespace

Subcommand add_theory_phi(CLI::App& theory) {
  auto options = std::make_shared<Options>();
  CLI::App* command = theory.add_subcommand(
      "phi", "State-change probability P[Q(w + noise) != Q(w)] of BT and SZT weights");
  command->footer(
      "A row a sigma and a w, w from -2 to 2 thresholds. bt: the forward value changes; szt: the\n"
      "code does, a zero's sign included. *_mc: through the encoder, with intervals that hold all\n"
      "together with 99 % confidence (JSON: how many of them miss the closed form). JSON also has\n"
      "the means over the dead zone.");
  add_real_list_option(*command, "--sigma", "Standard deviations of the noise [0.05,0.1,0.25]",
                       kPositive, options->sigmas);
  add_real_option(*command, "--threshold", "Threshold [1]", kPositive, options->threshold);
  add_number_option(*command, "--points", "Values of w [161]", kMaxPoints,
                    [options](std::uint64_t n) { options->points = n; });
  add_number_option(*command, "--samples", "Monte-Carlo samples a row, 0 for none [100000]",
                    kMaxSamples, [options](std::uint64_t n) { options->samples = n; });
  add_number_option(*command, "--seed", "Of the Monte-Carlo samples [1]", UINT64_MAX,
                    [options](std::uint64_t n) { options->seed = n; });
  add_row_outputs(*command, options->outputs);
  return {command, [options] { return run_phi(*options); }};
}

}  // namespace szt::tools
