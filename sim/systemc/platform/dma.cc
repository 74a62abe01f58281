// SPDX-License-Identifier: Apache-2.0
#include "dma.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "memory_map.h"
#include "payload.h"
#include "szt/sim/device.h"
#include "szt/systemc/address_map.h"
#include "szt/systemc/kernel.h"

namespace szt::platform {
namespace {

struct Window {
  std::uint64_t address, level;
};

Window window_of(Channel channel) {
  switch (channel) {
    case Channel::kCodes:
      return {systemc::kCodes, systemc::kCodesLevel};
    case Channel::kActivations:
      return {systemc::kActivations, systemc::kActivationsLevel};
    case Channel::kResults:
      break;
  }
  return {systemc::kResults, systemc::kResultsLevel};
}

std::size_t beat_bytes_of(Channel channel, const Configuration& configuration) {
  switch (channel) {
    case Channel::kCodes:
      return sim::code_beat_bytes(configuration);
    case Channel::kActivations:
      return sim::activation_beat_bytes(configuration);
    case Channel::kResults:
      break;
  }
  return sim::result_beat_lanes(configuration) * sizeof(std::int32_t);
}

}  // namespace

DmaEngine::DmaEngine(const sc_core::sc_module_name& name, const Configuration& configuration,
                     const sc_core::sc_time& clock_period)
    : sc_module(name), configuration_(configuration), clock_period_(clock_period) {
  socket.register_b_transport(this, &DmaEngine::b_transport);
  systemc::spawn_thread("codes", [this] { serve(Channel::kCodes); });
  systemc::spawn_thread("activations", [this] { serve(Channel::kActivations); });
  systemc::spawn_thread("results", [this] { serve(Channel::kResults); });
  systemc::spawn_method("irq_method", {&irq_event_}, [this] { update_irq(); });
}

// ---- Registers.

void DmaEngine::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  const std::uint64_t address = payload.get_address();
  if (payload.get_data_length() != 4 || payload.get_byte_enable_ptr() != nullptr) {
    payload.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
    return;
  }
  std::uint32_t value = 0;
  bool okay = false;
  std::uint8_t* const data = payload.get_data_ptr();
  if (payload.is_write()) {
    for (unsigned i = 0; i < 4; ++i) value |= std::uint32_t{data[i]} << (8 * i);
    okay = write_register(address, value);
  } else if (payload.is_read()) {
    okay = read_register(address, value);
    for (unsigned i = 0; i < 4; ++i) data[i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
  delay += clock_period_;
  payload.set_response_status(okay ? tlm::TLM_OK_RESPONSE : tlm::TLM_ADDRESS_ERROR_RESPONSE);
}

bool DmaEngine::write_register(std::uint64_t address, std::uint32_t value) {
  if (address == kDmaEvents) {
    events_ &= ~value;
    irq_event_.notify(sc_core::SC_ZERO_TIME);
    return true;
  }
  if (address == kDmaIrqEnable) {
    irq_enable_ = value;
    irq_event_.notify(sc_core::SC_ZERO_TIME);
    return true;
  }
  if (address >= kDmaChannelStride * kChannels) return false;
  State& state = states_[address / kDmaChannelStride];
  if (state.busy) return false;
  switch (address % kDmaChannelStride) {
    case kDmaListLow:
      state.list = (state.list & ~std::uint64_t{0xFFFF'FFFF}) | value;
      return true;
    case kDmaListHigh:
      state.list = (state.list & 0xFFFF'FFFF) | std::uint64_t{value} << 32;
      return true;
    case kDmaCount:
      state.count = value;
      state.busy = true;
      state.start.notify(sc_core::SC_ZERO_TIME);
      return true;
    default:
      return false;
  }
}

bool DmaEngine::read_register(std::uint64_t address, std::uint32_t& value) const {
  if (address == kDmaEvents) {
    value = events_;
    return true;
  }
  if (address == kDmaIrqEnable) {
    value = irq_enable_;
    return true;
  }
  if (address >= kDmaChannelStride * kChannels) return false;
  const State& state = states_[address / kDmaChannelStride];
  switch (address % kDmaChannelStride) {
    case kDmaListLow:
      value = static_cast<std::uint32_t>(state.list);
      return true;
    case kDmaListHigh:
      value = static_cast<std::uint32_t>(state.list >> 32);
      return true;
    case kDmaCount:
      value = state.count;
      return true;
    case kDmaBusy:
      value = state.busy ? 1 : 0;
      return true;
    default:
      return false;
  }
}

void DmaEngine::raise(std::uint32_t events) {
  events_ |= events;
  irq_event_.notify(sc_core::SC_ZERO_TIME);
}

// ---- Channels.

void DmaEngine::serve(Channel channel) {
  State& own = state(channel);
  const auto bit = static_cast<std::uint32_t>(channel);
  while (true) {
    while (!own.busy) sc_core::wait(own.start);
    std::uint32_t event = kDmaDone << bit;
    try {
      for (std::uint32_t i = 0; i < own.count; ++i) {
        std::uint8_t bytes[sizeof(Descriptor)] = {};
        sc_core::sc_time local;
        send_ok(bus, tlm::TLM_READ_COMMAND, own.list + i * sizeof(Descriptor), bytes, local);
        sc_core::wait(local);
        Descriptor descriptor{};
        std::memcpy(&descriptor, bytes, sizeof(descriptor));
        run(channel, descriptor);
      }
    } catch (const std::runtime_error& error) {
      SC_REPORT_WARNING("/platform/dma", error.what());
      event = kDmaError << bit;
    }
    own.busy = false;
    raise(event);
  }
}

std::size_t DmaEngine::beats_now(Channel channel) {
  sc_core::sc_time local;
  const std::uint32_t level = read_word(bus, kAccelerator + window_of(channel).level, local);
  sc_core::wait(local);
  return level & systemc::kLevelBeats;
}

void DmaEngine::run(Channel channel, const Descriptor& descriptor) {
  const std::size_t beat_bytes = beat_bytes_of(channel, configuration_);
  if (descriptor.bytes % beat_bytes != 0) throw std::runtime_error("a descriptor of half a beat");
  const std::size_t chunk_beats = std::max<std::size_t>(1, kChunk / beat_bytes);
  const std::uint64_t window = kAccelerator + window_of(channel).address;
  std::vector<std::uint8_t> buffer(chunk_beats * beat_bytes);
  const bool reads_results = channel == Channel::kResults;
  for (std::uint64_t done = 0; done < descriptor.bytes;) {
    const std::uint64_t left = (descriptor.bytes - done) / beat_bytes;
    const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, chunk_beats));
    const std::size_t now = beats_now(channel);
    // Results go as they come; an input waits for room for all of a chunk, so that few are small.
    const std::size_t beats = std::min(wanted, now);
    if (beats == 0 || (!reads_results && beats < wanted)) {
      sc_core::wait(clock_period_ * static_cast<double>(kPollCycles));
      continue;
    }
    const std::span<std::uint8_t> data = std::span(buffer).first(beats * beat_bytes);
    const std::uint64_t memory = descriptor.address + done;
    const std::uint64_t last =
        descriptor.last != 0 && done + data.size() == descriptor.bytes ? systemc::kLast : 0;
    sc_core::sc_time local;
    if (reads_results) {
      send_ok(bus, tlm::TLM_READ_COMMAND, window, data, local);
      send_ok(bus, tlm::TLM_WRITE_COMMAND, memory, data, local);
      sc_core::wait(local);
    } else {
      send_ok(bus, tlm::TLM_READ_COMMAND, memory, data, local);
      sc_core::wait(local);
      local = sc_core::SC_ZERO_TIME;
      send_ok(bus, tlm::TLM_WRITE_COMMAND, window + last, data, local);
    }
    done += data.size();
    ++transfers_;
  }
}

}  // namespace szt::platform
