// SPDX-License-Identifier: Apache-2.0
#include "szt/train/training.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <ctime>
#include <numbers>

#include "data.h"
#include "memory.h"
#include "networks.h"
#include "snapshot.h"
#include "szt/error.h"

namespace szt::train {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kHighestRate = 1e30;

// Of all threads of this process.
double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

void check(const Options& options) {
  if (options.batch == 0) throw InputError("batch 0: a step needs at least one sample");
  if (!(options.rate >= 0 && options.rate <= kHighestRate)) {
    throw InputError(
        fmt::format("rate {}: not a number from 0 to {:g}", options.rate, kHighestRate));
  }
  if (!std::isfinite(options.rotate)) throw InputError("the rotation is not a finite number");
  if (options.measure_every == 0) throw InputError("measure-every 0: every step is 1");
  if (options.rotate != 0 && options.task == Task::kText) {
    throw InputError("a text has nothing to rotate");
  }
  if (options.resume && options.snapshot.empty()) {
    throw InputError("there is no snapshot to resume from: its file is not given");
  }
  if (options.start.empty()) {
    if (options.recalibrate) throw InputError("recalibrate: only with a network to start at");
    const bool remembers = options.forget_every != 0 || options.memory == Memory::kSzt ||
                           options.memory == Memory::kKeptLatents;
    if (!remembers) {
      throw InputError(
          fmt::format("memory {}: only with a network to start at, or with latents to "
                      "forget",
                      name(options.memory)));
    }
  }
  if (options.keep_latents && options.output.empty()) {
    throw InputError("the latents are kept in the network that is written: its file is not given");
  }
  if (options.arm == Arm::kFloat32) {
    if (options.forget_every != 0) throw InputError("float32 has no 2-bit memory to forget to");
    if (!options.start.empty() && options.memory != Memory::kKeptLatents) {
      throw InputError("float32 starts at latents only: memory kept-latents");
    }
  }
}

class Run {
 public:
  Run(const Options& options, const Observer& observer)
      : options_(options), observer_(observer), data_(make_data(options)) {
    torch::manual_seed(options.seed);
    network_ = make_network(options.task, {options.arm, options.zero_shift}, data_->characters());
    if (!options_.steps) options_.steps = options_.epochs * data_->steps_per_epoch();
    if (!options.start.empty()) load_start(options, *network_);
    optimizer_ = make_optimizer();
  }

  Report operator()() {
    if (options_.resume) {
      progress_ = read_snapshot(options_, *network_, *optimizer_);
    } else {
      for (const auto& [name, layer] : network_->layers()) {
        if (!layer->quantized()) break;
        progress_.first_codes.push_back(layer->planes().codes);
        progress_.has_left.push_back(torch::zeros(layer->weight.sizes(), torch::kUInt8));
      }
      evaluate();
    }
    try {
      while (progress_.step < *options_.steps) step();
    } catch (...) {
      if (!options_.snapshot.empty() && safe_) snapshot();
      throw;
    }
    if (report().evaluations.back().step != progress_.step) evaluate();
    if (!options_.snapshot.empty()) snapshot();
    if (!options_.output.empty()) write_network(options_, *network_);
    return finished_report();
  }

 private:
  Report& report() { return progress_.report; }

  std::unique_ptr<torch::optim::Adam> make_optimizer() {
    return std::make_unique<torch::optim::Adam>(network_->parameters(),
                                                torch::optim::AdamOptions(options_.rate));
  }

  void step() {
    const auto start = Clock::now();
    const double processor_start = processor_seconds();
    const bool measured =
        (progress_.step + 1) % options_.measure_every == 0 || progress_.step + 1 == *options_.steps;
    const Batch batch = data_->training_batch(progress_.step);
    set_rate();
    optimizer_->zero_grad();
    const torch::Tensor loss =
        torch::cross_entropy_loss(network_->forward(batch.input), batch.target);
    const float value = loss.item<float>();
    if (!std::isfinite(value)) {
      throw InputError(fmt::format("step {}: the loss is {}; try a lower rate than {}",
                                   progress_.step + 1, value, options_.rate));
    }
    loss.backward();
    std::vector<torch::Tensor> before;
    if (measured) before = codes();
    safe_ = false;
    optimizer_->step();
    ++progress_.step;
    report().losses.push_back(value);
    if (measured) measure(before);
    if (options_.forget_every != 0 && progress_.step % options_.forget_every == 0) forget_latents();
    safe_ = true;
    seconds_ += std::chrono::duration<double>(Clock::now() - start).count();
    processor_seconds_ += processor_seconds() - processor_start;
    samples_ += options_.batch;

    if (options_.evaluate_every != 0 && progress_.step % options_.evaluate_every == 0) evaluate();
    if (!options_.snapshot.empty() && options_.snapshot_every != 0 &&
        progress_.step % options_.snapshot_every == 0) {
      snapshot();
    }
    if (observer_) observer_(progress_.step, *options_.steps, value);
  }

