// SPDX-License-Identifier: Apache-2.0
// The host's side of a device: bounded queues of beats in front of it and behind it.
#ifndef SZT_SIM_SRC_QUEUED_DEVICE_H_
#define SZT_SIM_SRC_QUEUED_DEVICE_H_

#include <cstring>
#include <deque>

#include "beat_queue.h"
#include "szt/sim/device.h"

namespace szt::sim {

class QueuedDevice : public Device {
 public:
  const Configuration& configuration() const override { return configuration_; }

  bool submit(const Command& command) override {
    check_command(configuration_, command);
    if (commands_.size() >= kCommandCapacity) return false;
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
    for (; (count + 1) * lanes_ <= lanes.size() && !results_.empty(); ++count) {
      std::memcpy(&lanes[count * lanes_], results_.front(), lanes_ * sizeof(std::int32_t));
      results_.pop();
    }
    return count;
  }

  std::optional<CommandTiming> pop_timing() override {
    if (timings_.empty()) return std::nullopt;
    const CommandTiming timing = timings_.front();
    timings_.pop_front();
    return timing;
  }

  std::uint64_t cycle() const override { return cycle_; }
  std::uint64_t handshakes() const override { return handshakes_; }
  std::uint64_t last_errors() const override { return last_errors_; }

 protected:
  static constexpr std::size_t kCapacity = 2048;  // beats of a stream
  static constexpr std::size_t kCommandCapacity = 4;

  explicit QueuedDevice(const Configuration& configuration)
      : configuration_(configuration),
        lanes_(result_beat_lanes(configuration)),
        codes_(code_beat_bytes(configuration), kCapacity),
        activations_(activation_beat_bytes(configuration), kCapacity),
        results_(lanes_ * sizeof(std::int32_t), kCapacity) {}

  const Configuration configuration_;
  const std::size_t lanes_;       // of a result beat
  std::deque<Command> commands_;  // waiting; a device may keep the one that it runs in front
  BeatQueue codes_, activations_, results_;
  std::deque<CommandTiming> timings_;
  std::uint64_t cycle_ = 0;
  std::uint64_t handshakes_ = 0;
  std::uint64_t last_errors_ = 0;
};

}  // namespace szt::sim

#endif  // SZT_SIM_SRC_QUEUED_DEVICE_H_
