// SPDX-License-Identifier: Apache-2.0
// A transaction inside a target.
#ifndef SZT_SIM_SYSTEMC_SRC_JOB_H_
#define SZT_SIM_SYSTEMC_SRC_JOB_H_

#include <systemc>
#include <tlm>

#include "access.h"
#include "szt/systemc/target.h"

namespace szt::systemc {

// The cycles that a transaction costs beyond those of the register bus.
inline std::uint64_t extra_cycles(const Access& access, tlm::tlm_response_status response) {
  const bool free = access.region == Region::kRegister ||
                    (access.region != Region::kLevelWord && response == tlm::TLM_OK_RESPONSE);
  return free ? 0 : 1;
}

struct Target::Job {
  explicit Job(tlm::tlm_generic_payload& job_payload) : payload(&job_payload) {}

  tlm::tlm_generic_payload* payload;
  Access access;
  bool blocking = false;  // b_transport waits for `done`
  bool finished = false;
  sc_core::sc_event done;
};

}  // namespace szt::systemc

#endif  // SZT_SIM_SYSTEMC_SRC_JOB_H_
