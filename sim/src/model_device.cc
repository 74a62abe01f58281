// SPDX-License-Identifier: Apache-2.0
#include "szt/sim/model_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "queued_device.h"

namespace szt::sim {
namespace {

class ModelDevice final : public QueuedDevice {
 public:
  explicit ModelDevice(const Configuration& configuration)
      : QueuedDevice(configuration),
        rows_(static_cast<std::size_t>(configuration.rows)),
        cols_(static_cast<std::size_t>(configuration.cols)),
        weights_(rows_ * cols_),
        sums_(static_cast<std::size_t>(configuration.acc_depth) * cols_) {}

  std::string_view name() const override { return "model"; }

  bool submit(const Command& command) override {
    // As in the RTL, a command is queued if the one before it still runs.
    const bool idle = commands_.empty();
    if (!QueuedDevice::submit(command)) return false;
    if (idle) pending_cycles_ = command_cycles(configuration_, command);
    return true;
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

  std::string describe() const override {
    return fmt::format("cycle {}: {} commands wait; {} code, {} activation, {} result beats held",
                       cycle_, commands_.size(), codes_.size(), activations_.size(),
                       results_.size());
  }

 private:
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

  std::size_t rows_, cols_;
  std::vector<std::int8_t> weights_;  // the tile's, decoded, [rows, cols]
  std::vector<std::int32_t> sums_;    // [acc_depth, cols]
  std::size_t row_ = 0;               // code beats of the tile taken
  std::size_t vector_ = 0;            // activation beats of the tile taken
  std::uint32_t k_tile_ = 0, n_tile_ = 0;
  std::uint64_t pending_cycles_ = 0;  // what the first command will take
};

}  // namespace

std::unique_ptr<Device> make_model_device(const Configuration& configuration) {
  return std::make_unique<ModelDevice>(configuration);
}

}  // namespace szt::sim
