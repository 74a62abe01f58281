// SPDX-License-Identifier: Apache-2.0
// The Verilated szt_encoder_stream as an EncoderCore. Built once for each number of lanes, with the
// Verilated class as SZT_TOP.
#include <verilated.h>

#include "coverage_file.h"
#include "encoder_core.h"
#include "initial_state.h"
#include SZT_TOP_HEADER

namespace szt::sim {
namespace {

template <typename Port>
Pin pin(Port& port) {
  return {reinterpret_cast<std::uint8_t*>(&port), sizeof(port)};
}

class VerilatedEncoder final : public EncoderCore {
 public:
  explicit VerilatedEncoder(std::uint64_t given_state) {
    const std::uint64_t initial_state = initial_state_of(given_state);
    coverage_start_ = CoverageStart(initial_state != 0);
    if (initial_state != 0) {
      context_.randReset(2);
      context_.randSeed(static_cast<int>(initial_state & 0x7FFFFFFFU));
    }
    top_ = std::make_unique<SZT_TOP>(&context_);
    SZT_TOP& t = *top_;
    pins_ = {pin(t.clk_i),
             pin(t.rst_ni),
             pin(t.irq_o),
             pin(t.s_axil_awaddr),
             pin(t.s_axil_awprot),
             pin(t.s_axil_awvalid),
             pin(t.s_axil_awready),
             pin(t.s_axil_wdata),
             pin(t.s_axil_wstrb),
             pin(t.s_axil_wvalid),
             pin(t.s_axil_wready),
             pin(t.s_axil_bresp),
             pin(t.s_axil_bvalid),
             pin(t.s_axil_bready),
             pin(t.s_axil_araddr),
             pin(t.s_axil_arprot),
             pin(t.s_axil_arvalid),
             pin(t.s_axil_arready),
             pin(t.s_axil_rdata),
             pin(t.s_axil_rresp),
             pin(t.s_axil_rvalid),
             pin(t.s_axil_rready),
             pin(t.s_axis_latents_tvalid),
             pin(t.s_axis_latents_tready),
             pin(t.s_axis_latents_tdata),
             pin(t.s_axis_latents_tkeep),
             pin(t.s_axis_latents_tlast),
             pin(t.m_axis_codes_tvalid),
             pin(t.m_axis_codes_tready),
             pin(t.m_axis_codes_tdata),
             pin(t.m_axis_codes_tkeep),
             pin(t.m_axis_codes_tlast)};
  }

  ~VerilatedEncoder() override {
    top_->final();
    write_coverage(context_, top_->modelName());
    Verilated::threadContextp(&context_);  // see verilated_core.cc
    top_.reset();
    Verilated::threadContextp(Verilated::defaultContextp());
  }

  const EncoderPins& pins() const override { return pins_; }
  void eval() override {
    coverage_start_.clock(context_, top_->clk_i != 0, top_->rst_ni != 0);
    top_->eval();
  }

 private:
  VerilatedContext context_;
  std::unique_ptr<SZT_TOP> top_;
  EncoderPins pins_;
  CoverageStart coverage_start_{false};
};

}  // namespace

template <>
std::unique_ptr<EncoderCore> make_encoder_core<SZT_LANES>(std::uint64_t initial_state) {
  return std::make_unique<VerilatedEncoder>(initial_state);
}

}  // namespace szt::sim
