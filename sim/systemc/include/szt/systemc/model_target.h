// SPDX-License-Identifier: Apache-2.0
// The matmul core as a fast TLM-2.0 target: results and times from a C++ model of it.
//
// Approximately timed, every register access, result beat and change of irq is in the clock cycle
// in which the RTL has it, stalls included; README.md, "Time", says what differs. START's command
// begins at the end of its write (E), its last result is there at E + its cycles (cycle_model.h) if
// nothing stalls, DONE a cycle later, irq another cycle later.
// Loosely timed, b_transport never waits: it carries the access out at the initiator's local time
// and adds to the delay what the access costs. Where another initiator was ahead, it is carried out
// at that one's time and the delay says so. irq changes at its time whatever initiators run ahead.
#ifndef SZT_SYSTEMC_MODEL_TARGET_H_
#define SZT_SYSTEMC_MODEL_TARGET_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <systemc>

#include "szt/systemc/target.h"

namespace szt::systemc {

class TimedModel;

class ModelTarget : public Target {
 public:
  ModelTarget(const sc_core::sc_module_name& name, const Configuration& configuration,
              const sc_core::sc_time& clock_period);
  ~ModelTarget() override;

  // For an initiator that is alone with it: clock cycles from now on, at least 1 and at most
  // `most`, until irq changes, the beats of a tile or those of the next one's codes run out, or the
  // results window is half full.
  std::uint64_t cycles_to_attention(std::uint64_t most);
  // The edge at which the core gave away the final beat of the latest read of results.
  std::uint64_t last_read_edge() const { return last_read_edge_; }
  std::string describe() const;

 private:
  void begin(Job& job) override;
  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) override;
  std::optional<std::uint32_t> peek_register(std::uint32_t address) override;
  std::uint32_t peek_level(std::uint32_t address) override;

  // At a clock edge.
  tlm::tlm_response_status access_register(const Access& access, std::uint64_t edge);
  tlm::tlm_response_status access_window(const Access& access, std::uint64_t edge);
  std::uint32_t level(std::uint32_t address, std::uint64_t edge);
  std::uint64_t now_edge() const { return edge_at(sc_core::sc_time_stamp()); }

  void step_register();
  void tick();
  void schedule_tick();

  std::unique_ptr<TimedModel> timed_;
  std::uint64_t last_read_edge_ = 0;

  // Approximately timed register accesses, one after the other.
  enum class Stage { kStart, kCarryOut, kEnd };
  std::deque<Job*> register_jobs_;
  Stage stage_ = Stage::kStart;
  tlm::tlm_response_status register_response_ = tlm::TLM_OK_RESPONSE;
  sc_core::sc_event register_event_;
  std::uint64_t bus_free_ = 0;  // edge at which the last loosely timed one ended

  sc_core::sc_event tick_event_;
};

}  // namespace szt::systemc

#endif  // SZT_SYSTEMC_MODEL_TARGET_H_
