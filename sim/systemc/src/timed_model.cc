// SPDX-License-Identifier: Apache-2.0
#include "timed_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "szt/error.h"
#include "szt/sim/registers.h"

namespace szt::systemc {
namespace {

namespace registers = sim::matmul;

// From the acceptance of a tile's last code beat to that of its first vector: rtl/README.md.
constexpr std::uint64_t kCodesToVectors = 4;
constexpr std::uint32_t kQueuePlaces = 2;
constexpr std::uint64_t kCyclesMask = (std::uint64_t{1} << 48) - 1;
constexpr int kPatience = 1000;  // calls of advance() without an effect

std::span<const std::int8_t> as_activations(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const std::int8_t*>(bytes.data()), bytes.size()};
}

}  // namespace

std::size_t TimedModel::capacity(const Configuration& configuration) {
  constexpr std::size_t kCapacity = 2048;
  return std::max(kCapacity, static_cast<std::size_t>(configuration.acc_depth));
}

TimedModel::TimedModel(std::unique_ptr<sim::Device> device)
    : device_(std::move(device)),
      lanes_(sim::result_beat_lanes(configuration())),
      codes_(sim::code_beat_bytes(configuration()), capacity(configuration())),
      activations_(sim::activation_beat_bytes(configuration()), capacity(configuration())),
      results_(lanes_ * sizeof(std::int32_t), capacity(configuration())) {}

// ---- Registers.

bool TimedModel::write_register(std::uint64_t cycle, std::uint32_t address, std::uint32_t value) {
  now_ = std::max(now_, cycle);
  // DONE wins over its acknowledgement at the same edge, whichever of the two is seen first here.
  run(now_ - 1, now_ - 2);
  if ((address & ~3U) == registers::kStatus && last_done_ == now_) {
    value &= ~registers::kStatusDone.mask();
  }
  const bool control = (address & ~3U) == registers::kControl;
  const bool reset = control && registers::kControlSoftReset.get(value) != 0;
  // Results that leave the core before its reset are whole.
  if (reset) run(now_ + 1, now_ + 1);
  const bool start = control && registers::kControlStart.get(value) != 0 &&
                     (reset || registers::kStatusQueue.get(status()) < kQueuePlaces);
  const bool okay = device_->write_register(address, value);
  if (reset) note_reset(now_ + 1);
  if (control) discard();
  // The core's queue needs two cycles more to come out of its reset.
  if (start) note_start(now_ + (reset ? 3 : 1));
  note_irq(now_);
  return okay;
}

std::optional<std::uint32_t> TimedModel::read_register(std::uint64_t cycle, std::uint32_t address) {
  now_ = std::max(now_, cycle);
  run_to(now_);
  if ((address & ~3U) == registers::kCycles) {
    cycles_high_ = static_cast<std::uint32_t>(busy_cycles(now_) >> 32);
  }
  return peek_register(now_, address);
}

std::optional<std::uint32_t> TimedModel::peek_register(std::uint64_t cycle, std::uint32_t address) {
  now_ = std::max(now_, cycle);
  run_to(now_);
  switch (address & ~3U) {
    case registers::kCycles:
      return static_cast<std::uint32_t>(busy_cycles(now_));
    case registers::kCyclesHigh:
      return cycles_high_;
    case registers::kStatus:
      // BUSY falls with the last result, DONE comes a cycle later: so does the device's part.
      if (last_result_ && *last_result_ <= now_ && commands_.size() == 1) {
        return status() & ~registers::kStatusBusy.mask();
      }
      return status();
    default:
      return device_->read_register(address);
  }
}

std::uint32_t TimedModel::status() const {
  return device_->read_register(registers::kStatus).value_or(0);
}

// The device said nothing of whether it took the command: the rules are those of the register map.
void TimedModel::note_start(std::uint64_t cycle) {
  const auto value = [this](std::uint32_t address) {
    return device_->read_register(address).value_or(0);
  };
  const std::uint32_t mode = value(registers::kMode);
  if (mode >= static_cast<std::uint32_t>(kDecodeModeCount)) return;
  const Command command = {value(registers::kM), value(registers::kKTiles),
                           value(registers::kNTiles), static_cast<DecodeMode>(mode)};
  try {
    sim::check_command(configuration(), command);
  } catch (const InputError&) {
    return;
  }
  commands_.push_back({command, cycle});
  if (!busy_since_) busy_since_ = cycle;
}

void TimedModel::note_reset(std::uint64_t cycle) {
  std::size_t kept = 0;
  for (auto packet = packets_.begin(); packet != packets_.end(); ++packet) {
    const std::uint64_t end = packet->first + packet->beats;
    if (end <= cycle + 1) {
      kept += packet->beats;
      continue;
    }
    packet->beats = cycle < packet->first ? 0 : static_cast<std::size_t>(cycle + 1 - packet->first);
    packet->last = false;
    kept += packet->beats;
    packets_.erase(packet->beats == 0 ? packet : packet + 1, packets_.end());
    break;
  }
  results_.truncate(kept);
  if (busy_since_ && cycle > *busy_since_) busy_total_ += cycle - *busy_since_;
  busy_since_.reset();
  commands_.clear();
  last_result_.reset();
  k_tile_ = n_tile_ = 0;
  discards_ = true;
}