  void set_rate() {
    double rate = options_.rate;
    if (options_.schedule == Schedule::kCosine) {
      const double share =
          static_cast<double>(progress_.step) / static_cast<double>(*options_.steps);
      rate *= 0.5 * (1 + std::cos(std::numbers::pi * share));
    }
    for (auto& group : optimizer_->param_groups()) {
      static_cast<torch::optim::AdamOptions&>(group.options()).lr(rate);
    }
  }

  std::vector<torch::Tensor> codes() const {
    std::vector<torch::Tensor> all;
    for (const auto& [name, layer] : network_->layers()) {
      if (!layer->quantized()) break;
      all.push_back(layer->planes().codes);
    }
    return all;
  }

  void measure(const std::vector<torch::Tensor>& before) {
    const std::size_t first = report().measurements.empty() ? 0 : report().measurements.back().step;
    Measurement row{progress_.step, 0, 0, 0, 0, 0, 0};
    for (std::size_t i = first; i < report().losses.size(); ++i) row.loss += report().losses[i];
    row.loss /= static_cast<double>(report().losses.size() - first);

    double weights = 0, began_dead = 0;
    const std::vector<torch::Tensor> now = codes();
    const auto count = [](const torch::Tensor& mask) { return mask.sum().item<double>(); };
    for (std::size_t i = 0; i < now.size(); ++i) {
      const torch::Tensor outside = now[i].bitwise_and(1);  // the magnitude bit
      const torch::Tensor began = progress_.first_codes[i].bitwise_and(1) == 0;
      progress_.has_left[i].bitwise_or_(outside);
      weights += static_cast<double>(now[i].numel());
      began_dead += count(began);
      row.dead += count(outside == 0);
      row.still_dead += count((outside == 0).logical_and(began));
      row.never_left += count((progress_.has_left[i] == 0).logical_and(began));
      // f changes unless both are zeros or the codes are equal.
      const torch::Tensor changed = now[i] != before[i];
      const torch::Tensor nonzero = now[i].bitwise_or(before[i]).bitwise_and(1) == 1;
      row.code_flips += count(changed);
      row.forward_flips += count(changed.logical_and(nonzero));
    }
    if (weights != 0) {
      row.dead /= weights;
      row.code_flips /= weights;
      row.forward_flips /= weights;
    }
    if (began_dead != 0) {
      row.still_dead /= began_dead;
      row.never_left /= began_dead;
    }
    report().measurements.push_back(row);
  }

  void forget_latents() {
    std::uint64_t index = 0;
    for (const auto& [name, layer] : network_->layers()) {
      forget(*layer, options_.zero_shift, options_.memory, hash(options_.seed, progress_.step),
             index++);
    }
    if (options_.memory != Memory::kKeptLatents) optimizer_ = make_optimizer();
  }

  void evaluate() {
    const torch::NoGradGuard no_gradient;
    double loss = 0, right = 0, samples = 0;
    for (std::size_t i = 0; i < data_->test_batches(); ++i) {
      const Batch batch = data_->test_batch(i);
      const torch::Tensor scores = network_->forward(batch.input);
      const auto n = static_cast<double>(batch.target.numel());
      loss += n * torch::cross_entropy_loss(scores, batch.target).item<double>();
      right += scores.argmax(1).eq(batch.target).sum().item<double>();
      samples += n;
    }
    loss /= samples;
    const bool text = options_.task == Task::kText;
    report().evaluations.push_back(
        {progress_.step, loss, text ? loss / std::numbers::ln2 : right / samples});
  }

  void snapshot() { write_snapshot(options_, *network_, *optimizer_, progress_); }

  Report finished_report() {
    Report finished = std::move(report());
    finished.network = network_->description();
    for (const torch::Tensor& parameter : network_->parameters()) {
      finished.parameters += static_cast<std::size_t>(parameter.numel());
    }
    for (const auto& [name, layer] : network_->layers()) {
      if (!layer->quantized()) break;
      const Planes& planes = layer->planes();
      finished.quantized_parameters += layer->rows() * layer->cols();
      finished.layers.push_back({name, layer->rows(), layer->cols(), planes.threshold, planes.scale,
                                 planes.scale == 0 ? 0 : options_.rate / planes.scale});
    }
    finished.seconds = seconds_;
    finished.processor_seconds = processor_seconds_;
    finished.samples_trained = samples_;
    finished.tool = fmt::format("libtorch {}", TORCH_VERSION);
    return finished;
  }

  Options options_;  // with `steps`
  const Observer& observer_;
  std::unique_ptr<Data> data_;
  std::shared_ptr<Network> network_;
  std::unique_ptr<torch::optim::Adam> optimizer_;
  Progress progress_;
  double seconds_ = 0, processor_seconds_ = 0;
  std::size_t samples_ = 0;
  bool safe_ = true;  // what a snapshot would hold is between two steps
};

}  // namespace

Report train(const Options& options, const Observer& observer) {
  check(options);
  if (options.threads != 0) torch::set_num_threads(static_cast<int>(options.threads));
  try {
    return Run(options, observer)();
  } catch (const c10::Error& error) {
    throw std::runtime_error(fmt::format("libtorch: {}", error.what_without_backtrace()));
  }
}

}  // namespace szt::train
