// SPDX-License-Identifier: Apache-2.0
// An interconnect: any number of initiators, targets at address ranges. It costs no time and limits
// nothing; memory.h does.
#ifndef SZT_SIM_SYSTEMC_PLATFORM_ROUTER_H_
#define SZT_SIM_SYSTEMC_PLATFORM_ROUTER_H_

#include <tlm_utils/multi_passthrough_initiator_socket.h>
#include <tlm_utils/multi_passthrough_target_socket.h>

#include <cstdint>
#include <systemc>
#include <tlm>
#include <vector>

namespace szt::platform {

class Router : public sc_core::sc_module {
 public:
  tlm_utils::multi_passthrough_target_socket<Router> initiators{"initiators"};

  explicit Router(const sc_core::sc_module_name& name);

  // A target sees addresses from 0 on.
  template <typename Socket>
  void map(std::uint64_t begin, std::uint64_t size, Socket& target) {
    ranges_.push_back({begin, size});
    targets_.bind(target);
  }

 private:
  struct Range {
    std::uint64_t begin, size;
  };

  // The index of the target that has all of it; -1 if none has.
  int find(const tlm::tlm_generic_payload& payload) const;
  void b_transport(int initiator, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  unsigned transport_dbg(int initiator, tlm::tlm_generic_payload& payload);
  bool get_direct_mem_ptr(int initiator, tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi);

  tlm_utils::multi_passthrough_initiator_socket<Router> targets_{"targets"};
  std::vector<Range> ranges_;
};

}  // namespace szt::platform

#endif  // SZT_SIM_SYSTEMC_PLATFORM_ROUTER_H_
