// SPDX-License-Identifier: Apache-2.0
// A memory with one port of limited width: a transaction waits for the port, then takes a latency
// and a cycle for each word of the width. It is plain memory, so that it grants DMI.
#ifndef SZT_SIM_SYSTEMC_PLATFORM_MEMORY_H_
#define SZT_SIM_SYSTEMC_PLATFORM_MEMORY_H_

#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <span>
#include <systemc>
#include <tlm>
#include <vector>

namespace szt::platform {

struct MemoryTiming {
  sc_core::sc_time clock_period;
  std::uint64_t latency_cycles;
  std::uint64_t bytes_per_cycle;
};

class Memory : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<Memory> socket{"socket"};

  Memory(const sc_core::sc_module_name& name, std::vector<std::uint8_t> contents,
         const MemoryTiming& timing);

  std::span<const std::uint8_t> contents() const { return contents_; }
  std::uint64_t bytes_read() const { return bytes_read_; }
  std::uint64_t bytes_written() const { return bytes_written_; }

 private:
  // Moves the data; 0 bytes if it is not all inside.
  std::uint64_t access(tlm::tlm_generic_payload& payload);
  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  unsigned transport_dbg(tlm::tlm_generic_payload& payload);
  bool get_direct_mem_ptr(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi);

  std::vector<std::uint8_t> contents_;
  MemoryTiming timing_;
  sc_core::sc_time port_free_;
  std::uint64_t bytes_read_ = 0, bytes_written_ = 0;
};

}  // namespace szt::platform

#endif  // SZT_SIM_SYSTEMC_PLATFORM_MEMORY_H_
