// SPDX-License-Identifier: Apache-2.0
// A generic payload as an access to the address map.
#ifndef SZT_SIM_SYSTEMC_SRC_ACCESS_H_
#define SZT_SIM_SYSTEMC_SRC_ACCESS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <tlm>

#include "szt/configuration.h"
#include "szt/sim/device.h"
#include "szt/systemc/address_map.h"

namespace szt::systemc {

enum class Region { kRegister, kCodeWindow, kActivationWindow, kResultWindow, kLevelWord };

struct Access {
  Region region = Region::kRegister;
  bool write = false;
  bool last = false;          // codes, activations: the final beat has TLAST
  std::uint32_t address = 0;  // of a register or a level, in the map
  std::size_t beats = 0;
  std::span<std::uint8_t> data;  // the initiator's

  std::uint32_t word() const;
  void set_word(std::uint32_t value) const;
};

// TLM_OK_RESPONSE and the access, or what is wrong with the payload.
tlm::tlm_response_status parse(const tlm::tlm_generic_payload& payload,
                               const Configuration& configuration, Access& access);

// The response to a register access that the device answered with SLVERR.
tlm::tlm_response_status register_error(const Access& access);

}  // namespace szt::systemc

#endif  // SZT_SIM_SYSTEMC_SRC_ACCESS_H_
