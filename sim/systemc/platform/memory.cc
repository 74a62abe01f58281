// SPDX-License-Identifier: Apache-2.0
#include "memory.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace szt::platform {

Memory::Memory(const sc_core::sc_module_name& name, std::vector<std::uint8_t> contents,
               const MemoryTiming& timing)
    : sc_module(name), contents_(std::move(contents)), timing_(timing) {
  socket.register_b_transport(this, &Memory::b_transport);
  socket.register_transport_dbg(this, &Memory::transport_dbg);
  socket.register_get_direct_mem_ptr(this, &Memory::get_direct_mem_ptr);
}

std::uint64_t Memory::access(tlm::tlm_generic_payload& payload) {
  const std::uint64_t address = payload.get_address(), size = payload.get_data_length();
  if (address > contents_.size() || size > contents_.size() - address) return 0;
  std::uint8_t* const place = contents_.data() + address;
  if (payload.is_read()) std::memcpy(payload.get_data_ptr(), place, size);
  if (payload.is_write()) std::memcpy(place, payload.get_data_ptr(), size);
  return size;
}

void Memory::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  if (payload.get_byte_enable_ptr() != nullptr) {
    payload.set_response_status(tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
    return;
  }
  const std::uint64_t size = access(payload);
  if (size == 0) {
    payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return;
  }
  (payload.is_read() ? bytes_read_ : bytes_written_) += size;
  const std::uint64_t cycles = (size + timing_.bytes_per_cycle - 1) / timing_.bytes_per_cycle;
  const sc_core::sc_time now = sc_core::sc_time_stamp();
  port_free_ =
      std::max(port_free_, now + delay) + timing_.clock_period * static_cast<double>(cycles);
  delay = port_free_ + timing_.clock_period * static_cast<double>(timing_.latency_cycles) - now;
  payload.set_dmi_allowed(true);
  payload.set_response_status(tlm::TLM_OK_RESPONSE);
}

unsigned Memory::transport_dbg(tlm::tlm_generic_payload& payload) {
  return static_cast<unsigned>(access(payload));
}

bool Memory::get_direct_mem_ptr(tlm::tlm_generic_payload& /*payload*/, tlm::tlm_dmi& dmi) {
  const sc_core::sc_time latency =
      timing_.clock_period * static_cast<double>(timing_.latency_cycles + 1);
  dmi.set_dmi_ptr(contents_.data());
  dmi.set_start_address(0);
  dmi.set_end_address(contents_.size() - 1);
  dmi.set_read_latency(latency);
  dmi.set_write_latency(latency);
  dmi.allow_read_write();
  return true;
}

}  // namespace szt::platform
