// SPDX-License-Identifier: Apache-2.0
#include "szt/sim/model_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <vector>

#include "beat_queue.h"

namespace szt::sim {
namespace {

class ModelDevice final : public Device {
 public:
  explicit ModelDevice(const Configuration& configuration)
      : configuration_(configuration),
        rows_(static_cast<std::size_t>(configuration.rows)),
        cols_(static_cast<std::size_t>(configuration.cols)),
        codes_(code_beat_bytes(configuration), kCapacity),
        activations_(activation_beat_bytes(configuration), kCapacity),
        results_(cols_ * sizeof(std::int32_t), kCapacity),
        weights_(rows_ * cols_),
        sums_(static_cast<std::size_t>(configuration.acc_depth) * cols_) {}

  std::string_view name() const override { return "model"; }
  const Configuration& configuration() const override { return configuration_; }

  bool submit(const Command& command) override {
    check_command(configuration_, command);
    if (commands_.size() >= kCommandCapacity) return false;
    // As in the RTL, a command is queued if the one before it still runs.
    if (commands_.empty()) {
      pending_cycles_ = command_cycles(configuration_, command);
    }
    commands_.push_back(command);
    return true;
  }

  std::size_t push_codes(std::span<const std::uint8_t> beats, bool last) override {
    return codes_.push(beats, last);
  }
  std::size_t push_activations(std::span<const std::int8_t> beats, bool last) override {
    return activations_.push({reinterpret_cast<const std::uint8_t*>(beats.data()), beats.size()},
                             last);
  }

  std::size_t pop_results(std::span<std::int32_t> lanes) override {
    std::size_t count = 0;
    for (; (count + 1) * cols_ <= lanes.size() && !results_.empty(); ++count) {
      std::memcpy(&lanes[count * cols_], results_.front(), cols_ * sizeof(std::int32_t));
      results_.pop();
      ++handshakes_;
    }
    return count;
  }

  std::optional<CommandTiming> pop_timing() override {
    if (timings_.empty()) return std::nullopt;
    const CommandTiming timing = timings_.front();
    timings_.pop_front();
    return timing;
  }

  // Computes what the beats in hand allow, up to the end of a command, which is when its cycles
  // pass.
  std::uint64_t advance(std::uint64_t /*max_cycles*/) override {
    const std::uint64_t before = cycle_;
    while (!commands_.empty() && cycle_ == before && (take_code() || take_activation())) {
    }
    if (cycle_ == before) ++cycle_;
    return cycle_ - before;
  }

  std::uint64_t cycle() const override { return cycle_; }
  std::uint64_t handshakes() const override { return handshakes_; }
  std::uint64_t last_errors() const override { return last_errors_; }

  std::string describe() const override {
    return fmt::format("cycle {}: {} commands wait; {} code, {} activation, {} result beats held",
                       cycle_, commands_.size(), codes_.size(), activations_.size(),
                       results_.size());
  }

 private:
  static constexpr std::size_t kCapacity = 2048;
  static constexpr std::size_t kCommandCapacity = 4;

  bool last_tile() const {
    return k_tile_ + 1 == commands_.front().k_tiles && n_tile_ + 1 == commands_.front().n_tiles;
  }

  bool take_code() {
    if (row_ == rows_ || codes_.empty()) return false;
    for (std::size_t c = 0; c < cols_; ++c) {
      const unsigned bits = static_cast<unsigned>(codes_.front()[c / 4]) >> (2 * (c % 4));
      weights_[row_ * cols_ + c] =
          static_cast<std::int8_t>(decode(static_cast<Code>(bits & 3U), commands_.front().mode));
    }
    ++row_;
    note_last(codes_, row_ == rows_ && last_tile());
    return true;
  }

  bool take_activation() {
    if (row_ != rows_ || activations_.empty() || results_.full()) return false;
    const Command& command = commands_.front();
    std::int32_t* const sums = &sums_[vector_ * cols_];
    if (k_tile_ == 0) std::fill(sums, sums + cols_, 0);
    const auto* const x = reinterpret_cast<const std::int8_t*>(activations_.front());
    for (std::size_t r = 0; r < rows_; ++r) {
      for (std::size_t c = 0; c < cols_; ++c) sums[c] += x[r] * weights_[r * cols_ + c];
    }
    ++vector_;
    const bool tile_done = vector_ == command.m;
    note_last(activations_, tile_done && last_tile());
    if (k_tile_ + 1 == command.k_tiles) {
      results_.push({reinterpret_cast<const std::uint8_t*>(sums), cols_ * sizeof(std::int32_t)},
                    false);
    }
    if (tile_done) end_tile();
    return true;
  }

  void note_last(BeatQueue& queue, bool expected) {
    if (queue.front_is_last() != expected) ++last_errors_;
    queue.pop();
    ++handshakes_;
  }

  void end_tile() {
    vector_ = 0;
    row_ = 0;
    if (++k_tile_ < commands_.front().k_tiles) return;
    k_tile_ = 0;
    if (++n_tile_ < commands_.front().n_tiles) return;
    n_tile_ = 0;
    const Command done = commands_.front();
    commands_.pop_front();
    timings_.push_back({done, pending_cycles_});
    cycle_ += pending_cycles_;
    if (!commands_.empty()) {
      pending_cycles_ = queued_command_cycles(configuration_, done, commands_.front());
    }
  }

  Configuration configuration_;
  std::size_t rows_, cols_;
  std::deque<Command> commands_;
  BeatQueue codes_, activations_, results_;
  std::vector<std::int8_t> weights_;  // the tile's, decoded, [rows, cols]
  std::vector<std::int32_t> sums_;    // [acc_depth, cols]
  std::deque<CommandTiming> timings_;
  std::size_t row_ = 0;     // code beats of the tile taken
  std::size_t vector_ = 0;  // activation beats of the tile taken
  std::uint32_t k_tile_ = 0, n_tile_ = 0;
  std::uint64_t pending_cycles_ = 0;  // what the first command will take
  std::uint64_t cycle_ = 0;
  std::uint64_t handshakes_ = 0;
  std::uint64_t last_errors_ = 0;
};

}  // namespace

std::unique_ptr<Device> make_model_device(const Configuration& configuration) {
  return std::make_unique<ModelDevice>(configuration);
}

}  // namespace szt::sim
