// SPDX-License-Identifier: Apache-2.0
// A simulated szt_matmul as its pins: what a configuration's shared library hands out.
#ifndef SZT_SIM_SRC_RTL_CORE_H_
#define SZT_SIM_SRC_RTL_CORE_H_

#include <cstddef>
#include <cstdint>

namespace szt::sim {

// A port in the simulator's memory, little-endian in whole bytes (Verilator pads to 1, 2, 4, 8 or a
// multiple of 4).
struct Pin {
  std::uint8_t* bytes = nullptr;
  std::size_t size = 0;

  bool high() const { return *bytes != 0; }
  std::uint64_t get() const {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size && i < 8; ++i) value |= std::uint64_t{bytes[i]} << (8 * i);
    return value;
  }
  void set(std::uint64_t value) const {
    for (std::size_t i = 0; i < size; ++i) {
      bytes[i] = i < 8 ? static_cast<std::uint8_t>(value >> (8 * i)) : std::uint8_t{0};
    }
  }
};

// The ports of szt_matmul, by their names.
struct CorePins {
  Pin clk_i, rst_ni, irq_o;
  Pin s_axil_awaddr, s_axil_awprot, s_axil_awvalid, s_axil_awready;
  Pin s_axil_wdata, s_axil_wstrb, s_axil_wvalid, s_axil_wready;
  Pin s_axil_bresp, s_axil_bvalid, s_axil_bready;
  Pin s_axil_araddr, s_axil_arprot, s_axil_arvalid, s_axil_arready;
  Pin s_axil_rdata, s_axil_rresp, s_axil_rvalid, s_axil_rready;
  Pin s_axis_codes_tvalid, s_axis_codes_tready, s_axis_codes_tdata, s_axis_codes_tkeep,
      s_axis_codes_tlast;
  Pin s_axis_activations_tvalid, s_axis_activations_tready, s_axis_activations_tdata,
      s_axis_activations_tkeep, s_axis_activations_tlast;
  Pin m_axis_results_tvalid, m_axis_results_tready, m_axis_results_tdata, m_axis_results_tkeep,
      m_axis_results_tlast;
};

class RtlCore {
 public:
  virtual ~RtlCore() = default;
  virtual const CorePins& pins() const = 0;
  // Brings the outputs in line with the inputs; clocks on a rising clk_i. Throws std::runtime_error
  // when a check inside the RTL fails.
  virtual void eval() = 0;
  // Appends the present state to the trace.
  virtual void dump(std::uint64_t time) = 0;
};

}  // namespace szt::sim

extern "C" {
// A new core that the caller deletes. trace: path of an FST file, or null. initial_state: 0 for
// registers that start at 0, else the seed of random ones.
szt::sim::RtlCore* szt_make_rtl_core(const char* trace, std::uint64_t initial_state);
// The simulator's name and version.
const char* szt_rtl_simulator();
}

#endif  // SZT_SIM_SRC_RTL_CORE_H_
