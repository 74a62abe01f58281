// SPDX-License-Identifier: Apache-2.0
// Any bytes as what a host does to the model device: registers, beats, whole commands, resets, jobs
// of the driver. Whatever came before, the driver recovers, and its results are the model's.
#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "fuzz/target.h"
#include "szt/cycle_model.h"
#include "szt/gradient.h"
#include "szt/matmul.h"
#include "szt/sim/driver.h"
#include "szt/sim/model_device.h"

namespace szt::fuzz {
namespace {

using namespace sim;

// The input, read from the front; zeros behind its end.
class Choices {
 public:
  Choices(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}
  bool done() const { return rest_.empty(); }
  std::uint32_t byte() {
    if (rest_.empty()) return 0;
    const std::uint8_t value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }
  std::size_t below(std::size_t bound) { return byte() % bound; }
  std::uint32_t word() { return byte() | byte() << 8 | byte() << 16 | byte() << 24; }

 private:
  std::span<const std::uint8_t> rest_;
};

// Data of any length from a few bytes.
class Noise {
 public:
  explicit Noise(std::uint64_t seed) : state_(seed) {}
  std::uint8_t byte() {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return static_cast<std::uint8_t>(z >> 56);
  }
  std::vector<std::int8_t> activations(std::size_t size) {
    std::vector<std::int8_t> values(size);
    for (std::int8_t& value : values) value = static_cast<std::int8_t>(byte());
    return values;
  }
  PackedCodes codes(std::size_t rows, std::size_t cols) {
    std::vector<Code> values(rows * cols);
    for (Code& value : values) value = kAllCodes[byte() % kCodeCount];
    return PackedCodes::pack(values, rows, cols);
  }

 private:
  std::uint64_t state_;
};

constexpr std::array kWritable = {matmul::kControl, matmul::kStatus, matmul::kIrqMask, matmul::kM,
                                  matmul::kKTiles,  matmul::kNTiles, matmul::kMode};

// What the plain registers must hold.
struct Registers {
  std::uint32_t m = 0, k_tiles = 0, n_tiles = 0, mode = 0;
  std::uint32_t irq_mask = matmul::kIrqMaskReset;
  bool irq_enable = false;
};

// A command as its beats, and what must come of it.
struct Beats {
  Command command = {};
  std::vector<std::uint8_t> codes;
  std::vector<std::int8_t> activations;
  std::vector<std::int32_t> results;
};

// How far one of the streams of a command is.
struct Sent {
  std::size_t command = 0, beat = 0;
};

class Host {
 public:
  Host(const Configuration& configuration, Choices& choices)
      : configuration_(configuration),
        rows_(static_cast<std::size_t>(configuration.rows)),
        cols_(static_cast<std::size_t>(configuration.cols)),
        device_(make_model_device(configuration)),
        choices_(choices) {}

  void act() {
    switch (choices_.below(10)) {
      case 0:
      case 1:
        return write(static_cast<std::uint32_t>(choices_.byte()), value());
      case 2:
        return start_anything();
      case 3:
        return push_anything();
      case 4:
        return pop_anything();
      case 5:
        return advance();
      case 6:
        require(device_->cancel_pushes(), "nothing stays on the wires of the model");
        return;
      case 7:
        return commands();
      case 8:
        return job();
      default:
        return backward_job();
    }
  }

  void check_registers() {
    require(read(matmul::kM) == registers_.m && read(matmul::kKTiles) == registers_.k_tiles &&
                read(matmul::kNTiles) == registers_.n_tiles &&
                read(matmul::kMode) == registers_.mode &&
                read(matmul::kIrqMask) == registers_.irq_mask,
            "a register reads what was written");
    require(read(matmul::kId) == matmul::kIdValue && read(matmul::kVersion) == kVersionValue,
            "ID and VERSION do not change");
    const std::uint32_t status = read(matmul::kStatus);
    constexpr std::uint32_t kKnown =
        matmul::kStatusSticky | matmul::kStatusBusy.mask() | matmul::kStatusQueue.mask() |
        matmul::kStatusResultHeld.mask() | matmul::kStatusDiscardCodes.mask() |
        matmul::kStatusDiscardActivations.mask();
    require((status & ~kKnown) == 0, "unused bits of STATUS are 0");
    require(device_->irq() == (registers_.irq_enable &&
                               (status & matmul::kStatusSticky & registers_.irq_mask) != 0),
            "the interrupt is what its bits say");
    const std::uint32_t done = read(matmul::kDoneCount);
    const std::uint64_t cycles = busy_cycles();
    require(done >= done_count_ && cycles >= busy_cycles_ && cycles <= device_->cycle(),
            "counters rise, and no more is busy than passes");
    done_count_ = done;
    busy_cycles_ = cycles;
  }

