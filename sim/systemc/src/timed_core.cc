// SPDX-License-Identifier: Apache-2.0
// What acts on the core from outside, what can be seen of it, and what it will do.
#include "timed_core.h"

#include <fmt/format.h>

#include <algorithm>

#include "szt/sim/device.h"

namespace szt::systemc {
TimedCore::TimedCore(const Configuration& configuration, std::size_t capacity)
    : configuration_(configuration),
      rows_(static_cast<std::size_t>(configuration.rows)),
      result_bytes_(sim::result_beat_lanes(configuration) * sizeof(std::int32_t)),
      capacity_(capacity),
      drain_(static_cast<Edge>(std::max(configuration.rows, configuration.hops())) - 2),
      // fill_cycles() begins with the first busy cycle; the first vector comes rows + 3 later.
      latency_(fill_cycles(configuration) - rows_ - 3),
      credits_(static_cast<std::size_t>(configuration.fifo_depth)),
      array_(configuration),
      // Two tiles of codes wait in the loader, one is in the shadows.
      codes_{BeatFifo(sim::code_beat_bytes(configuration), capacity + 3 * rows_)},
      activations_{BeatFifo(sim::activation_beat_bytes(configuration), capacity)},
      results_(result_bytes_, capacity + credits_) {}

void TimedCore::start(const Command& command, Edge taken) { pending_ = {command, taken}; }

// Acts at the next edge, in which the streams still move; the state before it says what is owed.
void TimedCore::soft_reset(Edge edge) {
  const std::uint32_t dropped = pending_ ? 1U : 0U;
  pending_.reset();
  run(edge + 1, edge);
  const auto ended = static_cast<std::size_t>(std::count_if(
      complete_.begin(), complete_.end(), [](const Complete& tile) { return tile.last; }));
  const std::size_t owed = queue_.size() > ended ? queue_.size() - ended : 0;
  // stream_discard.sv counts what is added a cycle later.
  const auto add = [edge](Input& input, std::uint32_t packets) {
    input.edge = edge + (input.owed == 0 && packets != 0 ? 2 : 1);
    input.owed = std::min(kEndless, input.owed + packets);
  };
  add(codes_, static_cast<std::uint32_t>(owed) + dropped);
  add(activations_, unissued_ + dropped);
  codes_.fifo.pop(codes_.taken);
  codes_.taken = 0;

  if (busy_since_) busy_total_ += edge + 1 - *busy_since_;
  busy_since_.reset();
  held_ = unissued_ = 0;
  queue_.clear();
  complete_.clear();
  shadow_.reset();
  current_.reset();
  in_row_ = 0;
  k_tile_ = n_tile_ = 0;
  room_ = load_ = load_before_ = swap_ = issue_ = 0;

  // A result that is offered and not accepted at that edge stays.
  result_held_ = window_ == capacity_ && delivery_ <= edge && !flight_.empty() &&
                 flight_.front().ready <= edge + 1;
  if (result_held_) {
    Flight kept = flight_.front();
    kept.last = kept.last && kept.beats == 1;
    kept.beats = 1;
    kept.end = false;
    flight_.assign(1, kept);
  } else {
    flight_.clear();
  }
  issued_ = delivered_ + (result_held_ ? 1 : 0);
  late_.clear();
  results_.truncate(window_ + in_flight());
}

// Acts at the next edge, in which beats are still discarded; behind a soft reset, before any is.
void TimedCore::flush(Edge edge, bool behind_reset) {
  if (behind_reset) {
    codes_.owed = activations_.owed = 0;
    codes_.edge = activations_.edge = edge + 1;
  } else {
    flush_ = edge + 1;
  }
}

void TimedCore::push_codes(Edge edge, std::span<const std::uint8_t> beats, bool last) {
  codes_.fifo.push(beats, last, edge);
}

void TimedCore::push_activations(Edge edge, std::span<const std::uint8_t> beats, bool last) {
  activations_.fifo.push(beats, last, edge);
}

TimedCore::Edge TimedCore::pop_results(Edge edge, std::span<std::uint8_t> bytes) {
  if (window_ == capacity_) window_room_ = edge;
  Edge given = 0;
  std::size_t left = bytes.size() / result_bytes_;
  auto to = bytes.begin();
  while (left != 0) {
    Packet& packet = packets_.front();
    const BeatFifo::Run run = results_.front(std::min(left, packet.beats));
    to = std::copy(run.bytes.begin(), run.bytes.end(), to);
    results_.pop(run.beats);
    window_ -= run.beats;
    left -= run.beats;
    packet.first += run.beats;
    packet.beats -= run.beats;
    given = packet.first - 1;
    if (packet.beats == 0) packets_.pop_front();
  }
  return given;
}

std::optional<TimedCore::Event> TimedCore::pop_event(Edge edge) {
  if (events_.empty() || events_.front().edge > edge) return std::nullopt;
  const Event event = events_.front();
  events_.pop_front();
  return event;
}

void TimedCore::note(Edge edge, sim::Field bit) {
  const auto place =
      std::upper_bound(events_.begin(), events_.end(), edge,
                       [](Edge given, const Event& event) { return given < event.edge; });
  events_.insert(place, {edge, bit});
}

std::uint64_t TimedCore::busy_cycles(Edge edge) const {
  return busy_total_ + (busy_since_ && edge > *busy_since_ ? edge - *busy_since_ : 0);
}

TimedCore::Level TimedCore::results_level() const {
  Level level;
  for (const Packet& packet : packets_) {
    level.beats += packet.beats;
    level.last = packet.last;
    if (packet.last) break;
  }
  return level;
}

// ---- The future.

std::optional<TimedCore::Edge> TimedCore::next_step() const {
  std::optional<Edge> next;
  const auto add = [&next](Edge edge) { next = next ? std::min(*next, edge) : edge; };
  const auto add_run = [&add](const std::optional<Run>& run) {
    if (run) add(run->last());
  };
  const auto add_edge = [&add](const std::optional<Edge>& edge) {
    if (edge) add(*edge);
  };
  if (!events_.empty()) add(events_.front().edge);
  add_edge(flush_);
  add_edge(next_accept());
  add_run(next_discard(codes_));
  add_run(next_discard(activations_));
  add_run(next_codes());
  add_edge(next_load());
  add_edge(next_swap());
  add_run(next_vectors());
  add_run(next_results());
  return next;
}

// From what is known of the command that ends next. A tile follows the one before by its vectors at
// least, and the swap before by a whole period.
std::optional<TimedCore::Edge> TimedCore::next_event() const {
  if (!events_.empty()) return events_.front().edge;
  const auto end =
      std::find_if(flight_.begin(), flight_.end(), [](const Flight& flight) { return flight.end; });
  const std::optional<Run> results = next_results();
  if (end != flight_.end()) {
    if (!results) return std::nullopt;
    return std::max(results->first, end->ready + end->beats - 1) + 1;
  }
  const auto period = [this](std::uint64_t m) { return std::max<std::uint64_t>(drain_ + 2, m); };
  const auto from_swap = [&](Edge swap, const Command& command, std::uint64_t behind) {
    return swap + behind * period(command.m) + command.m + latency_ + 1;
  };
  const std::optional<Edge> step = next_step();
  if (!step) return std::nullopt;
  if (current_) {
    const std::optional<Run> vectors = next_vectors();
    if (!vectors) return step;
    const std::uint64_t m = current_->command.m;
    const Edge last = vectors->first + (m - vector_) - 1 + current_->behind * m;
    return std::max(last + latency_ + 1,
                    from_swap(current_->edge, current_->command, current_->behind));
  }
  if (shadow_) return from_swap(*next_swap(), shadow_->command, shadow_->behind);
  if (queue_.empty()) return step;
  const std::optional<Edge> load = next_load();
  return from_swap(load.value_or(*step + 1) + 2, head(), head_tiles_behind());
}

std::size_t TimedCore::vectors() const {
  if (current_) return current_->command.m;
  if (shadow_) return shadow_->command.m;
  return queue_.empty() ? 1 : head().m;
}

std::string TimedCore::describe() const {
  return fmt::format(
      "{} commands held; the next load is of n {} k {}; {} code, {} activation, {} result beats "
      "wait, {} results are on their way",
      held_ + (pending_ ? 1U : 0U), n_tile_, k_tile_, codes(), activations(), results(),
      in_flight());
}

}  // namespace szt::systemc
