// SPDX-License-Identifier: Apache-2.0
#include "router.h"

#include <algorithm>

namespace szt::platform {

Router::Router(const sc_core::sc_module_name& name) : sc_module(name) {
  initiators.register_b_transport(this, &Router::b_transport);
  initiators.register_transport_dbg(this, &Router::transport_dbg);
  initiators.register_get_direct_mem_ptr(this, &Router::get_direct_mem_ptr);
}

int Router::find(const tlm::tlm_generic_payload& payload) const {
  const std::uint64_t address = payload.get_address(), length = payload.get_data_length();
  for (std::size_t i = 0; i < ranges_.size(); ++i) {
    if (address < ranges_[i].begin) continue;
    const std::uint64_t offset = address - ranges_[i].begin;
    if (offset < ranges_[i].size && length <= ranges_[i].size - offset) return static_cast<int>(i);
  }
  return -1;
}

void Router::b_transport(int /*initiator*/, tlm::tlm_generic_payload& payload,
                         sc_core::sc_time& delay) {
  const int target = find(payload);
  if (target < 0) {
    payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return;
  }
  const std::uint64_t address = payload.get_address();
  payload.set_address(address - ranges_[static_cast<std::size_t>(target)].begin);
  targets_[target]->b_transport(payload, delay);
  payload.set_address(address);
}

unsigned Router::transport_dbg(int /*initiator*/, tlm::tlm_generic_payload& payload) {
  const int target = find(payload);
  if (target < 0) return 0;
  const std::uint64_t address = payload.get_address();
  payload.set_address(address - ranges_[static_cast<std::size_t>(target)].begin);
  const unsigned count = targets_[target]->transport_dbg(payload);
  payload.set_address(address);
  return count;
}

bool Router::get_direct_mem_ptr(int /*initiator*/, tlm::tlm_generic_payload& payload,
                                tlm::tlm_dmi& dmi) {
  const int target = find(payload);
  if (target < 0) return false;
  const Range& range = ranges_[static_cast<std::size_t>(target)];
  const std::uint64_t address = payload.get_address();
  payload.set_address(address - range.begin);
  const bool granted = targets_[target]->get_direct_mem_ptr(payload, dmi);
  payload.set_address(address);
  dmi.set_start_address(dmi.get_start_address() + range.begin);
  dmi.set_end_address(std::min<std::uint64_t>(dmi.get_end_address(), range.size - 1) + range.begin);
  return granted;
}

}  // namespace szt::platform
