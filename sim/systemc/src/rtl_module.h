// SPDX-License-Identifier: Apache-2.0
// The Verilated szt_matmul as a SystemC module, its ports as bytes.
#ifndef SZT_SIM_SYSTEMC_SRC_RTL_MODULE_H_
#define SZT_SIM_SYSTEMC_SRC_RTL_MODULE_H_

#include <memory>
#include <span>
#include <string_view>
#include <systemc>

#include "rtl_core.h"

namespace szt::systemc {

class RtlModule {
 public:
  virtual ~RtlModule() = default;
  // The image of the ports; clk_i and irq_o are not in it, they are bound.
  virtual const sim::CorePins& pins() const = 0;
  // Brings the image of the outputs up to date.
  virtual void sample() = 0;
  // Writes the image of the inputs to the wires.
  virtual void drive() = 0;
};

// Made inside a module's constructor.
using MakeRtlModule = std::unique_ptr<RtlModule>(sc_core::sc_clock& clock,
                                                 sc_core::sc_out<bool>& irq);

struct RtlModuleEntry {
  std::string_view configuration;
  MakeRtlModule* make;
};
// Generated: one a configuration of this build.
std::span<const RtlModuleEntry> rtl_modules();

}  // namespace szt::systemc

#endif  // SZT_SIM_SYSTEMC_SRC_RTL_MODULE_H_
