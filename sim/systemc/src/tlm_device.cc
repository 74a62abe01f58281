// SPDX-License-Identifier: Apache-2.0
// A ModelTarget, an initiator and a kernel of their own as a szt::sim::Device.
#include <fmt/format.h>
#include <tlm_utils/simple_initiator_socket.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <systemc>
#include <tlm>
#include <utility>

#include "szt/sim/device.h"
#include "szt/systemc/address_map.h"
#include "szt/systemc/kernel.h"
#include "szt/systemc/model_target.h"
#include "tlm_library.h"

namespace szt::systemc {
namespace {

using sim::DeviceError;

// Carries out one request at a time from outside the simulation, in a thread of its own inside it.
class Initiator : public sc_core::sc_module {
 public:
  tlm_utils::simple_initiator_socket<Initiator> socket{"socket"};
  sc_core::sc_in<bool> irq{"irq"};

  explicit Initiator(const sc_core::sc_module_name& name) : sc_module(name) {
    spawn_thread("serve", [this] { serve(); });
  }

  // A transaction as the blocking interface has it; its time has passed on return.
  tlm::tlm_response_status transport(tlm::tlm_command command, std::uint64_t address,
                                     std::span<std::uint8_t> data) {
    payload_.set_command(command);
    payload_.set_address(address);
    payload_.set_data_ptr(data.data());
    payload_.set_data_length(static_cast<unsigned>(data.size()));
    payload_.set_streaming_width(static_cast<unsigned>(data.size()));
    payload_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    failure_ = nullptr;
    done_ = false;
    request_.notify(sc_core::SC_ZERO_TIME);
    run_for(sc_core::sc_max_time() - sc_core::sc_time_stamp());
    if (failure_ != nullptr) std::rethrow_exception(failure_);
    if (!done_) throw DeviceError("the SystemC kernel came back without an answer");
    return payload_.get_response_status();
  }

  std::uint32_t debug_read(std::uint64_t address) {
    std::uint8_t bytes[4] = {};
    tlm::tlm_generic_payload payload;
    payload.set_read();
    payload.set_address(address);
    payload.set_data_ptr(bytes);
    payload.set_data_length(sizeof(bytes));
    payload.set_streaming_width(sizeof(bytes));
    if (socket->transport_dbg(payload) != sizeof(bytes)) {
      throw DeviceError(fmt::format("the model refuses to show address {:#x}", address));
    }
    return std::uint32_t{bytes[0]} | std::uint32_t{bytes[1]} << 8 | std::uint32_t{bytes[2]} << 16 |
           std::uint32_t{bytes[3]} << 24;
  }

 private:
  void serve() {
    while (true) {
      sc_core::wait(request_);
      sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
      try {
        socket->b_transport(payload_, delay);
      } catch (...) {  // kept from the kernel, which would not start again
        failure_ = std::current_exception();
      }
      if (delay != sc_core::SC_ZERO_TIME) sc_core::wait(delay);
      done_ = true;
      sc_core::sc_pause();
    }
  }

  tlm::tlm_generic_payload payload_;
  sc_core::sc_event request_;
  std::exception_ptr failure_;
  bool done_ = false;
};

struct Bench {
  explicit Bench(const Configuration& configuration)
      : target("target", configuration, sc_core::sc_time(10, sc_core::SC_NS)) {
    initiator.socket.bind(target.socket);
    initiator.irq(irq);
    target.irq(irq);
    // Up to the edge from which on transactions begin.
    run_for(target.clock_period() * static_cast<double>(Target::kResetCycles));
  }

  sc_core::sc_signal<bool> irq{"irq"};
  Initiator initiator{"initiator"};
  ModelTarget target;
};

class TlmDevice final : public sim::Device {
 public:
  explicit TlmDevice(const Configuration& configuration) : configuration_(configuration) {
    guarded([&] { bench_ = std::make_unique<Bench>(configuration); });
  }
  ~TlmDevice() override {
    const Kernel::Use use(kernel_);
    kernel_.end();
    bench_.reset();
  }

  std::string_view name() const override { return "tlm"; }
  const Configuration& configuration() const override { return configuration_; }

  bool write_register(std::uint32_t address, std::uint32_t value) override {
    std::uint8_t bytes[4];
    for (std::size_t i = 0; i < sizeof(bytes); ++i) {
      bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
    }
    return access_register(tlm::TLM_WRITE_COMMAND, address, bytes);
  }

  std::optional<std::uint32_t> read_register(std::uint32_t address) override {
    std::uint8_t bytes[4] = {};
    if (!access_register(tlm::TLM_READ_COMMAND, address, bytes)) return std::nullopt;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < sizeof(bytes); ++i) value |= std::uint32_t{bytes[i]} << (8 * i);
    return value;
  }

  bool irq() const override { return bench_->irq.read(); }

  std::size_t push_codes(std::span<const std::uint8_t> beats, bool last) override {
    return push(kCodes, kCodesLevel, sim::code_beat_bytes(configuration_), beats, last);
  }
  std::size_t push_activations(std::span<const std::int8_t> beats, bool last) override {
    return push(kActivations, kActivationsLevel, sim::activation_beat_bytes(configuration_),
                {reinterpret_cast<const std::uint8_t*>(beats.data()), beats.size()}, last);
  }

