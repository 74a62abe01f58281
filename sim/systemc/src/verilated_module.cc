// SPDX-License-Identifier: Apache-2.0
// The Verilated szt_matmul as an RtlModule. Built once for each configuration, with the Verilated
// class as SZT_TOP and the function that makes it as SZT_MAKE.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <systemc>
#include <type_traits>

#include "rtl_module.h"
#include SZT_TOP_HEADER

namespace szt::systemc {
namespace {

// Words of a port's value, little-endian.
void to_bytes(bool value, std::uint8_t* bytes) { bytes[0] = value ? 1 : 0; }
void from_bytes(const std::uint8_t* bytes, bool& value) { value = bytes[0] != 0; }

template <int kBits>
void to_bytes(const sc_dt::sc_bv<kBits>& value, std::uint8_t* bytes) {
  for (int i = 0; i < value.size(); ++i) {
    const auto word = static_cast<std::uint32_t>(value.get_word(i));
    std::memcpy(bytes + 4 * i, &word, sizeof(word));
  }
}
template <int kBits>
void from_bytes(const std::uint8_t* bytes, sc_dt::sc_bv<kBits>& value) {
  for (int i = 0; i < value.size(); ++i) {
    std::uint32_t word = 0;
    std::memcpy(&word, bytes + 4 * i, sizeof(word));
    value.set_word(i, word);
  }
}

constexpr std::size_t image_bytes(const bool* /*type*/) { return 1; }
template <int kBits>
constexpr std::size_t image_bytes(const sc_dt::sc_bv<kBits>* /*type*/) {
  return (static_cast<std::size_t>(kBits) + 31) / 32 * 4;
}

// A port, the wire at it and the image of the wire. T is what the wire carries.
template <typename T>
class Wire {
 public:
  template <typename Port>
  explicit Wire(Port& port) {
    port(signal_);
  }
  sim::Pin pin() { return {image_.data(), image_.size()}; }
  void sample() { to_bytes(signal_.read(), image_.data()); }
  void drive() {
    T value{};
    from_bytes(image_.data(), value);
    signal_.write(value);
  }

 private:
  sc_core::sc_signal<T> signal_;
  std::array<std::uint8_t, image_bytes(static_cast<const T*>(nullptr))> image_{};
};

// clang-format off: release 14 moves the continuation lines on every run
#define SZT_INPUTS(X)          \
  X(rst_ni)                    \
  X(s_axil_awaddr)             \
  X(s_axil_awprot)             \
  X(s_axil_awvalid)            \
  X(s_axil_wdata)              \
  X(s_axil_wstrb)              \
  X(s_axil_wvalid)             \
  X(s_axil_bready)             \
  X(s_axil_araddr)             \
  X(s_axil_arprot)             \
  X(s_axil_arvalid)            \
  X(s_axil_rready)             \
  X(s_axis_codes_tvalid)       \
  X(s_axis_codes_tdata)        \
  X(s_axis_codes_tkeep)        \
  X(s_axis_codes_tlast)        \
  X(s_axis_activations_tvalid) \
  X(s_axis_activations_tdata)  \
  X(s_axis_activations_tkeep)  \
  X(s_axis_activations_tlast)  \
  X(m_axis_results_tready)

#define SZT_OUTPUTS(X)         \
  X(s_axil_awready)            \
  X(s_axil_wready)             \
  X(s_axil_bresp)              \
  X(s_axil_bvalid)             \
  X(s_axil_arready)            \
  X(s_axil_rdata)              \
  X(s_axil_rresp)              \
  X(s_axil_rvalid)             \
  X(s_axis_codes_tready)       \
  X(s_axis_activations_tready) \
  X(m_axis_results_tvalid)     \
  X(m_axis_results_tdata)      \
  X(m_axis_results_tkeep)      \
  X(m_axis_results_tlast)
// clang-format on

class VerilatedModule final : public RtlModule {
 public:
  VerilatedModule(sc_core::sc_clock& clock, sc_core::sc_out<bool>& irq) : top_("rtl") {
    top_.clk_i(clock);
    top_.irq_o(irq);
#define SZT_PIN(name) pins_.name = name##_.pin();
    SZT_INPUTS(SZT_PIN)
    SZT_OUTPUTS(SZT_PIN)
#undef SZT_PIN
  }
  ~VerilatedModule() override { top_.final(); }

  const sim::CorePins& pins() const override { return pins_; }
  void sample() override {
#define SZT_SAMPLE(name) name##_.sample();
    SZT_OUTPUTS(SZT_SAMPLE)
#undef SZT_SAMPLE
  }
  void drive() override {
#define SZT_DRIVE(name) name##_.drive();
    SZT_INPUTS(SZT_DRIVE)
#undef SZT_DRIVE
  }

 private:
  SZT_TOP top_;
#define SZT_WIRE(name) \
  Wire<typename std::remove_reference_t<decltype(SZT_TOP::name)>::data_type> name##_{top_.name};
  SZT_INPUTS(SZT_WIRE)
  SZT_OUTPUTS(SZT_WIRE)
#undef SZT_WIRE
  sim::CorePins pins_;
};

}  // namespace

std::unique_ptr<RtlModule> SZT_MAKE(sc_core::sc_clock& clock, sc_core::sc_out<bool>& irq) {
  return std::make_unique<VerilatedModule>(clock, irq);
}

}  // namespace szt::systemc
