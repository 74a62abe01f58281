// SPDX-License-Identifier: Apache-2.0
// Sending generic payloads, and little-endian words in them.
#ifndef SZT_SIM_SYSTEMC_PLATFORM_PAYLOAD_H_
#define SZT_SIM_SYSTEMC_PLATFORM_PAYLOAD_H_

#include <fmt/format.h>

#include <cstdint>
#include <span>
#include <stdexcept>
#include <systemc>
#include <tlm>

namespace szt::platform {

// One blocking transaction; `local` is the initiator's time ahead of the simulation. Throws
// std::runtime_error, which is a fault of the platform, for any response but OK.
template <typename Socket>
void send_ok(Socket& socket, tlm::tlm_command command, std::uint64_t address,
             std::span<std::uint8_t> data, sc_core::sc_time& local) {
  tlm::tlm_generic_payload payload;
  payload.set_command(command);
  payload.set_address(address);
  payload.set_data_ptr(data.data());
  payload.set_data_length(static_cast<unsigned>(data.size()));
  payload.set_streaming_width(static_cast<unsigned>(data.size()));
  socket->b_transport(payload, local);
  if (payload.is_response_ok()) return;
  throw std::runtime_error(fmt::format("{} of {} bytes at {:#x}: {}",
                                       command == tlm::TLM_READ_COMMAND ? "read" : "write",
                                       data.size(), address, payload.get_response_string()));
}

template <typename Socket>
std::uint32_t read_word(Socket& socket, std::uint64_t address, sc_core::sc_time& local) {
  std::uint8_t bytes[4] = {};
  send_ok(socket, tlm::TLM_READ_COMMAND, address, bytes, local);
  return std::uint32_t{bytes[0]} | std::uint32_t{bytes[1]} << 8 | std::uint32_t{bytes[2]} << 16 |
         std::uint32_t{bytes[3]} << 24;
}

template <typename Socket>
void write_word(Socket& socket, std::uint64_t address, std::uint32_t value,
                sc_core::sc_time& local) {
  std::uint8_t bytes[4];
  for (unsigned i = 0; i < 4; ++i) bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
  send_ok(socket, tlm::TLM_WRITE_COMMAND, address, bytes, local);
}

}  // namespace szt::platform

#endif  // SZT_SIM_SYSTEMC_PLATFORM_PAYLOAD_H_