  // From whatever state: the registers are the driver's afterwards.
  void recover() {
    Driver(*device_).recover();
    require(read(matmul::kStatus) == 0, "nothing is left after recovery");
    std::vector<std::int32_t> lanes(cols_);
    require(device_->pop_results(lanes).beats == 0, "no result is left after recovery");
    wild_ = false;
    take_registers();
  }

  void job() {
    tame();
    Noise noise(choices_.word());
    const std::size_t depth = static_cast<std::size_t>(configuration_.acc_depth);
    std::size_t m = choices_.below(24);
    if (choices_.below(16) == 0) m += depth * choices_.below(3);  // more than one command
    const std::size_t k = choices_.below(3 * rows_ + 2);
    const std::size_t n = choices_.below(3 * cols_ + 2);
    const auto mode = static_cast<DecodeMode>(choices_.below(kDecodeModeCount));
    const std::vector<std::int8_t> x = noise.activations(m * k);
    const PackedCodes weights = noise.codes(n, k);
    std::vector<std::int32_t> y(m * n, -1), expected(m * n);
    Driver driver(*device_, options());
    const MatmulReport report = driver.matmul({x, m, weights, mode}, y);
    szt::matmul(x, m, weights, mode, expected, 1);
    require(y == expected, "the driver's results are the model's");
    require(report.cycles == report.cycles_model, "the driver's cycles are the cycle model's");
    take_registers();
  }

  void backward_job() {
    tame();
    Noise noise(choices_.word());
    const std::size_t m = choices_.below(16);
    const std::size_t k = choices_.below(2 * cols_ + 2);
    const std::size_t n = choices_.below(2 * rows_ + 2);
    const std::size_t shift = choices_.below(9);
    const ZeroShift zero_shift =
        shift > 7 ? ZeroShift() : ZeroShift(static_cast<ZeroShift::value_type>(shift));
    const std::vector<std::int8_t> dy = noise.activations(m * n);
    const PackedCodes weights = noise.codes(n, k);
    std::vector<std::int32_t> g(m * k, -1), expected(m * k);
    Driver(*device_, options()).backward_input({dy, m, weights, zero_shift}, g);
    input_gradient(dy, m, weights, zero_shift, expected, 1);
    require(g == expected, "the driver's gradient is the model's");
    take_registers();
  }

 private:
  DriverOptions options() {
    return {.completion = choices_.below(2) == 0 ? Completion::kInterrupt : Completion::kPolling,
            .progress = {}};
  }

  // Mostly what a register may hold.
  std::uint32_t value() {
    switch (choices_.below(4)) {
      case 0:
        return choices_.word();
      case 1:
        return 1U << choices_.below(32);
      default:
        return choices_.byte();
    }
  }

  std::uint32_t read(std::uint32_t address) {
    const auto value = device_->read_register(address);
    require(value.has_value(), "a register of the map can be read");
    return *value;
  }

  std::uint64_t busy_cycles() {
    const std::uint64_t low = read(matmul::kCycles);
    return std::uint64_t{read(matmul::kCyclesHigh)} << 32 | low;
  }

  void write(std::uint32_t address, std::uint32_t value) {
    const bool taken = device_->write_register(address, value);
    const std::uint32_t place = address & ~3U;
    require(taken == (std::find(kWritable.begin(), kWritable.end(), place) != kWritable.end()),
            "what can be written is written, nothing else");
    if (place == matmul::kM) registers_.m = value;
    if (place == matmul::kKTiles) registers_.k_tiles = value;
    if (place == matmul::kNTiles) registers_.n_tiles = value;
    if (place == matmul::kMode) registers_.mode = value;
    if (place == matmul::kIrqMask) registers_.irq_mask = value & matmul::kStatusSticky;
    if (place == matmul::kControl) {
      registers_.irq_enable = matmul::kControlIrqEnable.get(value) != 0;
      wild_ = true;
    }
  }

  // The driver has written some.
  void take_registers() {
    registers_ = {read(matmul::kM),    read(matmul::kKTiles),  read(matmul::kNTiles),
                  read(matmul::kMode), read(matmul::kIrqMask), false};
    registers_.irq_enable = matmul::kControlIrqEnable.get(read(matmul::kControl)) != 0;
  }

