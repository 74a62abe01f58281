// SPDX-License-Identifier: Apache-2.0
// One layer as the platform's memory holds it: beats, descriptors, room for results.
#ifndef SZT_SIM_SYSTEMC_PLATFORM_LAYER_H_
#define SZT_SIM_SYSTEMC_PLATFORM_LAYER_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "dma.h"
#include "szt/configuration.h"
#include "szt/cycle_model.h"
#include "szt/packed_codes.h"

namespace szt::platform {

// Y[m, n] = X[m, k] * d(W[n, k])^T; no dimension is 0.
struct LayerInput {
  std::size_t m;
  std::vector<std::int8_t> x;  // [m, k]
  PackedCodesView weights;     // [n, k]
  DecodeMode mode;
};

class Layer {
 public:
  Layer(const LayerInput& input, const Configuration& configuration);

  // One a block of at most acc_depth vectors.
  std::span<const Command> commands() const { return commands_; }
  // The contents of the memory before the run.
  const std::vector<std::uint8_t>& memory() const { return memory_; }
  struct List {
    std::uint64_t address;  // of the first descriptor, in the platform's map
    std::uint32_t count;
    std::uint64_t bytes;  // moved by all of them
  };
  const List& list(Channel channel) const { return lists_[static_cast<std::size_t>(channel)]; }
  std::uint64_t macs() const { return macs_; }
  // Unstalled, by the cycle model.
  std::uint64_t cycles_model() const { return cycles_model_; }

  // Y [m, n] out of the memory after the run.
  std::vector<std::int32_t> results(std::span<const std::uint8_t> memory) const;

 private:
  std::uint64_t allocate(std::size_t bytes);
  void add_list(Channel channel, const std::vector<Descriptor>& descriptors);

  std::size_t m_, n_, cols_;
  std::vector<Command> commands_;
  std::vector<std::uint8_t> memory_;
  std::array<List, kChannels> lists_{};
  std::uint64_t results_ = 0;  // offset in memory_
  std::uint64_t macs_ = 0, cycles_model_ = 0;
};

}  // namespace szt::platform

#endif  // SZT_SIM_SYSTEMC_PLATFORM_LAYER_H_
