// SPDX-License-Identifier: Apache-2.0
// The szt_matmul that Yosys wrote as C++ (CXXRTL), as an RtlCore. CXXRTL's C interface finds ports
// and registers by their names: nothing here depends on the configuration.
#include <cxxrtl_capi.h>

#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>

#include "initial_state.h"
#include "rtl_core.h"

extern "C" cxxrtl_toplevel cxxrtl_design_create();  // in the generated file

namespace szt::sim {
namespace {

std::size_t words_of(const cxxrtl_object& object) { return (object.width + 31) / 32; }

// Random bits for whatever holds state.
void randomise(void* random, const char* /*name*/, cxxrtl_object* parts, std::size_t count) {
  auto& generator = *static_cast<std::mt19937*>(random);
  for (cxxrtl_object* part = parts; part != parts + count; ++part) {
    const bool memory = part->type == CXXRTL_MEMORY;
    if (!memory && (part->type != CXXRTL_WIRE || (part->flags & CXXRTL_DRIVEN_SYNC) == 0)) continue;
    const std::size_t words = words_of(*part);
    if (words == 0) continue;
    const std::uint32_t last = ~std::uint32_t{0} >> (32 * words - part->width);
    for (std::size_t i = 0; i < words * part->depth; ++i) {
      const auto bits =
          static_cast<std::uint32_t>(generator()) & (i % words == words - 1 ? last : ~0U);
      part->curr[i] = bits;
      if (!memory) part->next[i] = bits;
    }
  }
}

class CxxrtlCore final : public RtlCore {
 public:
  explicit CxxrtlCore(std::uint64_t given_state)
      : design_(cxxrtl_create(cxxrtl_design_create())),
        pins_{pin("clk_i"),
              pin("rst_ni"),
              pin("irq_o"),
              pin("s_axil_awaddr"),
              pin("s_axil_awprot"),
              pin("s_axil_awvalid"),
              pin("s_axil_awready"),
              pin("s_axil_wdata"),
              pin("s_axil_wstrb"),
              pin("s_axil_wvalid"),
              pin("s_axil_wready"),
              pin("s_axil_bresp"),
              pin("s_axil_bvalid"),
              pin("s_axil_bready"),
              pin("s_axil_araddr"),
              pin("s_axil_arprot"),
              pin("s_axil_arvalid"),
              pin("s_axil_arready"),
              pin("s_axil_rdata"),
              pin("s_axil_rresp"),
              pin("s_axil_rvalid"),
              pin("s_axil_rready"),
              pin("s_axis_codes_tvalid"),
              pin("s_axis_codes_tready"),
              pin("s_axis_codes_tdata"),
              pin("s_axis_codes_tkeep"),
              pin("s_axis_codes_tlast"),
              pin("s_axis_activations_tvalid"),
              pin("s_axis_activations_tready"),
              pin("s_axis_activations_tdata"),
              pin("s_axis_activations_tkeep"),
              pin("s_axis_activations_tlast"),
              pin("m_axis_results_tvalid"),
              pin("m_axis_results_tready"),
              pin("m_axis_results_tdata"),
              pin("m_axis_results_tkeep"),
              pin("m_axis_results_tlast")} {
    const std::uint64_t initial_state = initial_state_of(given_state);
    if (initial_state == 0) return;
    std::mt19937 generator(static_cast<std::uint32_t>(initial_state));
    cxxrtl_enum(design_, &generator, randomise);
  }
  ~CxxrtlCore() override { cxxrtl_destroy(design_); }
  CxxrtlCore(const CxxrtlCore&) = delete;
  CxxrtlCore& operator=(const CxxrtlCore&) = delete;

  const CorePins& pins() const override { return pins_; }
  void eval() override { cxxrtl_step(design_); }
  void dump(std::uint64_t /*time*/) override {}

 private:
  Pin pin(const char* name) const {
    std::size_t parts = 0;
    const cxxrtl_object* port = cxxrtl_get_parts(design_, name, &parts);
    if (port == nullptr || parts != 1) {
      throw std::runtime_error(std::string("CXXRTL has no port ") + name);
    }
    return {reinterpret_cast<std::uint8_t*>(port->curr), 4 * words_of(*port)};
  }

  cxxrtl_handle design_;
  CorePins pins_;
};

}  // namespace
}  // namespace szt::sim

szt::sim::RtlCore* szt_make_rtl_core(const char* trace, std::uint64_t initial_state) {
  if (trace != nullptr) throw std::runtime_error("CXXRTL writes no FST");
  return new szt::sim::CxxrtlCore(initial_state);
}

const char* szt_rtl_simulator() { return SZT_SIMULATOR; }
