// SPDX-License-Identifier: Apache-2.0
// How much faster the loosely timed SystemC model is than the Verilated RTL, on the same product
// through the same driver, in one run: the ratio of the process times of the fastest of as many
// repetitions each. Exit 1 if their results or cycles differ, or the ratio is less than was asked
// for.
#include <fmt/format.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <exception>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "szt/configuration.h"
#include "szt/error.h"
#include "szt/packed_codes.h"
#include "szt/sim/driver.h"
#include "szt/sim/model_device.h"
#include "szt/sim/rtl_device.h"
#include "szt/sim/tlm_device.h"

namespace szt::sim {
namespace {

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

struct Options {
  std::string configuration = "medium";
  std::size_t m = 1024, k = 1024, n = 256;
  int repetitions = 5;
  double minimum = 0;
};

struct Run {
  double seconds = 0;
  MatmulReport report;
  std::vector<std::int32_t> y;
};

// The device's construction is not counted; the fastest of the repetitions is.
Run measure(Device& device, const MatmulJob& job, int repetitions) {
  Run run;
  run.y.resize(job.m * job.weights.rows());
  Driver driver(device);
  for (int i = 0; i < repetitions; ++i) {
    const double before = cpu_seconds();
    run.report = driver.matmul(job, run.y);
    const double seconds = cpu_seconds() - before;
    if (i == 0 || seconds < run.seconds) run.seconds = seconds;
  }
  return run;
}

int compare(const Options& options) {
  const Configuration& configuration = find_configuration(options.configuration);
  std::mt19937_64 generator(1);
  std::vector<std::int8_t> x(options.m * options.k);
  for (std::int8_t& value : x) value = static_cast<std::int8_t>(generator());
  std::vector<Code> codes(options.n * options.k);
  for (Code& code : codes) code = kAllCodes[generator() >> 62];
  const PackedCodes weights = PackedCodes::pack(codes, options.n, options.k);
  const MatmulJob job{x, options.m, weights, DecodeMode::kForward};

  const auto line = [&](const char* name, const Run& run) {
    fmt::print("{:<6} {:>9} cycles  {:>9.4f} s  {:>10.1f} MMAC/s\n", name, run.report.cycles,
               run.seconds, static_cast<double>(run.report.macs) / run.seconds * 1e-6);
  };
  fmt::print("{}: {} x {} x {}, {}\n", configuration.name, options.m, options.k, options.n,
             rtl_simulator_version(configuration));
  const Run model = measure(*make_model_device(configuration), job, options.repetitions);
  line("model", model);
  const Run tlm = measure(*make_tlm_device(configuration), job, options.repetitions);
  line("tlm", tlm);
  const Run rtl = measure(*make_rtl_device(configuration), job, options.repetitions);
  line("rtl", rtl);
  const double ratio = rtl.seconds / tlm.seconds;
  fmt::print("tlm is {:.0f} times as fast as rtl\n", ratio);
  if (tlm.y != rtl.y || tlm.report.cycles != rtl.report.cycles) {
    fmt::print("but their results or cycles differ\n");
    return 1;
  }
  return ratio >= options.minimum ? 0 : 1;
}

}  // namespace
}  // namespace szt::sim

int main(int argc, char** argv) {
  szt::sim::Options options;
  CLI::App app(
      "The loosely timed SystemC model against the Verilated RTL: process time of the "
      "same product");
  app.add_option("--config", options.configuration, "Configuration")->capture_default_str();
  app.add_option("-m", options.m, "Rows of the activations")->capture_default_str();
  app.add_option("-k", options.k, "Columns of the activations")->capture_default_str();
  app.add_option("-n", options.n, "Rows of the weights")->capture_default_str();
  app.add_option("--repetitions", options.repetitions, "Of each; the fastest counts")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--minimum", options.minimum, "Exit 1 below this ratio");
  try {
    app.parse(argc, argv);
    return szt::sim::compare(options);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "tlm_bench: {}\n", error.what());
    return 2;
  }
}