  // Of any size and mode, legal or not.
  void start_anything() {
    write(matmul::kM, value());
    write(matmul::kKTiles, value());
    write(matmul::kNTiles, value());
    write(matmul::kMode, choices_.byte() % 4);
    write(matmul::kControl, matmul::kControlStart.mask() | (choices_.byte() & 0xFU));
  }

  void push_anything() {
    wild_ = true;
    Noise noise(choices_.byte());
    const std::size_t beats = choices_.below(64);
    const bool last = choices_.below(4) == 0;
    if (choices_.below(2) == 0) {
      std::vector<std::uint8_t> bytes(beats * code_beat_bytes(configuration_));
      for (std::uint8_t& byte : bytes) byte = noise.byte();
      require(device_->push_codes(bytes, last) <= beats, "no more is taken than offered");
    } else {
      require(device_->push_activations(noise.activations(beats * rows_), last) <= beats,
              "no more is taken than offered");
    }
  }

  void pop_anything() {
    std::vector<std::int32_t> lanes(choices_.below(64) * cols_ + choices_.below(cols_));
    const Popped popped = device_->pop_results(lanes);
    require(popped.beats <= lanes.size() / cols_, "no more comes than there is room for");
    require(popped.beats != 0 || !popped.last, "only a beat has TLAST");
  }

  void advance() {
    const std::uint64_t before = device_->cycle();
    const std::uint64_t passed = device_->advance(1 + choices_.byte());
    require(passed >= 1 && device_->cycle() == before + passed, "time passes");
  }

  void tame() {
    if (wild_) recover();
  }

  Beats make_beats() {
    Noise noise(choices_.word());
    Beats beats;
    const std::size_t m =
        1 + choices_.below(static_cast<std::size_t>(std::min(configuration_.acc_depth, 24)));
    const std::size_t k_tiles = 1 + choices_.below(3);
    const std::size_t n_tiles = 1 + choices_.below(3);
    const auto mode = static_cast<DecodeMode>(choices_.below(kDecodeModeCount));
    beats.command = {static_cast<std::uint32_t>(m), static_cast<std::uint32_t>(k_tiles),
                     static_cast<std::uint32_t>(n_tiles), mode};
    const std::size_t k = k_tiles * rows_, n = n_tiles * cols_;
    const std::vector<std::int8_t> x = noise.activations(m * k);
    const PackedCodes weights = noise.codes(n, k);
    std::vector<std::int32_t> y(m * n);
    szt::matmul(x, m, weights, mode, y, 1);
    for (std::size_t n_tile = 0; n_tile < n_tiles; ++n_tile) {
      for (std::size_t k_tile = 0; k_tile < k_tiles; ++k_tile) {
        for (std::size_t row = 0; row < rows_; ++row) {
          const std::size_t at = beats.codes.size();
          beats.codes.resize(at + code_beat_bytes(configuration_));
          for (std::size_t col = 0; col < cols_; ++col) {
            const auto code =
                static_cast<unsigned>(weights.get(n_tile * cols_ + col, k_tile * rows_ + row));
            std::uint8_t& byte = beats.codes[at + col / 4];
            byte = static_cast<std::uint8_t>(byte | code << (2 * (col % 4)));
          }
        }
        for (std::size_t i = 0; i < m; ++i) {
          const auto* const from = &x[i * k + k_tile * rows_];
          beats.activations.insert(beats.activations.end(), from, from + rows_);
        }
      }
      for (std::size_t i = 0; i < m; ++i) {
        const auto* const from = &y[i * n + n_tile * cols_];
        beats.results.insert(beats.results.end(), from, from + cols_);
      }
    }
    return beats;
  }

