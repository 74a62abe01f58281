// SPDX-License-Identifier: Apache-2.0
// A DMA engine of three channels between memory and the accelerator's windows.
//
// Each channel walks a list of descriptors in memory. It moves what the window takes or gives now,
// at most kChunk bytes at a time, and looks again after kPollCycles where that is nothing. An
// access that fails stops the channel with its ERROR bit.
//
// Registers, 32 bits:
//   0x20 * channel + 0x00, 0x04  address of the first descriptor, low and high half
//                  + 0x08        number of descriptors; a write starts the channel
//                  + 0x0C        1 while it runs (read-only)
//   0x60  events: bit channel = done, bit 8 + channel = error; write 1 to clear
//   0x64  interrupt enable, the same bits: irq is high while an enabled event is set
#ifndef SZT_SIM_SYSTEMC_PLATFORM_DMA_H_
#define SZT_SIM_SYSTEMC_PLATFORM_DMA_H_

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <array>
#include <cstdint>
#include <systemc>
#include <tlm>
#include <vector>

#include "szt/configuration.h"

namespace szt::platform {

enum class Channel : std::uint32_t { kCodes = 0, kActivations = 1, kResults = 2 };
inline constexpr std::size_t kChannels = 3;

inline constexpr std::uint64_t kDmaChannelStride = 0x20;
inline constexpr std::uint64_t kDmaListLow = 0x00, kDmaListHigh = 0x04;
inline constexpr std::uint64_t kDmaCount = 0x08, kDmaBusy = 0x0C;
inline constexpr std::uint64_t kDmaEvents = 0x60, kDmaIrqEnable = 0x64;
inline constexpr std::uint64_t kDmaSize = 0x68;
inline constexpr std::uint32_t kDmaDone = 1, kDmaError = 1U << 8;  // << channel

// As it lies in memory, little-endian.
struct Descriptor {
  std::uint64_t address;
  std::uint64_t bytes;  // whole beats
  std::uint32_t last;   // 1: the final beat has TLAST (codes, activations)
  std::uint32_t unused;
};
static_assert(sizeof(Descriptor) == 24);

class DmaEngine : public sc_core::sc_module {
 public:
  static constexpr std::size_t kChunk = 4096;  // bytes; at least one beat is moved
  static constexpr std::uint64_t kPollCycles = 16;

  tlm_utils::simple_target_socket<DmaEngine> socket{"socket"};
  tlm_utils::simple_initiator_socket<DmaEngine> bus{"bus"};
  sc_core::sc_out<bool> irq{"irq"};

  DmaEngine(const sc_core::sc_module_name& name, const Configuration& configuration,
            const sc_core::sc_time& clock_period);

  std::uint64_t transfers() const { return transfers_; }

 private:
  struct State {
    std::uint64_t list = 0;
    std::uint32_t count = 0;
    bool busy = false;
    sc_core::sc_event start;
  };

  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  bool write_register(std::uint64_t address, std::uint32_t value);
  bool read_register(std::uint64_t address, std::uint32_t& value) const;

  void serve(Channel channel);
  void run(Channel channel, const Descriptor& descriptor);
  // Beats that the window takes or gives now.
  std::size_t beats_now(Channel channel);
  void raise(std::uint32_t events);
  void update_irq() { irq.write((events_ & irq_enable_) != 0); }
  State& state(Channel channel) { return states_[static_cast<std::size_t>(channel)]; }

  Configuration configuration_;
  sc_core::sc_time clock_period_;
  std::array<State, kChannels> states_;
  std::uint32_t events_ = 0, irq_enable_ = 0;
  sc_core::sc_event irq_event_;
  std::uint64_t transfers_ = 0;
};

}  // namespace szt::platform

#endif  // SZT_SIM_SYSTEMC_PLATFORM_DMA_H_
