// SPDX-License-Identifier: Apache-2.0
// The simulated szt_matmul as a Device: drives its pins, cycle by cycle.
#include "szt/sim/rtl_device.h"

#include <fmt/format.h>

#include <cstring>
#include <deque>
#include <memory>
#include <string>

#include "bus.h"
#include "queued_device.h"
#include "rtl_core.h"
#include "rtl_library.h"
#include "szt/sim/stall.h"
#include "trace_file.h"

namespace szt::sim {
namespace {

bool taken(const Pin& valid, const Pin& ready) { return valid.high() && ready.high(); }

int bit(const Pin& pin) { return pin.high() ? 1 : 0; }

// TKEEP of so many bytes, at most 64.
std::uint64_t all_bytes(std::size_t bytes) { return ~std::uint64_t{0} >> (64 - bytes); }

// TKEEP of the beats in a queue.
class KeepQueue {
 public:
  void push(std::size_t beats, std::uint64_t keep) {
    if (beats == 0) return;
    if (runs_.empty() || runs_.back().keep != keep) runs_.push_back({0, keep});
    runs_.back().beats += beats;
  }
  std::uint64_t front() const { return runs_.front().keep; }
  void pop() {
    if (--runs_.front().beats == 0) runs_.pop_front();
  }
  // Forgets all, or all but the first.
  void truncate(bool first_stays) {
    const std::uint64_t keep = first_stays ? front() : 0;
    runs_.clear();
    push(first_stays ? 1 : 0, keep);
  }

 private:
  struct Run {
    std::size_t beats;
    std::uint64_t keep;
  };
  std::deque<Run> runs_;
};

class VerilatedDevice final : public QueuedDevice<RtlDevice> {
 public:
  VerilatedDevice(const Configuration& configuration, const RtlOptions& options)
      : QueuedDevice(configuration),
        trace_(options.trace.empty() ? nullptr : std::make_unique<TraceFile>(options.trace)),
        bus_(options.stalls.bus, options.stalls.seed * 8),
        code_source_(options.stalls.codes, options.stalls.seed * 8 + 5),
        activation_source_(options.stalls.activations, options.stalls.seed * 8 + 6),
        result_stalls_(options.stalls.results, options.stalls.seed * 8 + 7) {
    core_.reset(rtl_library(configuration)
                    .make(trace_ ? trace_->temporary() : nullptr, options.initial_state));
    pins_ = core_->pins();
    bus_.connect(pins_);
    set_keep(~std::uint64_t{0}, ~std::uint64_t{0});
    reset();
  }

  std::string_view name() const override { return "rtl"; }

  bool write_register(std::uint32_t address, std::uint32_t value) override {
    return write_register_bytes(address, value, 0xF);
  }

  bool write_register_bytes(std::uint32_t address, std::uint32_t value, unsigned bytes) override {
    bus_.begin_write(address, value, bytes);
    finish_transaction();
    return bus_.okay();
  }

  std::optional<std::uint32_t> read_register(std::uint32_t address) override {
    bus_.begin_read(address);
    finish_transaction();
    if (!bus_.okay()) return std::nullopt;
    return bus_.data();
  }

  bool irq() const override { return pins_.irq_o.high(); }

  std::size_t push_codes(std::span<const std::uint8_t> beats, bool last) override {
    const std::size_t taken = QueuedDevice::push_codes(beats, last);
    code_keeps_.push(taken, codes_keep_);
    return taken;
  }

  std::size_t push_activations(std::span<const std::int8_t> beats, bool last) override {
    const std::size_t taken = QueuedDevice::push_activations(beats, last);
    activation_keeps_.push(taken, activations_keep_);
    return taken;
  }

  bool cancel_pushes() override {
    codes_.truncate(code_source_.offered() ? 1 : 0);
    code_keeps_.truncate(code_source_.offered());
    activations_.truncate(activation_source_.offered() ? 1 : 0);
    activation_keeps_.truncate(activation_source_.offered());
    return codes_.empty() && activations_.empty();
  }

  std::uint64_t advance(std::uint64_t max_cycles) override {
    std::uint64_t passed = 0;
    while (passed < max_cycles) {
      step();
      ++passed;
      if (irq() || codes_.empty() || activations_.empty() || results_.size() >= kCapacity / 2) {
        break;
      }
    }
    return passed;
  }

  void set_keep(std::uint64_t codes, std::uint64_t activations) override {
    codes_keep_ = codes & all_bytes(code_beat_bytes(configuration_));
    activations_keep_ = activations & all_bytes(activation_beat_bytes(configuration_));
  }

  std::uint64_t handshakes() const override { return handshakes_; }
  const StreamStallCounts& stall_counts() const override { return stall_counts_; }

  std::optional<StreamStates> stream_states() const override {
    const auto state = [](const Pin& valid, const Pin& ready) {
      return Handshake{valid.high(), ready.high()};
    };
    return StreamStates{
        .codes = state(pins_.s_axis_codes_tvalid, pins_.s_axis_codes_tready),
        .activations = state(pins_.s_axis_activations_tvalid, pins_.s_axis_activations_tready),
        .results = state(pins_.m_axis_results_tvalid, pins_.m_axis_results_tready)};
  }