void TimedModel::note_irq(std::uint64_t cycle) {
  if (device_->irq() == irq_) return;
  irq_ = !irq_;
  last_irq_edge_ = std::max(last_irq_edge_, cycle + 1);
  irq_edges_.push_back({last_irq_edge_, irq_});
}

std::optional<TimedModel::Edge> TimedModel::pop_irq_edge() {
  if (irq_edges_.empty()) return std::nullopt;
  const Edge edge = irq_edges_.front();
  irq_edges_.pop_front();
  return edge;
}

std::optional<std::uint64_t> TimedModel::next_irq_edge() const {
  if (irq_edges_.empty()) return std::nullopt;
  return irq_edges_.front().cycle;
}

std::uint64_t TimedModel::busy_cycles(std::uint64_t cycle) const {
  const std::uint64_t open = busy_since_ && cycle > *busy_since_ ? cycle - *busy_since_ : 0;
  return (busy_total_ + open) & kCyclesMask;
}

// ---- Streams.

void TimedModel::push_codes(std::uint64_t cycle, std::span<const std::uint8_t> beats, bool last) {
  now_ = std::max(now_, cycle);
  codes_.push(beats, last, now_);
  if (discards_) discard();
}

void TimedModel::push_activations(std::uint64_t cycle, std::span<const std::uint8_t> beats,
                                  bool last) {
  now_ = std::max(now_, cycle);
  activations_.push(beats, last, now_);
  if (discards_) discard();
}

TimedModel::Level TimedModel::results(std::uint64_t cycle) {
  now_ = std::max(now_, cycle);
  run_to(now_);
  if (packets_.empty() || now_ < packets_.front().first) return {};
  const Packet& packet = packets_.front();
  const std::size_t beats =
      static_cast<std::size_t>(std::min<std::uint64_t>(packet.beats, now_ - packet.first + 1));
  return {beats, packet.last && beats == packet.beats};
}

std::uint64_t TimedModel::pop_results(std::uint64_t cycle, std::span<std::uint8_t> bytes) {
  now_ = std::max(now_, cycle);
  const std::size_t beat_bytes = lanes_ * sizeof(std::int32_t);
  const std::size_t beats = bytes.size() / beat_bytes;
  // The final result of a command is only made when it leaves the core.
  if (results_.size() < beats) run(now_, now_);
  const bool crowded = !room_for_results();
  for (std::size_t done = 0; done < beats;) {
    const BeatFifo::Run run = results_.front(beats - done);
    std::copy(run.bytes.begin(), run.bytes.end(),
              bytes.begin() + static_cast<std::ptrdiff_t>(done * beat_bytes));
    results_.pop(run.beats);
    done += run.beats;
  }
  if (crowded) slot_ = std::max(slot_, now_);  // the core waited for this room
  Packet& packet = packets_.front();
  packet.first += beats;
  packet.beats -= beats;
  const std::uint64_t edge = packet.first - 1;
  if (packet.beats == 0) packets_.pop_front();
  return edge;
}

// ---- Time.

std::uint64_t TimedModel::width() const {
  return static_cast<std::uint64_t>(std::max(configuration().rows, configuration().cols));
}

// fill_cycles() begins with the first busy cycle; the first vector comes rows + 3 cycles later.
std::uint64_t TimedModel::vectors_to_results() const {
  return fill_cycles(configuration()) - static_cast<std::uint64_t>(configuration().rows) -
         (kCodesToVectors - 1);
}

bool TimedModel::room_for_results() const {
  return commands_.empty() || last_result_ || !last_k() ||
         results_.free() >= commands_.front().command.m;
}

std::optional<TimedModel::Tile> TimedModel::next_tile() const {
  if (commands_.empty() || last_result_ || discards_) return std::nullopt;
  const auto rows = static_cast<std::size_t>(configuration().rows);
  const auto& [command, start] = commands_.front();
  if (codes_.size() < rows || activations_.size() < command.m) return std::nullopt;
  if (!room_for_results()) return std::nullopt;
  const std::uint64_t codes_taken =
      std::max({start + rows, codes_.arrival(0) + rows, codes_.arrival(rows - 1) + 1});
  const std::uint64_t issue = std::max(slot_, codes_taken + kCodesToVectors);
  const std::uint64_t last_vector =
      std::max({issue + command.m - 1, activations_.arrival(0) + command.m,
                activations_.arrival(command.m - 1) + 1});
  const std::uint64_t first_result = last_vector + 1 - command.m + vectors_to_results();
  return Tile{issue, last_vector, last_k() ? std::min(last_vector, first_result) : last_vector};
}

bool TimedModel::wants_codes() const {
  return codes_.size() < 2 * static_cast<std::size_t>(configuration().rows);
}

bool TimedModel::wants_activations() const {
  return activations_.size() < (commands_.empty() ? 1 : commands_.front().command.m);
}

