// SPDX-License-Identifier: Apache-2.0
// The RTL of a matmul core as a TLM-2.0 target: `verilator --sc` behind a transactor.
//
// The transactor drives AXI4-Lite, one access at a time, and the AXI-Streams from FIFOs as large as
// the model's; it stalls nothing but results without room. It acts at falling clock edges, so that
// its wires are steady at rising ones. b_transport synchronises with the initiator first. Registers
// cannot be read without a bus access: transport_dbg reads the levels only.
#ifndef SZT_SYSTEMC_RTL_TARGET_H_
#define SZT_SYSTEMC_RTL_TARGET_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <systemc>

#include "szt/systemc/target.h"

namespace szt::systemc {

class RtlTarget : public Target {
 public:
  // Throws InputError if this build has no RTL of the configuration.
  RtlTarget(const sc_core::sc_module_name& name, const Configuration& configuration,
            const sc_core::sc_time& clock_period);
  ~RtlTarget() override;

 private:
  struct Transactor;

  void begin(Job& job) override;
  std::optional<std::uint32_t> peek_register(std::uint32_t address) override;
  std::uint32_t peek_level(std::uint32_t address) override;
  tlm::tlm_response_status access_window(const Access& access);

  void start_register_access();
  void drive();
  void end_register_access();

  sc_core::sc_clock clock_;
  std::unique_ptr<Transactor> transactor_;
  std::deque<Job*> register_jobs_;
  sc_core::sc_event register_event_;  // the front one ends
};

// The names of the configurations that this build has as RTL.
std::span<const std::string_view> rtl_configurations();

}  // namespace szt::systemc

#endif  // SZT_SYSTEMC_RTL_TARGET_H_