  // One to three commands queued at once; beats pushed and results popped in any pieces; TLAST
  // perhaps in the wrong place.
  void commands() {
    tame();
    std::vector<Beats> all(1 + choices_.below(3));
    for (Beats& beats : all) beats = make_beats();
    write(matmul::kStatus, matmul::kStatusSticky);
    const std::uint32_t done_before = read(matmul::kDoneCount);
    const std::uint64_t busy_before = busy_cycles();
    std::uint64_t cycles = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const Command& command = all[i].command;
      write(matmul::kM, command.m);
      write(matmul::kKTiles, command.k_tiles);
      write(matmul::kNTiles, command.n_tiles);
      write(matmul::kMode, static_cast<std::uint32_t>(command.mode));
      write(matmul::kControl, matmul::kControlStart.mask());
      cycles += i == 0 ? command_cycles(configuration_, command)
                       : queued_command_cycles(configuration_, all[i - 1].command, command);
    }
    std::uint32_t errors = 0;
    Sent codes, activations;
    const bool wrong_codes = choices_.below(8) == 1;
    const bool wrong_activations = choices_.below(8) == 1;
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (std::size_t taken = 0; taken * cols_ < all[i].results.size();) {
        send(
            all, codes, all.size(), wrong_codes, matmul::kStatusErrorCodesLast, errors,
            [this](const Beats& beats, std::size_t first, std::size_t count, bool last) {
              const std::size_t bytes = code_beat_bytes(configuration_);
              return device_->push_codes(
                  std::span(beats.codes).subspan(first * bytes, count * bytes), last);
            },
            [this](const Beats& beats) {
              return beats.codes.size() / code_beat_bytes(configuration_);
            });
        send(
            all, activations, all.size(), wrong_activations, matmul::kStatusErrorActivationsLast,
            errors,
            [this](const Beats& beats, std::size_t first, std::size_t count, bool last) {
              return device_->push_activations(
                  std::span(beats.activations).subspan(first * rows_, count * rows_), last);
            },
            [this](const Beats& beats) { return beats.activations.size() / rows_; });
        advance();
        taken += receive(all[i], taken);
      }
    }
    require(read(matmul::kStatus) == (matmul::kStatusDone.mask() | errors),
            "STATUS shows DONE and the errors that were made");
    require(read(matmul::kDoneCount) == done_before + all.size(), "every command counts once");
    require(busy_cycles() == busy_before + cycles, "commands take the cycle model's time");
    wild_ = false;
  }

  // Pushes a piece of a stream, within one command; at least a beat while there is room.
  template <typename Push, typename Count>
  void send(const std::vector<Beats>& all, Sent& sent, std::size_t commands, bool wrong,
            Field error, std::uint32_t& errors, Push push, Count count_of) {
    if (sent.command == commands) return;
    const std::size_t count = count_of(all[sent.command]);
    std::size_t piece = count - sent.beat;
    if (!choices_.done()) piece = std::min(piece, 1 + choices_.below(64));
    const bool ends = sent.beat + piece == count;
    const std::size_t taken = push(all[sent.command], sent.beat, piece, ends != wrong);
    require(taken <= piece, "no more is taken than offered");
    // TLAST is on the last beat of a piece, if that was taken.
    if (wrong && taken == piece) errors |= error.mask();
    sent.beat += taken;
    if (sent.beat == count) sent = {sent.command + 1, 0};
  }

  std::size_t receive(const Beats& beats, std::size_t taken) {
    const std::size_t room = choices_.done() ? 64 : 1 + choices_.below(64);
    const std::size_t left = beats.results.size() / cols_ - taken;
    std::vector<std::int32_t> lanes(std::min(room, left) * cols_);
    const Popped popped = device_->pop_results(lanes);
    const std::size_t m = beats.command.m;
    for (std::size_t i = 0; i < popped.beats; ++i) {
      const auto lane = lanes.begin() + static_cast<std::ptrdiff_t>(i * cols_);
      require(std::equal(lane, lane + static_cast<std::ptrdiff_t>(cols_),
                         beats.results.begin() + static_cast<std::ptrdiff_t>((taken + i) * cols_)),
              "a result beat is the model's");
    }
    const std::size_t end = taken + popped.beats;
    require(popped.beats == 0 || popped.last == (end % m == 0), "TLAST ends an N tile");
    require(popped.beats == 0 || taken / m == (end - 1) / m, "nothing comes behind a TLAST");
    require(++idle_ < kMostIdle, "results come");
    if (popped.beats != 0) idle_ = 0;
    return popped.beats;
  }

  static constexpr int kMostIdle = 10'000;

  const Configuration& configuration_;
  const std::size_t rows_, cols_;
  std::unique_ptr<Device> device_;
  Choices& choices_;
  Registers registers_;
  bool wild_ = false;  // not known to be idle and empty
  std::uint32_t done_count_ = 0;
  std::uint64_t busy_cycles_ = 0;
  int idle_ = 0;
};

}  // namespace
}  // namespace szt::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace szt;
  using namespace szt::fuzz;
  constexpr std::array kConfigurations = {"tiny", "wide", "tall"};
  constexpr int kMostActions = 24;
  Choices choices(data, size);
  Host host(find_configuration(kConfigurations[choices.below(kConfigurations.size())]), choices);
  for (int i = 0; i < kMostActions && !choices.done(); ++i) {
    host.act();
    host.check_registers();
  }
  host.recover();
  host.job();
  return 0;
}
