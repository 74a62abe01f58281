// SPDX-License-Identifier: Apache-2.0
// The chains of the core, each as its module has it.
#include <algorithm>

#include "timed_core.h"

namespace szt::systemc {
namespace {

namespace registers = sim::matmul;

// Cycles between two uses of a place in the accumulator.
constexpr std::uint64_t kHazardWindow = 4;

}  // namespace

std::size_t TimedCore::Run::due(Edge edge) const {
  return edge < first ? 0
                      : static_cast<std::size_t>(std::min<std::uint64_t>(beats, edge - first + 1));
}

void TimedCore::run(Edge streams, Edge inside) {
  if (flush_ && *flush_ <= streams) end_discarding();
  for (bool moved = true; moved;) {
    moved = accept(inside);
    moved |= codes_.owed != 0 ? discard(codes_, streams) : take_codes(streams);
    moved |= load(inside);
    moved |= swap(inside);
    moved |= deliver(streams);
    moved |= activations_.owed != 0 ? discard(activations_, streams) : take_vectors(streams);
  }
}

// ---- Commands.

std::optional<TimedCore::Edge> TimedCore::next_accept() const {
  if (!pending_ || queue_.size() == 2) return std::nullopt;
  return std::max(pending_->taken, room_);
}

bool TimedCore::accept(Edge edge) {
  const std::optional<Edge> next = next_accept();
  if (!next || *next > edge) return false;
  queue_.push_back({pending_->command, *next});
  pending_.reset();
  ++unissued_;
  if (held_++ == 0) busy_since_ = *next;
  return true;
}

bool TimedCore::head_at_last_tile() const {
  return k_tile_ + 1 == head().k_tiles && n_tile_ + 1 == head().n_tiles;
}

std::uint64_t TimedCore::head_tiles_behind() const {
  return std::uint64_t{head().k_tiles} * (head().n_tiles - n_tile_) - k_tile_ - 1;
}

// ---- Streams that are discarded.

void TimedCore::end_discarding() {
  for (Input* const input : {&codes_, &activations_}) {
    while (discard(*input, *flush_)) {
    }
    if (input->owed != 0) input->edge = *flush_;
    input->owed = 0;
  }
  flush_.reset();
}

std::optional<TimedCore::Run> TimedCore::next_discard(const Input& input) {
  if (input.owed == 0 || input.waiting() == 0) return std::nullopt;
  const BeatFifo::Chunk chunk = input.fifo.chunk(0);
  return Run{std::max(input.edge, chunk.cycle) + 1,
             std::min(chunk.beats, input.fifo.next_last(0) + 1)};
}

bool TimedCore::discard(Input& input, Edge edge) {
  const std::optional<Run> next = next_discard(input);
  const std::size_t beats = next ? next->due(edge) : 0;
  if (beats == 0) return false;
  if (input.fifo.next_last(0) < beats && input.owed != kEndless) --input.owed;
  input.fifo.pop(beats);
  input.edge = next->first + beats - 1;
  return true;
}

// ---- weight_loader.sv: beats of at most two tiles that are in hand and not loaded.

std::optional<TimedCore::Run> TimedCore::next_codes() const {
  if (complete_.size() == 2 || codes_.waiting() == 0 || codes_.owed != 0) return std::nullopt;
  Edge after = codes_.edge;
  if (in_row_ == 0) {
    if (queue_.empty()) return std::nullopt;
    const bool second = complete_.size() == 1 && head_at_last_tile();
    if (second && queue_.size() < 2) return std::nullopt;
    // Two tiles ago: its load made room.
    const Edge load = complete_.empty() ? load_before_ : load_;
    after = std::max({after, queue_[second ? 1 : 0].accepted, load});
  }
  const BeatFifo::Chunk chunk = codes_.fifo.chunk(codes_.taken);
  after = std::max(after, chunk.cycle);
  return Run{after + 1, std::min(chunk.beats, rows_ - in_row_)};
}

bool TimedCore::take_codes(Edge edge) {
  const std::optional<Run> next = next_codes();
  const std::size_t beats = next ? next->due(edge) : 0;
  if (beats == 0) return false;
  bool last = false;  // on the tile's final beat
  for (std::size_t at = codes_.fifo.next_last(codes_.taken); at < codes_.taken + beats;
       at = codes_.fifo.next_last(at + 1)) {
    last = in_row_ + (at - codes_.taken) + 1 == rows_;
    if (!last) note(next->first + (at - codes_.taken) + 1, registers::kStatusErrorCodesLast);
  }
  codes_.taken += beats;
  codes_.edge = next->first + beats - 1;
  in_row_ += beats;
  if (in_row_ == rows_) {
    in_row_ = 0;
    complete_.push_back({codes_.edge, last});
  }
  return true;
}

std::optional<TimedCore::Edge> TimedCore::next_load() const {
  if (complete_.empty() || shadow_) return std::nullopt;
  // Behind the swap tag, and so behind the load before.
  return std::max(complete_.front().edge + 1, swap_ + drain_);
}

bool TimedCore::load(Edge edge) {
  const std::optional<Edge> next = next_load();
  if (!next || *next > edge) return false;
  const bool end = head_at_last_tile();
  shadow_ = {head(), k_tile_ == 0, k_tile_ + 1 == head().k_tiles, end, head_tiles_behind(), *next};
  if (complete_.front().last != end) note(*next + 1, registers::kStatusErrorCodesLast);
  complete_.pop_front();
  load_before_ = load_;
  load_ = *next;
  if (shadow_->last_k) {
    k_tile_ = 0;
    ++n_tile_;
  } else {
    ++k_tile_;
  }
  if (end) {
    if (queue_.size() == 2) room_ = *next + 1;
    queue_.pop_front();
    n_tile_ = 0;
    accept(edge);  // before any result can make the core idle
  }
  return true;
}

// ---- matmul_core.sv: the swap tag, and the vectors behind it.

std::optional<TimedCore::Edge> TimedCore::next_swap() const {
  if (!shadow_ || current_) return std::nullopt;
  return std::max(shadow_->edge + 2, issue_);
}

bool TimedCore::swap(Edge edge) {
  const std::optional<Edge> next = next_swap();
  if (!next || *next > edge) return false;
  for (std::size_t row = 0; row < rows_; ++row) {
    array_.load_row(row, codes_.fifo.at(row), shadow_->command.mode);
  }
  codes_.fifo.pop(rows_);
  codes_.taken -= rows_;
  current_ = shadow_;
  current_->edge = swap_ = *next;
  vector_ = 0;
  shadow_.reset();
  return true;
}

std::optional<TimedCore::Run> TimedCore::next_vectors() const {
  if (!current_ || activations_.owed != 0 || activations_.waiting() == 0) return std::nullopt;
  const BeatFifo::Chunk chunk = activations_.fifo.chunk(0);
  Run run{std::max({activations_.edge, chunk.cycle, current_->edge}) + 1,
          std::min<std::size_t>(chunk.beats, current_->command.m - vector_)};
  if (!current_->first_k && current_->command.m < kHazardWindow) {
    run.first = std::max(run.first, hazard_[vector_] + kHazardWindow);
    run.beats = 1;
  }
  if (!current_->last_k) return run;
  // A result takes a credit. There are enough of them as long as no result is late, nor will be
  // for want of room.
  const std::size_t room = capacity_ - std::min(capacity_, window_ + in_flight());
  const bool waits = !flight_.empty() && std::max(window_room_, delivery_) >= flight_.front().ready;
  if (late_.empty() && !waits && room != 0) {
    run.beats = std::min(run.beats, room);
    return run;
  }
  if (in_flight() >= credits_) return std::nullopt;
  run.beats = 1;
  const auto credit = std::find_if(late_.begin(), late_.end(), [this](const Late& late) {
    return late.result + credits_ == issued_;
  });
  if (credit != late_.end()) run.first = std::max(run.first, credit->edge + 1);
  return run;
}

bool TimedCore::take_vectors(Edge edge) {
  const std::optional<Run> next = next_vectors();
  const std::size_t beats = next ? next->due(edge) : 0;
  if (beats == 0) return false;
  const std::uint32_t m = current_->command.m;
  const sim::Field error = registers::kStatusErrorActivationsLast;
  bool last = false;  // on the tile's final beat
  for (std::size_t at = activations_.fifo.next_last(0); at < beats;
       at = activations_.fifo.next_last(at + 1)) {
    last = vector_ + at + 1 == m;
    if (!last || !current_->end) note(next->first + at + 1, error);
  }
  if (m < kHazardWindow) {
    for (std::size_t i = 0; i < beats; ++i) hazard_[vector_ + i] = next->first + i;
  }
  issue_ = activations_.edge = next->first + beats - 1;
  if (current_->last_k) {
    const bool ends = vector_ + beats == m;
    flight_.push_back({next->first + latency_, beats, ends, ends && current_->end});
    issued_ += beats;
    while (!late_.empty() && late_.front().result + credits_ < issued_) late_.pop_front();
  }
  compute(beats);
  vector_ += static_cast<std::uint32_t>(beats);
  if (vector_ < m) return true;
  if (current_->end) {
    --unissued_;
    if (!last) note(issue_ + 1, error);
  }
  current_.reset();
  return true;
}

void TimedCore::compute(std::size_t vectors) {
  const std::size_t lanes = result_bytes_ / sizeof(std::int32_t);
  for (std::size_t done = 0; done < vectors;) {
    const BeatFifo::Run run = activations_.fifo.front(vectors - done);
    const std::int32_t* sums =
        array_.add(current_->first_k, vector_ + done,
                   reinterpret_cast<const std::int8_t*>(run.bytes.data()), run.beats);
    activations_.fifo.pop(run.beats);
    done += run.beats;
    if (!current_->last_k) continue;
    for (std::size_t i = 0; i < run.beats; ++i, sums += array_.stride()) {
      results_.push({reinterpret_cast<const std::uint8_t*>(sums), lanes * sizeof(*sums)}, false, 0);
    }
  }
}

// ---- The results' FIFO, and the window behind it.

std::optional<TimedCore::Run> TimedCore::next_results() const {
  if (flight_.empty() || window_ == capacity_) return std::nullopt;
  const Flight& flight = flight_.front();
  return Run{std::max({flight.ready, delivery_ + 1, window_room_ + 1}),
             std::min(flight.beats, capacity_ - window_)};
}

bool TimedCore::deliver(Edge edge) {
  const std::optional<Run> next = next_results();
  const std::size_t beats = next ? next->due(edge) : 0;
  if (beats == 0) return false;
  Flight& flight = flight_.front();
  if (next->first > flight.ready) {
    for (std::size_t i = 0; i < beats; ++i) late_.push_back({delivered_ + i, next->first + i});
  }
  const bool whole = beats == flight.beats;
  if (!packets_.empty() && !packets_.back().last &&
      packets_.back().first + packets_.back().beats == next->first) {
    packets_.back().beats += beats;
    packets_.back().last = whole && flight.last;
  } else {
    packets_.push_back({next->first, beats, whole && flight.last});
  }
  delivery_ = next->first + beats - 1;
  delivered_ += beats;
  window_ += beats;
  result_held_ = false;
  if (!whole) {
    flight.ready += beats;
    flight.beats -= beats;
    return true;
  }
  const bool end = flight.end;
  flight_.pop_front();
  if (!end) return true;
  note(delivery_ + 1, registers::kStatusDone);
  if (--held_ == 0) {
    busy_total_ += delivery_ - *busy_since_;
    busy_since_.reset();
  }
  return true;
}

}  // namespace szt::systemc
