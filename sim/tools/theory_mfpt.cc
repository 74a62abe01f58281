// SPDX-License-Identifier: Apache-2.0
// szt theory mfpt: how many steps a weight takes out of the dead zone, and to a change of its code.
#include "szt/theory_mfpt.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
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

constexpr std::uint64_t kMinPaths = 1000;  // for the normal approximation
constexpr std::uint64_t kMaxPaths = 10000000;
constexpr double kMaxSteps = 1e12;  // some hours
constexpr std::size_t kProgressParts = 200;
constexpr std::size_t kMaxRows = 10000;

struct Options {
  std::vector<double> sigmas = {0.2, 0.1, 0.05, 0.02, 0.01, 0.005};
  std::vector<double> drifts = {0};
  double threshold = 1;
  std::optional<double> start;
  std::uint64_t paths = 10000;
  std::uint64_t seed = 1;
  RowOutputs outputs;
};

// Every way to the mean of one event.
struct Times {
  double closed;
  std::optional<double> shifted;  // closed forms know it without drift only
  double ode;
  double discrete;
};

Times times_of(Cell cell, Walk walk, const std::optional<double>& start) {
  const DiffusionSolution ode(cell, walk);
  const DiscreteSolution discrete(cell, walk);
  Times times{};
  if (start) {
    times = {exit_time(cell, walk, *start), {}, ode.at(*start), discrete.at(*start)};
  } else {
    times = {mean_exit_time(cell, walk), {}, ode.mean(), discrete.mean()};
  }
  if (walk.drift == 0) {
    const double shift = kBarrierShift * walk.sigma;
    times.shifted = start ? exit_time({cell.low - shift, cell.high + shift}, walk, *start)
                          : mean_shifted_exit_time(cell, walk.sigma);
  }
  return times;
}

struct Case {
  Walk walk;
  Times exit;
  Times change;
  std::optional<MeanEstimate> exit_mc = {};
  std::optional<MeanEstimate> change_mc = {};
};

// From a uniform start the cell of 0- has the same mean as that of 0+: it is the mirror image, and
// a mean over the cell does not depend on the sign of the drift.
Case solve(const Options& options, double threshold, Walk walk) {
  const Cell inner = options.start && std::signbit(*options.start) ? Cell{-threshold, 0}
                                                                   : zero_plus_cell(threshold);
  return {walk,
          times_of(dead_zone(threshold), walk, options.start),
          times_of(inner, walk, options.start),
          {}};
}

void add_times(Json& row, const std::string& name, const Times& times) {
  row[name + "_closed"] = times.closed;
  row[name + "_shifted"] = times.shifted ? Json(*times.shifted) : Json();
  row[name + "_ode"] = times.ode;
  row[name + "_discrete"] = times.discrete;
}

template <typename Member>
MeanEstimate estimate(const std::vector<Passage>& passages, Member member, double error) {
  std::vector<std::uint64_t> samples;
  samples.reserve(passages.size());
  for (const Passage& passage : passages) samples.push_back(passage.*member);
  return estimate_mean(samples, error);
}

void simulate(const Options& options, float threshold, std::vector<Case>& cases,
              Progress& progress) {
  double total = 0;
  for (const Case& one : cases) total += one.exit.discrete * static_cast<double>(options.paths);
  if (total > kMaxSteps) {
    throw InputError(fmt::format(
        "the paths would take about {:.2g} steps, more than {:.0g}; use fewer --paths (0 for none) "
        "or a larger --sigma",
        total, kMaxSteps));
  }
  const double error = error_each(2 * cases.size());
  double done = 0;
  std::vector<Passage> passages(options.paths);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    Case& one = cases[i];
    const PathSet set{threshold, one.walk, options.start, options.seed + i};
    const std::size_t part = std::max<std::size_t>(options.paths / kProgressParts, 16);
    for (std::size_t first = 0; first < options.paths; first += part) {
      progress.update(done / total, fmt::format("paths, sigma {}", one.walk.sigma));
      const std::size_t length = std::min<std::size_t>(part, options.paths - first);
      simulate_passages(set, first, std::span(passages).subspan(first, length));
      done += one.exit.discrete * static_cast<double>(length);
    }
    one.exit_mc = estimate(passages, &Passage::exit, error);
    one.change_mc = estimate(passages, &Passage::first_change, error);
  }
}

void add_estimate(Json& row, const std::string& name, const MeanEstimate& estimate) {
  row[name + "_mc"] = estimate.mean;
  row[name + "_mc_low"] = estimate.interval.low;
  row[name + "_mc_high"] = estimate.interval.high;
}

