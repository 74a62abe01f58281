// SPDX-License-Identifier: Apache-2.0
// What every matmul target shows a SystemC platform: one TLM-2.0 socket and an interrupt.
//
// Base protocol on a socket of 32 bits; address map: szt/systemc/address_map.h. b_transport is
// loosely timed; nb_transport is the four-phase protocol: END_REQ comes with the request,
// BEGIN_RESP when the transaction is over, in any order between windows and registers, one response
// at a time. Transactions begin at a clock edge, a multiple of the clock period; one that comes
// between two waits for the next. The first four edges are the reset: it begins at the fifth at the
// earliest. transport_dbg reads the levels and, on the model, registers; it writes nothing: what a
// debugger does must not start a command. DMI is refused: no address of the map is memory, each
// access to a window moves beats and each to a register may change with time.
//
// A failure inside (a check of the RTL, a device that misbehaves) ends sc_start() with an
// sc_report.
#ifndef SZT_SYSTEMC_TARGET_H_
#define SZT_SYSTEMC_TARGET_H_

#include <tlm_utils/peq_with_cb_and_phase.h>
#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <systemc>
#include <tlm>
#include <unordered_map>

#include "szt/configuration.h"

namespace szt::systemc {

struct Access;

class Target : public sc_core::sc_module {
 public:
  static constexpr std::uint64_t kResetCycles = 4;
  static constexpr std::uint64_t kRegisterCycles = 3;  // of a register access, alone on the bus

  tlm_utils::simple_target_socket<Target, 32> socket{"socket"};
  sc_core::sc_out<bool> irq{"irq"};

  ~Target() override;

  const Configuration& configuration() const { return configuration_; }
  const sc_core::sc_time& clock_period() const { return clock_period_; }

 protected:
  // A transaction on its way, from begin() to finish().
  struct Job;

  // Throws InputError unless the clock period is an even number of SystemC's time resolution.
  Target(const sc_core::sc_module_name& name, const Configuration& configuration,
         const sc_core::sc_time& clock_period);

  // Starts an access, now, at a clock edge; finish() ends it, now or later, with OK or not.
  virtual void begin(Job& job) = 0;
  void finish(Job& job, tlm::tlm_response_status response);

  // Loosely timed. The base class synchronises and goes the way of nb_transport.
  virtual void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  // Reads a register (nothing: not possible) or a level word, without consequences, now.
  virtual std::optional<std::uint32_t> peek_register(std::uint32_t address) = 0;
  virtual std::uint32_t peek_level(std::uint32_t address) = 0;

  // The first clock edge, past the reset, at or after a time.
  std::uint64_t edge_at(const sc_core::sc_time& time) const;
  sc_core::sc_time time_of(std::uint64_t edge) const;

 private:
  using Peq = tlm_utils::peq_with_cb_and_phase<Target>;

  tlm::tlm_sync_enum nb_transport(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                                  sc_core::sc_time& delay);
  unsigned transport_dbg(tlm::tlm_generic_payload& payload);
  void on_phase(tlm::tlm_generic_payload& payload, const tlm::tlm_phase& phase);
  void on_request(tlm::tlm_generic_payload& payload);
  void send_response();

  Configuration configuration_;
  sc_core::sc_time clock_period_;
  Peq peq_;
  bool request_in_progress_ = false;
  std::deque<tlm::tlm_generic_payload*> responses_;  // due
  tlm::tlm_generic_payload* response_in_progress_ = nullptr;
  std::unordered_map<tlm::tlm_generic_payload*, std::unique_ptr<Job>> jobs_;
};

}  // namespace szt::systemc

#endif  // SZT_SYSTEMC_TARGET_H_
