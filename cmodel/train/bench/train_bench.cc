// SPDX-License-Identifier: Apache-2.0
// Training throughput of each arm against plain float32 libtorch on the same network: processor
// time of the training steps, the arms taken in turns in one run, medians of the ratios.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <string>
#include <vector>

#include "szt/error.h"
#include "szt/idx.h"
#include "szt/train/blas.h"
#include "szt/train/training.h"

namespace szt::train {
namespace {

double samples_per_second(Options options, Arm arm, std::string& tool) {
  options.arm = arm;
  const Report report = train(options, {});
  tool = report.tool;
  return static_cast<double>(report.samples_trained) / report.processor_seconds;
}

int compare(const Options& options, int rounds, double minimum) {
  std::vector<std::vector<double>> ratios(kAllArms.size());
  std::vector<double> fastest(kAllArms.size());
  std::string tool;
  for (int round = 0; round < rounds; ++round) {
    double plain = 0;
    for (std::size_t i = 0; i < kAllArms.size(); ++i) {
      const double rate = samples_per_second(options, kAllArms[i], tool);
      if (kAllArms[i] == Arm::kFloat32) plain = rate;
      ratios[i].push_back(rate / plain);
      fastest[i] = std::max(fastest[i], rate);
    }
  }
  bool enough = true;
  fmt::print("{}, batch {}, {} rounds of {} steps, {} thread(s), {}\n", name(options.task),
             options.batch, rounds, *options.steps, options.threads, tool);
  for (std::size_t i = 0; i < kAllArms.size(); ++i) {
    std::sort(ratios[i].begin(), ratios[i].end());
    const double median = ratios[i][ratios[i].size() / 2];
    enough = enough && median >= minimum;
    fmt::print("{:<11} {:>9.0f} samples/s  {:.2f} of float32\n", name(kAllArms[i]), fastest[i],
               median);
  }
  return enough ? 0 : 1;
}

}  // namespace
}  // namespace szt::train

int main(int argc, char** argv) {
  // The libraries are loaded by now: begin again, with what they read then.
  if (szt::train::set_blas_defaults()) execv("/proc/self/exe", argv);
  szt::train::Options options;
  options.data = szt::kFashionMnistDirectory;
  options.threads = 1;
  options.measure_every = 1U << 30;
  std::string task = "fashion-mlp";
  std::size_t steps = 100;
  int rounds = 5;
  double minimum = 0;
  CLI::App app("Training throughput of quantised arms against float32 on the same network");
  app.add_option("--task", task, "fashion-mlp, fashion-cnn or text")->capture_default_str();
  app.add_option("--data", options.data, "As of szt train")->capture_default_str();
  app.add_option("--batch", options.batch, "Samples a step")->capture_default_str();
  app.add_option("--steps", steps, "Of a round")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--rounds", rounds, "Of all arms")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--threads", options.threads, "Of libtorch")->capture_default_str();
  app.add_option("--minimum", minimum, "Exit 1 if an arm is below this ratio");
  try {
    app.parse(argc, argv);
    options.task = szt::train::parse_task(task);
    options.steps = steps;
    return szt::train::compare(options, rounds, minimum);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "train_bench: {}\n", error.what());
    return 2;
  }
}