Json make_row(const Options& options, double threshold, const Case& one) {
  Json row = {{"threshold", threshold},
              {"sigma", one.walk.sigma},
              {"drift", one.walk.drift},
              {"start", options.start ? Json(*options.start) : Json("uniform")}};
  add_times(row, "exit", one.exit);
  add_times(row, "change", one.change);
  row["ratio_closed"] = one.exit.closed / one.change.closed;
  row["ratio_shifted"] = one.exit.shifted ? Json(*one.exit.shifted / *one.change.shifted) : Json();
  row["ratio_discrete"] = one.exit.discrete / one.change.discrete;
  if (one.exit_mc && one.change_mc) {
    add_estimate(row, "exit", *one.exit_mc);
    add_estimate(row, "change", *one.change_mc);
    // Both intervals hold at once, so this one does.
    row["ratio_mc"] = one.exit_mc->mean / one.change_mc->mean;
    row["ratio_mc_low"] = one.exit_mc->interval.low / one.change_mc->interval.high;
    row["ratio_mc_high"] = one.exit_mc->interval.high / one.change_mc->interval.low;
  }
  return row;
}

int run_mfpt(const Options& options) {
  check_row_outputs(options.outputs);
  if (options.paths != 0 && options.paths < kMinPaths) {
    throw InputError(fmt::format("--paths {} are too few for an interval; use {} or more, or 0",
                                 options.paths, kMinPaths));
  }
  const float threshold = float32_toward_zero(options.threshold);
  const double limit = static_cast<double>(threshold);
  if (options.start && !(std::fabs(*options.start) <= limit)) {
    throw InputError(fmt::format("--start {} is outside the dead zone; use {} to {}",
                                 *options.start, -limit, limit));
  }
  const std::size_t count = options.sigmas.size() * options.drifts.size();
  if (count > kMaxRows) {
    throw InputError(fmt::format("{} sigmas by {} drifts are more than {} rows; use fewer",
                                 options.sigmas.size(), options.drifts.size(), kMaxRows));
  }
  std::vector<Case> cases;
  Progress progress;
  for (const double sigma : options.sigmas) {
    for (const double drift : options.drifts) {
      progress.update(static_cast<double>(cases.size()) / static_cast<double>(count),
                      fmt::format("solving, sigma {}", sigma));
      cases.push_back(solve(options, limit, {sigma, drift}));
    }
  }
  if (options.paths != 0) simulate(options, threshold, cases, progress);
  progress.clear();

  std::size_t missed = 0;
  std::vector<Json> rows;
  for (const Case& one : cases) {
    rows.push_back(make_row(options, limit, one));
    if (one.exit_mc) missed += one.exit_mc->interval.contains(one.exit.discrete) ? 0U : 1U;
    if (one.change_mc) missed += one.change_mc->interval.contains(one.change.discrete) ? 0U : 1U;
  }
  Json report = {{"command", "theory mfpt"}, {"paths", options.paths}, {"seed", options.seed}};
  if (options.paths != 0) {
    report["confidence"] = {
        {"family", kFamilyConfidence}, {"intervals", 2 * count}, {"missed", missed}};
  }
  write_rows(options.outputs, std::move(report), rows);
  return kExitOk;
}

}  // namespace

Subcommand add_theory_mfpt(CLI::App& theory) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      theory.add_subcommand("mfpt", "Mean first-passage times of a weight that diffuses, in steps");
  command->footer(
      "A row a sigma and a drift. exit: out of the dead zone, for BT and SZT alike; change: until\n"
      "the SZT code is another, which a zero's sign is enough for. Each in closed form (_closed),\n"
      "with the boundaries moved by 0.5826 sigma (_shifted), from the differential equation "
      "(_ode),\n"
      "from the integral equation of the discrete steps (_discrete) and as the mean of paths\n"
      "through the encoder (_mc), with intervals that hold all together with 99 % confidence\n"
      "(JSON: how many of them miss the _discrete mean).");
  add_real_list_option(*command, "--sigma",
                       "Standard deviations of a step [0.2,0.1,0.05,0.02,0.01,0.005]", kPositive,
                       options->sigmas);
  add_real_list_option(*command, "--drift", "Drifts a step [0]", kAny, options->drifts);
  add_real_option(*command, "--threshold", "Threshold [1]", kPositive, options->threshold);
  command
      ->add_option_function<std::string>(
          "--start",
          [options](const std::string& text) {
            options->start = parse_real_option("--start", text, kAny);
          },
          "Start of every path, in the dead zone [uniform in it]")
      ->type_name("W");
  add_number_option(*command, "--paths", "Monte-Carlo paths a row, 0 for none [10000]", kMaxPaths,
                    [options](std::uint64_t n) { options->paths = n; });
  add_number_option(*command, "--seed", "Of the Monte-Carlo paths [1]", UINT64_MAX,
                    [options](std::uint64_t n) { options->seed = n; });
  add_row_outputs(*command, options->outputs);
  return {command, [options] { return run_mfpt(*options); }};
}

}  // namespace szt::tools
