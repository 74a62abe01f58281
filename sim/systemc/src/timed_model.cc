// SPDX-License-Identifier: Apache-2.0
#include "timed_model.h"

#include <fmt/format.h>

#include <algorithm>

namespace szt::systemc {
namespace {

namespace registers = sim::matmul;

constexpr std::uint64_t kCyclesMask = (std::uint64_t{1} << 48) - 1;

}  // namespace

std::size_t TimedModel::capacity(const Configuration& configuration) {
  constexpr std::size_t kCapacity = 2048;
  return std::max(kCapacity, static_cast<std::size_t>(configuration.acc_depth));
}

TimedModel::TimedModel(const Configuration& configuration)
    : rows_(static_cast<std::size_t>(configuration.rows)),
      core_(configuration, capacity(configuration)),
      registers_(configuration, *this) {}

// ---- Registers.

bool TimedModel::write_register(std::uint64_t cycle, std::uint32_t address, std::uint32_t value) {
  run_to(cycle);
  if ((address & ~3U) == registers::kStatus && set_edge_ == now_) value &= ~set_bits_;
  resets_ = false;
  const bool okay = registers_.write(address, value);
  note_irq(now_);
  return okay;
}

std::optional<std::uint32_t> TimedModel::read_register(std::uint64_t cycle, std::uint32_t address) {
  run_to(cycle);
  return registers_.read(address);
}

std::optional<std::uint32_t> TimedModel::peek_register(std::uint64_t cycle, std::uint32_t address) {
  run_to(cycle);
  return registers_.peek(address);
}

sim::RegisterClient::Status TimedModel::status() const {
  return {.busy = core_.busy(),
          .result_held = core_.result_held(),
          .queue = core_.queue(),
          .room = !core_.pending(),
          .discard_codes = core_.discards_codes(),
          .discard_activations = core_.discards_activations(),
          .busy_cycles = core_.busy_cycles(now_) & kCyclesMask};
}

void TimedModel::start(const Command& command) {
  // The core's queue needs two cycles more to come out of its reset.
  core_.start(command, now_ + (resets_ ? 3 : 1));
}

void TimedModel::soft_reset() {
  resets_ = true;
  core_.soft_reset(now_);
}

void TimedModel::note_irq(std::uint64_t cycle) {
  if (registers_.irq() == irq_) return;
  irq_ = !irq_;
  last_irq_edge_ = std::max(last_irq_edge_, cycle + 1);
  irq_edges_.push_back({last_irq_edge_, irq_});
}

std::optional<TimedModel::IrqEdge> TimedModel::pop_irq_edge() {
  if (irq_edges_.empty()) return std::nullopt;
  const IrqEdge edge = irq_edges_.front();
  irq_edges_.pop_front();
  return edge;
}

std::optional<std::uint64_t> TimedModel::next_irq_edge() const {
  if (irq_edges_.empty()) return std::nullopt;
  return irq_edges_.front().cycle;
}

// ---- Streams.

void TimedModel::push_codes(std::uint64_t cycle, std::span<const std::uint8_t> beats, bool last) {
  run_to(cycle);
  core_.push_codes(now_, beats, last);
}

void TimedModel::push_activations(std::uint64_t cycle, std::span<const std::uint8_t> beats,
                                  bool last) {
  run_to(cycle);
  core_.push_activations(now_, beats, last);
}

void TimedModel::cancel_codes(std::uint64_t cycle) {
  run_to(cycle);
  core_.cancel_codes();
}

void TimedModel::cancel_activations(std::uint64_t cycle) {
  run_to(cycle);
  core_.cancel_activations();
}

std::uint64_t TimedModel::pop_results(std::uint64_t cycle, std::span<std::uint8_t> bytes) {
  run_to(cycle);
  return core_.pop_results(now_, bytes);
}

// ---- Time.

void TimedModel::run_to(std::uint64_t cycle) {
  now_ = std::max(now_, cycle);
  core_.run(now_);
  while (const std::optional<TimedCore::Event> event = core_.pop_event(now_)) {
    const std::uint32_t bits = event->bit.mask();
    if (bits == registers::kStatusDone.mask()) {
      registers_.note_done();
    } else {
      registers_.note_error(event->bit);
    }
    if (set_edge_ != event->edge) set_bits_ = 0;
    set_edge_ = event->edge;
    set_bits_ |= bits;
    note_irq(event->edge);
  }
}

TimedModel::Wants TimedModel::wants() const {
  return {.codes = core_.codes() < 2 * rows_,
          .activations = core_.activations() < core_.vectors(),
          .results = core_.results() >= core_.capacity() / 2};
}

std::optional<std::uint64_t> TimedModel::next_attention() const {
  const std::optional<std::uint64_t> step = core_.next_step();
  if (!step) return std::nullopt;
  // At most one beat of each stream moves in a cycle.
  const Wants now = wants();
  std::uint64_t quiet = ~std::uint64_t{0};
  if (!now.codes) quiet = std::min<std::uint64_t>(quiet, core_.codes() - 2 * rows_ + 1);
  if (!now.activations) {
    quiet = std::min<std::uint64_t>(quiet, core_.activations() - core_.vectors() + 1);
  }
  if (!now.results) {
    quiet = std::min<std::uint64_t>(quiet, core_.capacity() / 2 - core_.results());
  }
  const std::optional<std::uint64_t> event = core_.next_event();
  return std::min(std::max(*step, now_ + std::min(quiet, ~std::uint64_t{0} - now_)),
                  event.value_or(~std::uint64_t{0}));
}

std::string TimedModel::describe() const {
  return fmt::format("cycle {}: {}", now_, core_.describe());
}

}  // namespace szt::systemc
