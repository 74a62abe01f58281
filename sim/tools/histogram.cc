// SPDX-License-Identifier: Apache-2.0
#include "histogram.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "commands.h"
#include "latent_tensors.h"
#include "outputs.h"
#include "progress.h"
#include "report.h"
#include "szt/atomic_file.h"
#include "szt/checkpoint.h"
#include "szt/printable.h"
#include "szt/safetensors.h"
#include "szt/theory_density.h"
#include "szt/threshold.h"
#include "theory_report.h"

namespace szt::tools {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 3> kRules = {"twn", "absmean", "mse"};

std::string decibel_text(double value) {
  return std::isfinite(value) ? fmt::format("{:.2f}", value) : "-";
}

// Of an ideal distribution with the tensor's mean|w|, under the tensor's threshold.
double ideal_share(Distribution distribution, const DensityReport& report) {
  if (report.mean_magnitude == 0) return 1;
  return share_within(distribution, report.threshold / report.mean_magnitude);
}

class Report {
 public:
  void add(const LatentTensor& tensor) {
    const void* data = tensor.info->data.data();
    Json rules = Json::array();
    double mean = 0;
    for (const std::string_view rule : kRules) {
      const DensityReport density = analyse(tensor.dtype, data, tensor.size(), parse_rule(rule));
      mean = density.mean_magnitude;
      add_rule(tensor, rule, density, rules);
    }
    const RelativeHistogram histogram = relative_histogram(tensor.dtype, data, tensor.size(), mean);
    rows_.push_back({{"tensor", tensor.info->name},
                     {"shape", tensor.info->shape},
                     {"dtype", tensor.info->dtype},
                     {"parameters", tensor.size()},
                     {"mean_magnitude", mean},
                     {"rules", rules},
                     {"histogram",
                      {{"low", RelativeHistogram::kLow},
                       {"high", RelativeHistogram::kHigh},
                       {"below", histogram.below},
                       {"bins", histogram.bins},
                       {"above", histogram.above}}}});
    add_bins(tensor, histogram);
  }

  void print() const { table_.print(); }
  const std::vector<Json>& rows() const { return rows_; }
  const std::vector<Json>& bins() const { return bins_; }

 private:
  void add_rule(const LatentTensor& tensor, std::string_view rule, const DensityReport& density,
                Json& rules) {
    const double gaussian = ideal_share(Distribution::kGaussian, density);
    const double laplace = ideal_share(Distribution::kLaplace, density);
    const double backward = density.sqnr_backward[kDefaultZeroShift];
    rules.push_back({{"rule", rule},
                     {"threshold", density.threshold},
                     {"scale", density.scale},
                     {"dead_zone_share", density.dead_zone_share},
                     {"gaussian_share", gaussian},
                     {"laplace_share", laplace},
                     {"inner_over_scale", density.inner_over_scale},
                     {"entropy_bits", density.entropy_signed_zero},
                     {"entropy_bits_zeros_merged", density.entropy_balanced},
                     {"sqnr_forward_db", density.sqnr_forward},
                     {"sqnr_backward_db", density.sqnr_backward},
                     {"sqnr_best_inner_db", density.sqnr_best_inner}});
    table_.add_row({printable(tensor.info->name, 64), shape_text(tensor.info->shape),
                    std::string(rule), percent(density.dead_zone_share), percent(gaussian),
                    percent(laplace), fmt::format("{:.4f}", density.entropy_signed_zero),
                    decibel_text(density.sqnr_forward), decibel_text(backward),
                    decibel_text(density.sqnr_best_inner)});
  }

  // One row a bin; the two open ones have no outer end.
  void add_bins(const LatentTensor& tensor, const RelativeHistogram& histogram) {
    const auto add = [&](std::optional<double> low, std::optional<double> high,
                         std::uint64_t count) {
      bins_.push_back(
          {{"tensor", tensor.info->name},
           {"low", low ? Json(*low) : Json()},
           {"high", high ? Json(*high) : Json()},
           {"count", count},
           {"share", ratio(static_cast<double>(count), static_cast<double>(tensor.size()))}});
    };
    add({}, RelativeHistogram::kLow, histogram.below);
    for (std::size_t bin = 0; bin < RelativeHistogram::kBins; ++bin) {
      add(RelativeHistogram::lower_end(bin), RelativeHistogram::lower_end(bin + 1),
          histogram.bins[bin]);
    }
    add(RelativeHistogram::kHigh, {}, histogram.above);
  }

  Table table_{"tensor",   "shape",    "rule",         "dead zone>",   "Gaussian>",
               "Laplace>", "entropy>", "3 levels dB>", "4 levels dB>", "best inner dB>"};
  std::vector<Json> rows_;
  std::vector<Json> bins_;
};

}  // namespace

int inspect_histogram(const HistogramOptions& options) {
  const NameFilter filter(options.include, options.exclude);
  const SafetensorsFile file(options.file);
  const std::vector<LatentTensor> tensors = latent_tensors(file, options.tensor, filter);
  check_outputs({{"--csv", options.csv}, {"--json", options.json}}, {{"FILE", options.file}});
  double total = 0;
  double done = 0;
  for (const LatentTensor& tensor : tensors) total += static_cast<double>(tensor.size());
  Report report;
  Progress progress;
  for (const LatentTensor& tensor : tensors) {
    progress.update(ratio(done, total), tensor.info->name);
    require_finite(file, tensor);
    report.add(tensor);
    done += static_cast<double>(tensor.size());
  }
  progress.clear();
  JsonReport json(options.json, {{"command", "inspect --histogram"},
                                 {"file", options.file},
                                 {"tool_versions", tool_versions()},
                                 {"rows", report.rows()}});
  if (!options.csv.empty()) {
    AtomicFile csv(options.csv);
    csv.write(csv_text(report.bins()));
    csv.commit();
  }
  json.commit();
  report.print();
  return kExitOk;
}

}  // namespace szt::tools
