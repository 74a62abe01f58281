// SPDX-License-Identifier: Apache-2.0
// szt train: quantisation-aware training, by the trainer's shared library.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "commands.h"
#include "options.h"
#include "outputs.h"
#include "progress.h"
#include "report.h"
#include "szt/error.h"
#include "szt/idx.h"
#include "szt/printable.h"
#include "szt/sim/library_search.h"
#include "szt/train/blas.h"
#include "szt/train/training.h"

namespace szt::tools {
namespace {

struct Texts {
  std::string task = "fashion-mlp", arm = "szt", zero_shift = "2", memory = "szt",
              schedule = "cosine";
  std::string data, start, output, snapshot, json;
  bool zero_shift_given = false;
};

// Loaded once; libtorch comes with it.
train::Report run_trainer(const train::Options& options, const train::Observer& observer) {
  using Function = train::Report*(const train::Options&, const train::Observer&);
  train::set_blas_defaults();
  static auto* const function =
      sim::SharedLibrary("libszt_train.so", "the trainer (it needs libtorch)", "szt_train")
          .find<Function>("szt_train");
  return *std::unique_ptr<train::Report>(function(options, observer));
}

std::string duration(double seconds) {
  const auto whole = static_cast<std::uint64_t>(seconds + 0.5);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

// score: accuracy, or bits a character.
std::string score_text(const train::Options& options, double score) {
  return options.task == train::Task::kText ? fmt::format("{:.4f} bits a character", score)
                                            : fmt::format("{:.2f} % right", 100 * score);
}

nlohmann::ordered_json report_json(const train::Options& options, const train::Report& report) {
  using Json = nlohmann::ordered_json;
  Json measurements = Json::array(), evaluations = Json::array(), layers = Json::array();
  for (const train::Measurement& m : report.measurements) {
    measurements.push_back({{"step", m.step},
                            {"loss", m.loss},
                            {"dead", m.dead},
                            {"still_dead", m.still_dead},
                            {"never_left", m.never_left},
                            {"forward_flips", m.forward_flips},
                            {"code_flips", m.code_flips}});
  }
  for (const train::Evaluation& e : report.evaluations) {
    evaluations.push_back({{"step", e.step}, {"loss", e.loss}, {"score", e.score}});
  }
  for (const train::Layer& layer : report.layers) {
    layers.push_back({{"name", layer.name},
                      {"rows", layer.rows},
                      {"cols", layer.cols},
                      {"threshold", json_float(layer.threshold)},
                      {"scale", json_float(layer.scale)},
                      {"rate_in_scales", layer.rate_in_scales}});
  }
  Json versions = tool_versions();
  versions["trainer"] = report.tool;
  return {
      {"command", "train"},
      {"task", name(options.task)},
      {"arm", name(options.arm)},
      {"zero_shift", to_string(options.zero_shift)},
      {"seed", options.seed},
      {"steps", report.losses.size()},
      {"batch", options.batch},
      {"rate", options.rate},
      {"schedule", name(options.schedule)},
      {"rotate", options.rotate},
      {"start", options.start.string()},
      {"memory", options.start.empty() && options.forget_every == 0 ? Json(nullptr)
                                                                    : Json(name(options.memory))},
      {"recalibrate", options.recalibrate},
      {"forget_every", options.forget_every},
      {"network", report.network},
      {"parameters", report.parameters},
      {"quantized_parameters", report.quantized_parameters},
      {"score", options.task == train::Task::kText ? "bits_per_character" : "accuracy"},
      {"final", report.evaluations.back().score},
      {"samples_per_second", ratio(static_cast<double>(report.samples_trained), report.seconds)},
      {"evaluations", evaluations},
      {"measurements", measurements},
      {"layers", layers},
      {"losses", report.losses},
      {"tool_versions", versions}};
}

int train_network(train::Options options, const Texts& texts) {
  options.task = train::parse_task(texts.task);
  options.arm = train::parse_arm(texts.arm);
  options.zero_shift = parse_zero_shift(texts.zero_shift);
  options.memory = train::parse_memory(texts.memory);
  options.schedule = train::parse_schedule(texts.schedule);
  const bool shifted = options.arm == train::Arm::kSzt || options.arm == train::Arm::kFourLevel ||
                       !texts.start.empty() || options.forget_every != 0;
  if (texts.zero_shift_given && !shifted) {
    throw InputError(fmt::format("--zero-shift: arm {} takes every zero for 0", texts.arm));
  }
  options.data = texts.data;
  options.start = texts.start;
  options.output = texts.output;
  options.snapshot = texts.snapshot;
  if (options.data.empty()) {
    if (options.task == train::Task::kText) {
      throw InputError("--task text needs --data FILE, the text to learn");
    }
    options.data = kFashionMnistDirectory;
  }
  check_outputs(
      {{"--output", options.output}, {"--json", texts.json}, {"--snapshot", options.snapshot}},
      {{"--start", options.start}, {"--data", options.data}});

  Progress progress;
  const auto start = std::chrono::steady_clock::now();
  std::size_t first = 0, last = 0;
  const auto train = [&] {
    return run_trainer(options, [&](std::size_t step, std::size_t steps, double loss) {
      if (first == 0) first = step;
      last = step;
      const double share = static_cast<double>(step) / static_cast<double>(steps);
      if (!progress.due()) return progress.update(share, {});
      const double left = seconds_since(start) / static_cast<double>(step - first + 1) *
                          static_cast<double>(steps - step);
      progress.update(share, fmt::format("step {} of {}", step, steps),
                      fmt::format("loss {:.4f}  {} left", loss, duration(left)));
    });
  };
  train::Report report;
  try {
    report = train();
  } catch (const Interrupted&) {
    progress.clear();
    if (!options.snapshot.empty()) {
      fmt::print(stderr,
                 "szt: {}: the state after step {}; the same command with --resume goes on\n",
                 printable_path(options.snapshot), last);
    }
    throw;
  }
  progress.clear();

  fmt::print("{}: {} parameters, {} of them in 2 bits; {} steps of {}, {:.0f} samples a second\n",
             report.network, report.parameters, report.quantized_parameters, report.losses.size(),
             options.batch, ratio(static_cast<double>(report.samples_trained), report.seconds));
  fmt::print("on the test set: {} before, {} after\n",
             score_text(options, report.evaluations.front().score),
             score_text(options, report.evaluations.back().score));
  if (!options.output.empty()) fmt::print("{}: written\n", printable_path(options.output));
  write_json(texts.json, report_json(options, report));
  return kExitOk;
}

}  // namespace

Subcommand add_train(CLI::App& app) {
  auto options = std::make_shared<train::Options>();
  auto texts = std::make_shared<Texts>();
  CLI::App* command = app.add_subcommand(
      "train", "Train a small network with quantised weights and int8 activations");
  command->footer(
      "Every forward pass quantises the weights by rule twn and the inputs of each matrix to "
      "int8,\n"
      "as the hardware does. The same options give the same network on one machine. After Ctrl-C "
      "a\n"
      "run with --snapshot goes on with --resume, to the same network.");
  command
      ->add_option("--task", texts->task,
                   "fashion-mlp, fashion-cnn (Fashion-MNIST) or text (the next\ncharacter)")
      ->type_name("TASK")
      ->capture_default_str();
  command
      ->add_option("--arm", texts->arm,
                   "float32: not quantised. dead-zone: no gradient to zeros.\n"
                   "ste: gradient to all weights, through f. szt: through\n"
                   "f + 2^-k z. four-level: f + 2^-k z in both passes")
      ->type_name("ARM")
      ->capture_default_str();
  command->add_option("--zero-shift", texts->zero_shift, "k: 0 to 7, or inf")
      ->type_name("K")
      ->capture_default_str();
  command
      ->add_option("--data", texts->data,
                   fmt::format("Directory of Fashion-MNIST's files (default:\n{}),\n"
                               "or a text file",
                               kFashionMnistDirectory))
      ->type_name("PATH");
  command->add_option("--rotate", options->rotate, "Turn every image, counter-clockwise")
      ->type_name("DEGREES");
  const auto number = [command](const char* option, const char* description, auto set) {
    add_number_option(*command, option, description, std::uint64_t{1} << 40, set);
  };
  number("--seed", "Of first weights and the order of the data (1)",
         [options](std::uint64_t n) { options->seed = n; });
  number("--epochs", "Times through the data (10)",
         [options](std::uint64_t n) { options->epochs = n; });
  number("--steps", "Steps, in place of --epochs",
         [options](std::uint64_t n) { options->steps = n; });
  number("--batch", "Samples a step (128)", [options](std::uint64_t n) { options->batch = n; });
  command->add_option("--rate", options->rate, "Learning rate of Adam")
      ->type_name("R")
      ->capture_default_str();
  command->add_option("--schedule", texts->schedule, "Of the rate: constant, or cosine (to 0)")
      ->type_name("S")
      ->capture_default_str();
  add_number_option(*command, "--threads", "Of libtorch (the machine's)", 4096,
                    [options](std::uint64_t n) { options->threads = static_cast<unsigned>(n); });
  command
      ->add_option("--start", texts->start,
                   "Begin at a network that train or quantize wrote, with its\n"
                   "thresholds and scales")
      ->type_name("FILE");
  command
      ->add_option("--memory", texts->memory,
                   "Where latents begin with --start, and after --forget-every:\n"
                   "szt, bt-zero (every zero at 0), random-sign, opposite-sign,\n"
                   "kept-latents")
      ->type_name("M")
      ->capture_default_str();
  command->add_flag("--recalibrate", options->recalibrate,
                    "With --start: thresholds and scales by twn in each step");
  number("--forget-every", "Keep only the 2-bit weights every N steps (never)",
         [options](std::uint64_t n) { options->forget_every = n; });
  number("--measure-every", "Steps between two rows of measurements (100)",
         [options](std::uint64_t n) { options->measure_every = n; });
  number("--evaluate-every", "Steps between two tests (only before and after)",
         [options](std::uint64_t n) { options->evaluate_every = n; });
  command->add_option("--output", texts->output, "Network to write")->type_name("FILE.safetensors");
  command->add_flag("--keep-latents", options->keep_latents, "Write the latents too");
  command->add_option("--snapshot", texts->snapshot, "State to write, to resume from")
      ->type_name("FILE");
  number("--snapshot-every", "Steps between two snapshots (500)",
         [options](std::uint64_t n) { options->snapshot_every = n; });
  command->add_flag("--resume", options->resume, "Go on from --snapshot");
  add_json_option(*command, texts->json);
  return {command, [command, options, texts] {
            texts->zero_shift_given = command->count("--zero-shift") != 0;
            return train_network(*options, *texts);
          }};
}

}  // namespace szt::tools
