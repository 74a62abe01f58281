// SPDX-License-Identifier: Apache-2.0
// A simulated matmul_core as its pins: what a configuration's shared library hands out.
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
  void set(std::uint64_t value) const {
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
};

// The ports of matmul_core, by their names.
struct CorePins {
  Pin clk_i, rst_ni;
  Pin cmd_valid_i, cmd_ready_o, cmd_m_i, cmd_k_tiles_i, cmd_n_tiles_i, cmd_mode_i;
  Pin s_axis_codes_tvalid, s_axis_codes_tready, s_axis_codes_tdata, s_axis_codes_tlast;
  Pin s_axis_activations_tvalid, s_axis_activations_tready, s_axis_activations_tdata,
      s_axis_activations_tlast;
  Pin m_axis_results_tvalid, m_axis_results_tready, m_axis_results_tdata, m_axis_results_tlast;
  Pin busy_o, done_o, codes_last_error_o, activations_last_error_o;
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
