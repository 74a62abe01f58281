// SPDX-License-Identifier: Apache-2.0
// A simulated szt_encoder_stream as its pins.
#ifndef SZT_SIM_SRC_ENCODER_CORE_H_
#define SZT_SIM_SRC_ENCODER_CORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "rtl_core.h"

namespace szt::sim {

// The ports of szt_encoder_stream, by their names.
struct EncoderPins {
  Pin clk_i, rst_ni, irq_o;
  Pin s_axil_awaddr, s_axil_awprot, s_axil_awvalid, s_axil_awready;
  Pin s_axil_wdata, s_axil_wstrb, s_axil_wvalid, s_axil_wready;
  Pin s_axil_bresp, s_axil_bvalid, s_axil_bready;
  Pin s_axil_araddr, s_axil_arprot, s_axil_arvalid, s_axil_arready;
  Pin s_axil_rdata, s_axil_rresp, s_axil_rvalid, s_axil_rready;
  Pin s_axis_latents_tvalid, s_axis_latents_tready, s_axis_latents_tdata, s_axis_latents_tkeep,
      s_axis_latents_tlast;
  Pin m_axis_codes_tvalid, m_axis_codes_tready, m_axis_codes_tdata, m_axis_codes_tkeep,
      m_axis_codes_tlast;
};

class EncoderCore {
 public:
  virtual ~EncoderCore() = default;
  virtual const EncoderPins& pins() const = 0;
  // Brings the outputs in line with the inputs; clocks on a rising clk_i. Throws std::runtime_error
  // when a check inside the RTL fails.
  virtual void eval() = 0;
};

// initial_state: 0 for registers that start at 0, else the seed of random ones. There is one for
// each number of lanes that is built: 2, 4 and 16.
template <std::size_t Lanes>
std::unique_ptr<EncoderCore> make_encoder_core(std::uint64_t initial_state);
template <>
std::unique_ptr<EncoderCore> make_encoder_core<2>(std::uint64_t initial_state);
template <>
std::unique_ptr<EncoderCore> make_encoder_core<4>(std::uint64_t initial_state);
template <>
std::unique_ptr<EncoderCore> make_encoder_core<16>(std::uint64_t initial_state);

// The same for a number that is not a constant. Throws InputError if it is not built.
std::unique_ptr<EncoderCore> make_encoder_core(std::size_t lanes, std::uint64_t initial_state);

}  // namespace szt::sim

#endif  // SZT_SIM_SRC_ENCODER_CORE_H_