  bool cancel_pushes() override {
    std::uint8_t bytes[4] = {};
    bool empty = true;
    for (const std::uint64_t level : {kCodesLevel, kActivationsLevel}) {
      guarded([&] {
        check(bench_->initiator.transport(tlm::TLM_WRITE_COMMAND, level, bytes), level);
        empty = empty && (bench_->initiator.debug_read(level) & kLevelEmpty) != 0;
      });
    }
    return empty;
  }

  sim::Popped pop_results(std::span<std::int32_t> lanes) override {
    sim::Popped popped;
    guarded([&] {
      const std::size_t beat_lanes = sim::result_beat_lanes(configuration_);
      const std::size_t most = kWindowSize / (beat_lanes * sizeof(std::int32_t));
      std::uint32_t level = bench_->initiator.debug_read(kResultsLevel);
      while (!popped.last && (level & kLevelBeats) != 0) {
        const std::size_t beats = std::min<std::size_t>(
            {level & kLevelBeats, lanes.size() / beat_lanes - popped.beats, most});
        if (beats == 0) break;
        popped.last = (level & kLevelLast) != 0 && beats == (level & kLevelBeats);
        auto* const bytes =
            reinterpret_cast<std::uint8_t*>(lanes.data() + popped.beats * beat_lanes);
        check(bench_->initiator.transport(tlm::TLM_READ_COMMAND, kResults,
                                          {bytes, beats * beat_lanes * sizeof(std::int32_t)}),
              kResults);
        popped.beats += beats;
        level = bench_->initiator.debug_read(kResultsLevel);
      }
      if (popped.beats != 0) popped.cycle = bench_->target.last_read_edge() - 1;
    });
    return popped;
  }

  std::uint64_t advance(std::uint64_t max_cycles) override {
    std::uint64_t cycles = 0;
    guarded([&] {
      const std::uint64_t most = irq() ? 1 : std::max<std::uint64_t>(max_cycles, 1);
      cycles = bench_->target.cycles_to_attention(most);
      run_for(bench_->target.clock_period() * static_cast<double>(cycles));
    });
    return cycles;
  }

  std::uint64_t cycle() const override {
    const Kernel::Use use(kernel_);
    return sc_core::sc_time_stamp().value() / bench_->target.clock_period().value();
  }

  std::string describe() const override { return bench_->target.describe(); }

 private:
  // What SystemC reports as an error becomes ours.
  template <typename Function>
  void guarded(Function function) const {
    const Kernel::Use use(kernel_);
    try {
      function();
    } catch (const sc_core::sc_report& report) {
      throw DeviceError(fmt::format("SystemC: {}: {}", report.get_msg_type(), report.get_msg()));
    }
  }

  static void check(tlm::tlm_response_status status, std::uint64_t address) {
    if (status == tlm::TLM_OK_RESPONSE) return;
    tlm::tlm_generic_payload payload;
    payload.set_response_status(status);
    throw DeviceError(fmt::format("the model answers {} at address {:#x}",
                                  payload.get_response_string(), address));
  }

  bool access_register(tlm::tlm_command command, std::uint32_t address,
                       std::span<std::uint8_t> bytes) {
    tlm::tlm_response_status status = tlm::TLM_INCOMPLETE_RESPONSE;
    // As on the bus of the RTL: eight address bits, of which the two low ones are ignored.
    const std::uint64_t place = kRegisters + (address & (kRegistersSize - 4));
    guarded([&] { status = bench_->initiator.transport(command, place, bytes); });
    if (status == tlm::TLM_ADDRESS_ERROR_RESPONSE || status == tlm::TLM_COMMAND_ERROR_RESPONSE) {
      return false;
    }
    check(status, place);
    return true;
  }

  std::size_t push(std::uint64_t window, std::uint64_t level, std::size_t beat_bytes,
                   std::span<const std::uint8_t> bytes, bool last) {
    const std::size_t offered = bytes.size() / beat_bytes;
    std::size_t pushed = 0;
    guarded([&] {
      const std::size_t fit =
          std::min<std::size_t>(offered, bench_->initiator.debug_read(level) & kLevelBeats);
      while (pushed < fit) {
        const std::size_t beats = std::min(fit - pushed, kWindowSize / beat_bytes);
        const bool ends = last && pushed + beats == offered;
        // A write only reads the data.
        auto* const data = const_cast<std::uint8_t*>(bytes.data()) + pushed * beat_bytes;
        check(bench_->initiator.transport(tlm::TLM_WRITE_COMMAND, window + (ends ? kLast : 0),
                                          {data, beats * beat_bytes}),
              window);
        pushed += beats;
      }
    });
    return pushed;
  }

  const Configuration configuration_;
  Kernel kernel_;
  std::unique_ptr<Bench> bench_;
};

}  // namespace
}  // namespace szt::systemc

szt::sim::Device* szt_make_tlm_device(const szt::Configuration& configuration) {
  return new szt::systemc::TlmDevice(configuration);
}