  std::string describe() const override {
    return fmt::format(
        "cycle {}: {}; codes valid {} ready {} ({} beats wait); activations valid {} ready {} ({} "
        "beats wait); results valid {} ready {} ({} beats taken)",
        cycle_, bus_.describe(), bit(pins_.s_axis_codes_tvalid), bit(pins_.s_axis_codes_tready),
        codes_.size(), bit(pins_.s_axis_activations_tvalid), bit(pins_.s_axis_activations_tready),
        activations_.size(), bit(pins_.m_axis_results_tvalid), bit(pins_.m_axis_results_tready),
        results_taken_);
  }

 private:
  static constexpr int kResetCycles = 4;
  static constexpr int kBusTimeout = 100'000;  // cycles; stalls of any pattern are far shorter

  [[noreturn]] void fail(const std::string& what) const {
    throw DeviceError(fmt::format("{} RTL: {}; {}", configuration_.name, what, describe()));
  }

  void reset() {
    pins_.clk_i.set(0);
    pins_.rst_ni.set(0);
    for (const Pin& pin : {pins_.s_axil_awvalid, pins_.s_axil_wvalid, pins_.s_axil_bready,
                           pins_.s_axil_arvalid, pins_.s_axil_rready, pins_.s_axis_codes_tvalid,
                           pins_.s_axis_activations_tvalid, pins_.m_axis_results_tready}) {
      pin.set(0);
    }
    core_->eval();
    for (int i = 0; i < kResetCycles; ++i) {
      clock();
      for (const Pin& pin :
           {pins_.s_axil_awready, pins_.s_axil_wready, pins_.s_axil_bvalid, pins_.s_axil_arready,
            pins_.s_axil_rvalid, pins_.s_axis_codes_tready, pins_.s_axis_activations_tready,
            pins_.m_axis_results_tvalid, pins_.irq_o}) {
        if (pin.high()) fail("ready, valid or irq is high in reset");
      }
    }
    pins_.rst_ni.set(1);
    clock();  // AXI: nothing is valid before the first edge out of reset
  }

  // One clock cycle with the inputs as they stand. Inputs and the rising edge may share an
  // evaluation because every output depends on state alone (tests check that); a trace gets them
  // apart, so that it reads well.
  void clock() {
    if (trace_) {
      core_->eval();
      core_->dump(10 * cycle_);
    }
    pins_.clk_i.set(1);
    try {
      core_->eval();
    } catch (const std::runtime_error& error) {  // a check inside the RTL
      fail(error.what());
    }
    if (trace_) core_->dump(10 * cycle_ + 5);
    pins_.clk_i.set(0);
    if (!trace_) core_->eval();
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
    pins_.s_axis_codes_tvalid.set(code_source_.offer(!codes_.empty(), fresh));
    if (fresh) {
      std::memcpy(pins_.s_axis_codes_tdata.bytes, codes_.front(), code_beat_bytes(configuration_));
      pins_.s_axis_codes_tkeep.set(code_keeps_.front());
      pins_.s_axis_codes_tlast.set(codes_.front_is_last());
    }
    pins_.s_axis_activations_tvalid.set(activation_source_.offer(!activations_.empty(), fresh));
    if (fresh) {
      std::memcpy(pins_.s_axis_activations_tdata.bytes, activations_.front(),
                  activation_beat_bytes(configuration_));
      pins_.s_axis_activations_tkeep.set(activation_keeps_.front());
      pins_.s_axis_activations_tlast.set(activations_.front_is_last());
    }
    pins_.m_axis_results_tready.set(!results_.full() && !result_stalls_.next());

    if (bus_.active()) handshakes_ += bus_.sample();
    if (taken(pins_.s_axis_codes_tvalid, pins_.s_axis_codes_tready)) {
      codes_.pop();
      code_keeps_.pop();
      code_source_.accept();
      ++handshakes_;
    } else if (pins_.s_axis_codes_tready.high()) {
      ++stall_counts_.codes;
    }
    if (taken(pins_.s_axis_activations_tvalid, pins_.s_axis_activations_tready)) {
      activations_.pop();
      activation_keeps_.pop();
      activation_source_.accept();
      ++handshakes_;
    } else if (pins_.s_axis_activations_tready.high()) {
      ++stall_counts_.activations;
    }
    if (taken(pins_.m_axis_results_tvalid, pins_.m_axis_results_tready)) {
      push_result(pins_.m_axis_results_tdata.bytes, pins_.m_axis_results_tlast.high());
      ++results_taken_;
      ++handshakes_;
    } else if (pins_.m_axis_results_tvalid.high()) {
      ++stall_counts_.results;
    }
    clock();
  }

  std::unique_ptr<TraceFile> trace_;  // outlives the core, which writes to it
  std::unique_ptr<RtlCore> core_;
  CorePins pins_;

  BusManager bus_;
  StreamSource code_source_, activation_source_;
  StallGenerator result_stalls_;
  std::uint64_t codes_keep_ = 0, activations_keep_ = 0;  // of the next pushes
  KeepQueue code_keeps_, activation_keeps_;

  std::uint64_t handshakes_ = 0;
  std::uint64_t results_taken_ = 0;
  StreamStallCounts stall_counts_;
};

}  // namespace

std::unique_ptr<RtlDevice> make_rtl_device(const Configuration& configuration,
                                           const RtlOptions& options) {
  return std::make_unique<VerilatedDevice>(configuration, options);
}

}  // namespace szt::sim
