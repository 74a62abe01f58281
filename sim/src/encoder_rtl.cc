// SPDX-License-Identifier: Apache-2.0
// The simulated szt_encoder_stream as an EncoderDevice: drives its pins, cycle by cycle. That what
// it offers stays until it is accepted is checked in the RTL (axis_checker, axil_checker).
#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <stdexcept>

#include "bus.h"
#include "encoder_core.h"
#include "encoder_queues.h"
#include "szt/error.h"
#include "szt/sim/device.h"

namespace szt::sim {
namespace {

bool taken(const Pin& valid, const Pin& ready) { return valid.high() && ready.high(); }

int bit(const Pin& pin) { return pin.high() ? 1 : 0; }

// The bus, as its manager wants it.
CorePins bus_pins(const EncoderPins& pins) {
  CorePins bus;
  bus.s_axil_awaddr = pins.s_axil_awaddr;
  bus.s_axil_awvalid = pins.s_axil_awvalid;
  bus.s_axil_awready = pins.s_axil_awready;
  bus.s_axil_wdata = pins.s_axil_wdata;
  bus.s_axil_wstrb = pins.s_axil_wstrb;
  bus.s_axil_wvalid = pins.s_axil_wvalid;
  bus.s_axil_wready = pins.s_axil_wready;
  bus.s_axil_bresp = pins.s_axil_bresp;
  bus.s_axil_bvalid = pins.s_axil_bvalid;
  bus.s_axil_bready = pins.s_axil_bready;
  bus.s_axil_araddr = pins.s_axil_araddr;
  bus.s_axil_arvalid = pins.s_axil_arvalid;
  bus.s_axil_arready = pins.s_axil_arready;
  bus.s_axil_rdata = pins.s_axil_rdata;
  bus.s_axil_rresp = pins.s_axil_rresp;
  bus.s_axil_rvalid = pins.s_axil_rvalid;
  bus.s_axil_rready = pins.s_axil_rready;
  return bus;
}

class EncoderRtl final : public QueuedEncoder {
 public:
  EncoderRtl(std::size_t lanes, const EncoderRtlOptions& options)
      : QueuedEncoder(lanes),
        core_(make_encoder_core(lanes, options.initial_state)),
        pins_(core_->pins()),
        bus_(options.bus, options.seed * 8),
        latents_source_(options.latents, options.seed * 8 + 5),
        codes_stalls_(options.codes, options.seed * 8 + 6) {
    bus_.connect(bus_pins(pins_));
    reset();
  }

  std::string_view name() const override { return "rtl"; }
  bool irq() const override { return pins_.irq_o.high(); }

  bool write_register(std::uint32_t address, std::uint32_t value) override {
    if (address >= kAddresses) return false;
    bus_.begin_write(address, value, 0xF);
    finish_transaction();
    return bus_.okay();
  }

  std::optional<std::uint32_t> read_register(std::uint32_t address) override {
    if (address >= kAddresses) return std::nullopt;
    bus_.begin_read(address);
    finish_transaction();
    if (!bus_.okay()) return std::nullopt;
    return bus_.data();
  }

  bool cancel_pushes() override {
    latents_.resize(latents_source_.offered() ? 1 : 0);
    return latents_.empty();
  }

  std::uint64_t advance(std::uint64_t max_cycles) override {
    std::uint64_t passed = 0;
    while (passed < max_cycles) {
      step();
      ++passed;
      if (latents_.empty() || codes_.size() >= kCapacity / 2) break;
    }
    return passed;
  }

  std::string describe() const override {
    return fmt::format(
        "cycle {}: {}; latents valid {} ready {} ({} beats wait); codes valid {} ready {} ({} "
        "beats "
        "held); irq {}",
        cycle_, bus_.describe(), bit(pins_.s_axis_latents_tvalid), bit(pins_.s_axis_latents_tready),
        latents_.size(), bit(pins_.m_axis_codes_tvalid), bit(pins_.m_axis_codes_tready),
        codes_.size(), bit(pins_.irq_o));
  }

 private:
  static constexpr int kResetCycles = 4;
  static constexpr int kBusTimeout = 100'000;  // cycles; stalls of any pattern are far shorter
  static constexpr std::uint32_t kAddresses = 256;

  [[noreturn]] void fail(const std::string& what) const {
    throw DeviceError(fmt::format("encoder RTL of {} lanes: {}; {}", lanes_, what, describe()));
  }

