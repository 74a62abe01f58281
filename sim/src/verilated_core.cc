// SPDX-License-Identifier: Apache-2.0
// The Verilated szt_matmul as an RtlCore. Built once for each configuration, with the Verilated
// class as SZT_TOP; small, because everything that does not need the class is elsewhere.
#include <verilated.h>
#include <verilated_fst_c.h>

#include <memory>

#include "coverage_file.h"
#include "initial_state.h"
#if VM_COVERAGE
#include "pin_coverage.h"
#endif
#include "rtl_core.h"
#include SZT_TOP_HEADER

namespace szt::sim {
namespace {

template <typename Port>
Pin pin(Port& port) {
  return {reinterpret_cast<std::uint8_t*>(&port), sizeof(port)};
}

class VerilatedCore final : public RtlCore {
 public:
  VerilatedCore(const char* trace, std::uint64_t given_state) {
    const std::uint64_t initial_state = initial_state_of(given_state);
    coverage_start_ = CoverageStart(initial_state != 0);
    if (initial_state != 0) {
      context_.randReset(2);
      context_.randSeed(static_cast<int>(initial_state & 0x7FFFFFFFU));
    }
    context_.traceEverOn(trace != nullptr);
    top_ = std::make_unique<SZT_TOP>(&context_);
    if (trace != nullptr) {
      trace_ = std::make_unique<VerilatedFstC>();
      top_->trace(trace_.get(), 99);
      trace_->open(trace);
    }
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
             pin(t.s_axis_codes_tvalid),
             pin(t.s_axis_codes_tready),
             pin(t.s_axis_codes_tdata),
             pin(t.s_axis_codes_tkeep),
             pin(t.s_axis_codes_tlast),
             pin(t.s_axis_activations_tvalid),
             pin(t.s_axis_activations_tready),
             pin(t.s_axis_activations_tdata),
             pin(t.s_axis_activations_tkeep),
             pin(t.s_axis_activations_tlast),
             pin(t.m_axis_results_tvalid),
             pin(t.m_axis_results_tready),
             pin(t.m_axis_results_tdata),
             pin(t.m_axis_results_tkeep),
             pin(t.m_axis_results_tlast)};
#if VM_COVERAGE
    if (CoverageBins::wanted()) {
      static CoverageBins bins(top_->modelName());
      coverage_ = std::make_unique<PinCoverage>(pins_, SZT_PARAMETERS, bins);
    }
#endif
  }

  ~VerilatedCore() override {
    top_->final();
    if (trace_) trace_->close();
    write_coverage(context_, top_->modelName());
    // The model's destructor looks to the thread's context: that of the core made last, which may
    // be gone.
    Verilated::threadContextp(&context_);
    top_.reset();
    Verilated::threadContextp(Verilated::defaultContextp());
  }

  const CorePins& pins() const override { return pins_; }
  void eval() override {
    coverage_start_.clock(context_, top_->clk_i != 0, top_->rst_ni != 0);
#if VM_COVERAGE
    const bool clock = top_->clk_i != 0;
    if (coverage_ && clock && !clock_) coverage_->edge();
    clock_ = clock;
#endif
    top_->eval();
  }
  void dump(std::uint64_t time) override { trace_->dump(time); }

 private:
  VerilatedContext context_;
  std::unique_ptr<SZT_TOP> top_;
  std::unique_ptr<VerilatedFstC> trace_;
  CorePins pins_;
  CoverageStart coverage_start_{false};
#if VM_COVERAGE
  std::unique_ptr<PinCoverage> coverage_;
  bool clock_ = false;
#endif
};

}  // namespace
}  // namespace szt::sim

szt::sim::RtlCore* szt_make_rtl_core(const char* trace, std::uint64_t initial_state) {
  return new szt::sim::VerilatedCore(trace, initial_state);
}

const char* szt_rtl_simulator() { return SZT_SIMULATOR; }
