// SPDX-License-Identifier: Apache-2.0
// The host's side of a device: bounded queues of beats in front of it and behind it.
#ifndef SZT_SIM_SRC_QUEUED_DEVICE_H_
#define SZT_SIM_SRC_QUEUED_DEVICE_H_

#include <cstring>
#include <deque>

#include "beat_queue.h"
#include "szt/sim/device.h"

namespace szt::sim {

// Base: Device, or an interface derived from it.
template <typename Base>
class QueuedDevice : public Base {
 public:
  const Configuration& configuration() const override { return configuration_; }

  std::size_t push_codes(std::span<const std::uint8_t> beats, bool last) override {
    return codes_.push(beats, last);
  }

  std::size_t push_activations(std::span<const std::int8_t> beats, bool last) override {
    return activations_.push({reinterpret_cast<const std::uint8_t*>(beats.data()), beats.size()},
                             last);
  }

  Popped pop_results(std::span<std::int32_t> lanes) override {
    Popped popped{.beats = std::min(lanes.size() / lanes_, results_.packet()),
                  .last = false,
                  .cycle = cycle_};
    for (std::size_t i = 0; i < popped.beats; ++i) {
      std::memcpy(&lanes[i * lanes_], results_.front(), lanes_ * sizeof(std::int32_t));
      popped.last = results_.front_is_last();
      results_.pop();
    }
    if (popped.last) {
      popped.cycle = last_cycles_.front();
      last_cycles_.pop_front();
    }
    return popped;
  }

  std::uint64_t cycle() const override { return cycle_; }

 protected:
  static constexpr std::size_t kCapacity = 2048;  // beats of a stream

  explicit QueuedDevice(const Configuration& configuration)
      : configuration_(configuration),
        lanes_(result_beat_lanes(configuration)),
        codes_(code_beat_bytes(configuration), kCapacity),
        activations_(activation_beat_bytes(configuration), kCapacity),
        results_(lanes_ * sizeof(std::int32_t), kCapacity) {}

  // Only while there is room.
  void push_result(const std::uint8_t* lanes, bool last) {
    results_.push({lanes, lanes_ * sizeof(std::int32_t)}, last);
    if (last) last_cycles_.push_back(cycle_);
  }

  const Configuration configuration_;
  const std::size_t lanes_;  // of a result beat
  BeatQueue codes_, activations_, results_;
  std::uint64_t cycle_ = 0;

 private:
  std::deque<std::uint64_t> last_cycles_;  // of the results that have TLAST
};

}  // namespace szt::sim

#endif  // SZT_SIM_SRC_QUEUED_DEVICE_H_