  void reset() {
    pins_.clk_i.set(0);
    pins_.rst_ni.set(0);
    for (const Pin& pin :
         {pins_.s_axil_awvalid, pins_.s_axil_wvalid, pins_.s_axil_bready, pins_.s_axil_arvalid,
          pins_.s_axil_rready, pins_.s_axis_latents_tvalid, pins_.m_axis_codes_tready}) {
      pin.set(0);
    }
    core_->eval();
    for (int i = 0; i < kResetCycles; ++i) {
      clock();
      for (const Pin& pin : {pins_.s_axil_awready, pins_.s_axil_wready, pins_.s_axil_bvalid,
                             pins_.s_axil_arready, pins_.s_axil_rvalid, pins_.s_axis_latents_tready,
                             pins_.m_axis_codes_tvalid, pins_.irq_o}) {
        if (pin.high()) fail("ready, valid or irq is high in reset");
      }
    }
    pins_.rst_ni.set(1);
    clock();  // AXI: nothing is valid before the first edge out of reset
  }

  // One clock cycle with the inputs as they stand. Inputs and the rising edge share an evaluation
  // because every output depends on state alone (the tests check that).
  void clock() {
    pins_.clk_i.set(1);
    try {
      core_->eval();
    } catch (const std::runtime_error& error) {  // a check inside the RTL
      fail(error.what());
    }
    pins_.clk_i.set(0);
    core_->eval();
    ++cycle_;
  }

  void finish_transaction() {
    const std::uint64_t start = cycle_;
    while (bus_.active()) {
      step();
      if (cycle_ - start > kBusTimeout) fail("a register access hangs");
    }
    bus_.drive();  // all idle again
  }

  void step() {
    // What this cycle offers and accepts.
    if (bus_.active()) bus_.drive();
    bool fresh = false;
    pins_.s_axis_latents_tvalid.set(latents_source_.offer(!latents_.empty(), fresh));
    if (fresh) offer(latents_.front());
    pins_.m_axis_codes_tready.set(codes_.size() < kCapacity && !codes_stalls_.next());

    if (bus_.active()) bus_.sample();
    if (taken(pins_.s_axis_latents_tvalid, pins_.s_axis_latents_tready)) {
      latents_.pop_front();
      latents_source_.accept();
    }
    if (taken(pins_.m_axis_codes_tvalid, pins_.m_axis_codes_tready)) take_codes();

    clock();
  }

  // Bytes that are not kept differ from call to call: nothing may depend on them.
  void offer(const LatentBeat& beat) {
    const Pin& data = pins_.s_axis_latents_tdata;
    const Pin& keep = pins_.s_axis_latents_tkeep;
    std::memset(data.bytes, ++filler_, latent_bytes());
    std::memcpy(data.bytes, beat.bytes.data(), beat.kept);
    std::memset(keep.bytes, 0, keep.size);
    for (std::size_t i = 0; i < beat.kept; ++i) {
      keep.bytes[i / 8] = static_cast<std::uint8_t>(keep.bytes[i / 8] | 1U << (i % 8));
    }
    pins_.s_axis_latents_tlast.set(beat.last);
  }

  void take_codes() {
    const std::uint64_t keep = pins_.m_axis_codes_tkeep.get();
    CodeBeat& beat = codes_.emplace_back();
    beat.last = pins_.m_axis_codes_tlast.high();
    beat.kept = static_cast<std::size_t>(std::popcount(keep));
    if (keep != (std::uint64_t{1} << beat.kept) - 1) fail("TKEEP of the codes has a gap");
    if (!beat.last && beat.kept != code_bytes()) fail("TKEEP of the codes is short before TLAST");
    std::memcpy(beat.bytes.data(), pins_.m_axis_codes_tdata.bytes, code_bytes());
    for (std::size_t i = beat.kept; i < code_bytes(); ++i) {
      if (beat.bytes[i] != 0) fail("a byte of codes that is not kept is not 0");
    }
  }

  std::unique_ptr<EncoderCore> core_;
  EncoderPins pins_;
  BusManager bus_;
  StreamSource latents_source_;
  StallGenerator codes_stalls_;
  std::uint8_t filler_ = 0;
};

}  // namespace

std::unique_ptr<EncoderCore> make_encoder_core(std::size_t lanes, std::uint64_t initial_state) {
  switch (lanes) {
    case 2:
      return make_encoder_core<2>(initial_state);
    case 4:
      return make_encoder_core<4>(initial_state);
    case 16:
      return make_encoder_core<16>(initial_state);
    default:
      throw InputError(
          fmt::format("the RTL of an encoder of {} lanes is not built: take 2, 4 or 16", lanes));
  }
}

std::unique_ptr<EncoderDevice> make_encoder_rtl(std::size_t lanes,
                                                const EncoderRtlOptions& options) {
  return std::make_unique<EncoderRtl>(lanes, options);
}

}  // namespace szt::sim
