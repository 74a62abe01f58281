// SPDX-License-Identifier: Apache-2.0
#include "bus.h"

#include <fmt/format.h>

namespace szt::sim {

BusManager::BusManager(const StallPattern& pattern, std::uint64_t seed)
    : aw_(pattern, seed),
      w_(pattern, seed + 1),
      ar_(pattern, seed + 2),
      b_stalls_(pattern, seed + 3),
      r_stalls_(pattern, seed + 4) {}

void BusManager::begin_write(std::uint32_t address, std::uint32_t value, unsigned strobes) {
  writing_ = address_due_ = data_due_ = response_due_ = true;
  address_ = address;
  data_ = value;
  strobes_ = strobes;
}

void BusManager::begin_read(std::uint32_t address) {
  address_due_ = response_due_ = true;
  writing_ = data_due_ = false;
  address_ = address;
}

void BusManager::drive() {
  bool fresh = false;
  pins_.s_axil_awvalid.set(aw_.offer(writing_ && address_due_, fresh));
  if (fresh) pins_.s_axil_awaddr.set(address_);
  pins_.s_axil_wvalid.set(w_.offer(data_due_, fresh));
  if (fresh) {
    pins_.s_axil_wdata.set(data_);
    pins_.s_axil_wstrb.set(strobes_);
  }
  pins_.s_axil_arvalid.set(ar_.offer(!writing_ && address_due_, fresh));
  if (fresh) pins_.s_axil_araddr.set(address_);
  pins_.s_axil_bready.set(writing_ && response_due_ && !b_stalls_.next());
  pins_.s_axil_rready.set(!writing_ && response_due_ && !r_stalls_.next());
}

unsigned BusManager::sample() {
  unsigned handshakes = 0;
  const auto both = [&handshakes](const Pin& valid, const Pin& ready) {
    const bool taken = valid.high() && ready.high();
    handshakes += taken ? 1U : 0U;
    return taken;
  };
  if (both(pins_.s_axil_awvalid, pins_.s_axil_awready)) {
    aw_.accept();
    address_due_ = false;
  }
  if (both(pins_.s_axil_wvalid, pins_.s_axil_wready)) {
    w_.accept();
    data_due_ = false;
  }
  if (both(pins_.s_axil_arvalid, pins_.s_axil_arready)) {
    ar_.accept();
    address_due_ = false;
  }
  if (both(pins_.s_axil_bvalid, pins_.s_axil_bready)) {
    okay_ = pins_.s_axil_bresp.get() == 0;
    response_due_ = false;
  }
  if (both(pins_.s_axil_rvalid, pins_.s_axil_rready)) {
    okay_ = pins_.s_axil_rresp.get() == 0;
    data_ = static_cast<std::uint32_t>(pins_.s_axil_rdata.get());
    response_due_ = false;
  }
  return handshakes;
}

std::string BusManager::describe() const {
  if (!response_due_) return "bus idle";
  const auto bit = [](const Pin& pin) { return pin.high() ? 1 : 0; };
  if (writing_) {
    return fmt::format("bus writes {:#04x}: AW valid {} ready {}, W valid {} ready {}, B valid {}",
                       address_, bit(pins_.s_axil_awvalid), bit(pins_.s_axil_awready),
                       bit(pins_.s_axil_wvalid), bit(pins_.s_axil_wready),
                       bit(pins_.s_axil_bvalid));
  }
  return fmt::format("bus reads {:#04x}: AR valid {} ready {}, R valid {}", address_,
                     bit(pins_.s_axil_arvalid), bit(pins_.s_axil_arready),
                     bit(pins_.s_axil_rvalid));
}

}  // namespace szt::sim