std::optional<std::uint64_t> TimedModel::next_event() const {
  if (last_result_) return *last_result_ + 1;
  const std::optional<Tile> tile = next_tile();
  if (!tile) return std::nullopt;
  return tile->due;
}

std::optional<std::uint64_t> TimedModel::next_completion() const {
  if (last_result_) return *last_result_ + 1;
  const std::optional<Tile> tile = next_tile();
  if (!tile) return std::nullopt;
  const Command& command = commands_.front().command;
  const std::uint64_t tiles = std::uint64_t{command.k_tiles} * command.n_tiles;
  const std::uint64_t done = std::uint64_t{n_tile_} * command.k_tiles + k_tile_;
  return tile->last_vector + (tiles - done - 1) * std::max<std::uint64_t>(width(), command.m) +
         vectors_to_results() + 1;
}

void TimedModel::run_to(std::uint64_t cycle) {
  now_ = std::max(now_, cycle);
  run(now_, now_ - 1);
}

void TimedModel::run(std::uint64_t tiles_due, std::uint64_t results_due) {
  while (true) {
    if (last_result_) {
      if (*last_result_ > results_due) return;
      end_command();
    } else {
      const std::optional<Tile> tile = next_tile();
      if (!tile || tile->due > tiles_due) return;
      take_tile(*tile);
      note_irq(tile->due);
    }
  }
}

void TimedModel::take_tile(const Tile& tile) {
  const Command& command = commands_.front().command;
  const bool ends_packet = last_k(), ends_command = last_tile();
  slot_ = std::max(tile.issue + width(), tile.last_vector + 1);
  feed(codes_, static_cast<std::size_t>(configuration().rows), true);
  const std::size_t vectors = command.m - (ends_command ? 1U : 0U);
  feed(activations_, vectors, false);
  if (!ends_packet) {
    ++k_tile_;
    return;
  }
  const std::uint64_t last = tile.last_vector + vectors_to_results();
  packets_.push_back({last + 1 - command.m, command.m, true});
  collect(vectors, !ends_command);
  if (ends_command) {
    last_result_ = last;
    return;
  }
  k_tile_ = 0;
  ++n_tile_;
}

void TimedModel::end_command() {
  const std::uint64_t end = *last_result_;
  feed(activations_, 1, false);
  collect(1, true);
  last_result_.reset();
  commands_.pop_front();
  k_tile_ = n_tile_ = 0;
  if (commands_.empty() || commands_.front().start > end) {
    busy_total_ += end - *busy_since_;
    busy_since_.reset();
    if (!commands_.empty()) busy_since_ = commands_.front().start;
  }
  last_done_ = end + 1;
  note_irq(last_done_);
}

void TimedModel::feed(BeatFifo& fifo, std::size_t beats, bool codes) {
  int patience = kPatience;
  while (beats != 0) {
    const BeatFifo::Run run = fifo.front(beats);
    const std::size_t taken = codes
                                  ? device_->push_codes(run.bytes, run.last)
                                  : device_->push_activations(as_activations(run.bytes), run.last);
    fifo.pop(taken);
    beats -= taken;
    if (taken != 0) continue;
    if (--patience == 0) throw sim::DeviceError("takes no beats; " + describe());
    device_->advance(1);
  }
}

void TimedModel::collect(std::size_t beats, bool ends_packet) {
  scratch_.resize(beats * lanes_);
  int patience = kPatience;
  while (beats != 0) {
    const sim::Popped popped = device_->pop_results(std::span(scratch_).first(beats * lanes_));
    if (popped.beats == 0) {
      if (--patience == 0) throw sim::DeviceError("gives no results; " + describe());
      device_->advance(1);
      continue;
    }
    beats -= popped.beats;
    if (popped.last != (ends_packet && beats == 0)) {
      throw sim::DeviceError("TLAST of the results misplaced; " + describe());
    }
    results_.push({reinterpret_cast<const std::uint8_t*>(scratch_.data()),
                   popped.beats * lanes_ * sizeof(std::int32_t)},
                  popped.last, now_);
  }
}

// The device discards at once what a dropped command left behind: no beat of it has a time.
void TimedModel::discard() {
  const auto some = [this](BeatFifo& fifo, sim::Field bit, bool codes) {
    while (bit.get(status()) != 0) {
      if (fifo.empty()) return true;
      feed(fifo, fifo.front(fifo.size()).beats, codes);
      device_->advance(1);
    }
    return false;
  };
  const bool codes = some(codes_, registers::kStatusDiscardCodes, true);
  const bool activations = some(activations_, registers::kStatusDiscardActivations, false);
  discards_ = codes || activations;
}

std::string TimedModel::describe() const {
  const auto last = [this]() -> std::string {
    return last_result_ ? fmt::format(", its last result at {}", *last_result_) : "";
  };
  return fmt::format(
      "cycle {}: {} commands held{}; tile n {} k {}; {} code, {} activation, {} result beats wait; "
      "{}",
      now_, commands_.size(), last(), n_tile_, k_tile_, codes_.size(), activations_.size(),
      results_.size(), device_->describe());
}

}  // namespace szt::systemc
