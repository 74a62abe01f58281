// SPDX-License-Identifier: Apache-2.0
// A device that only records the beats it is given: what the driver's streams would send.
#ifndef SZT_SIM_SYSTEMC_SRC_BEAT_RECORDER_H_
#define SZT_SIM_SYSTEMC_SRC_BEAT_RECORDER_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "szt/configuration.h"
#include "szt/sim/device.h"

namespace szt::systemc {

class BeatRecorder final : public sim::Device {
 public:
  explicit BeatRecorder(const Configuration& configuration) : configuration_(configuration) {}

  std::vector<std::uint8_t> codes;
  std::vector<std::int8_t> activations;

  std::string_view name() const override { return "recorder"; }
  const Configuration& configuration() const override { return configuration_; }
  bool write_register(std::uint32_t /*address*/, std::uint32_t /*value*/) override { return false; }
  std::optional<std::uint32_t> read_register(std::uint32_t /*address*/) override {
    return std::nullopt;
  }
  bool irq() const override { return false; }
  std::size_t push_codes(std::span<const std::uint8_t> beats, bool /*last*/) override {
    codes.insert(codes.end(), beats.begin(), beats.end());
    return beats.size() / sim::code_beat_bytes(configuration_);
  }
  std::size_t push_activations(std::span<const std::int8_t> beats, bool /*last*/) override {
    activations.insert(activations.end(), beats.begin(), beats.end());
    return beats.size() / sim::activation_beat_bytes(configuration_);
  }
  bool cancel_pushes() override { return true; }
  sim::Popped pop_results(std::span<std::int32_t> /*lanes*/) override { return {}; }
  std::uint64_t advance(std::uint64_t max_cycles) override { return max_cycles; }
  std::uint64_t cycle() const override { return 0; }
  std::string describe() const override { return "records beats"; }

 private:
  Configuration configuration_;
};

}  // namespace szt::systemc

#endif  // SZT_SIM_SYSTEMC_SRC_BEAT_RECORDER_H_
