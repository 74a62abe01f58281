// SPDX-License-Identifier: Apache-2.0
// The Verilated matmul_core as a Device: drivers and monitors of its command port and streams.
// Built once for each configuration, with the Verilated class as SZT_TOP.
#include <fmt/format.h>
#include <verilated.h>
#include <verilated_fst_c.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "beat_queue.h"
#include "rtl_library.h"
#include "szt/error.h"
#include "szt/sim/device.h"
#include "szt/sim/stall.h"
#include SZT_TOP_HEADER

namespace szt::sim {
namespace {

// A port of up to 64 bits takes the value.
template <typename Port, typename Value>
void set_port(Port& port, Value value) {
  port = static_cast<Port>(value);
}

// A port of any width is little-endian 32-bit words or one narrower integer.
template <typename Port>
void write_port(Port& port, const std::uint8_t* bytes, std::size_t count) {
  std::memcpy(&port, bytes, count);
}
template <typename Port>
const std::uint8_t* port_bytes(const Port& port) {
  return reinterpret_cast<const std::uint8_t*>(&port);
}

// A gap generator and the valid bit it shapes: an idle gap may come before a beat, never after the
// beat was offered.
class StreamDriver {
 public:
  StreamDriver(const StallPattern& pattern, std::uint64_t seed) : stalls_(pattern, seed) {}
  // Whether a beat is offered in this cycle; `fresh` if it was not yet in the last one.
  bool offer(bool waiting, bool& fresh) {
    fresh = false;
    if (!offered_ && waiting && !stalls_.next()) offered_ = fresh = true;
    return offered_;
  }
  void accept() { offered_ = false; }
  bool offered() const { return offered_; }

 private:
  StallGenerator stalls_;
  bool offered_ = false;
};

class VerilatedDevice final : public Device {
 public:
  VerilatedDevice(const Configuration& configuration, const RtlOptions& options)
      : configuration_(configuration),
        lanes_(result_beat_lanes(configuration)),
        command_driver_(options.stalls.commands, options.stalls.seed * 4 + 0),
        code_driver_(options.stalls.codes, options.stalls.seed * 4 + 1),
        activation_driver_(options.stalls.activations, options.stalls.seed * 4 + 2),
        result_stalls_(options.stalls.results, options.stalls.seed * 4 + 3),
        codes_(code_beat_bytes(configuration), kCapacity),
        activations_(activation_beat_bytes(configuration), kCapacity),
        results_(lanes_ * sizeof(std::int32_t), kCapacity),
        held_result_(lanes_ * sizeof(std::int32_t)) {
    if (options.initial_state != 0) {
      context_->randReset(2);
      context_->randSeed(static_cast<int>(options.initial_state));
    }
    context_->traceEverOn(!options.trace.empty());
    top_ = std::make_unique<SZT_TOP>(context_.get());
    if (!options.trace.empty()) open_trace(options.trace);
    reset();
  }

  ~VerilatedDevice() override {
    top_->final();
    if (trace_) trace_->close();
  }

  std::string_view name() const override { return "rtl"; }
  const Configuration& configuration() const override { return configuration_; }

  bool submit(const Command& command) override {
    check_command(configuration_, command);
    if (commands_.size() >= kCommandCapacity) return false;
    commands_.push_back(command);
    return true;
  }

  std::size_t push_codes(std::span<const std::uint8_t> beats, bool last) override {
    return codes_.push(beats, last);
  }

  std::size_t push_activations(std::span<const std::int8_t> beats, bool last) override {
    return activations_.push(
        {reinterpret_cast<const std::uint8_t*>(beats.data()), beats.size()}, last);
  }

  std::size_t pop_results(std::span<std::int32_t> lanes) override {
    std::size_t count = 0;
    for (; (count + 1) * lanes_ <= lanes.size() && !results_.empty(); ++count) {
      std::memcpy(&lanes[count * lanes_], results_.front(), lanes_ * sizeof(std::int32_t));
      results_.pop();
    }
    return count;
  }

  std::optional<CommandTiming> pop_timing() override {
    if (timings_.empty()) return std::nullopt;
    const CommandTiming timing = timings_.front();
    timings_.pop_front();
    return timing;
  }

  std::uint64_t advance(std::uint64_t max_cycles) override {
    std::uint64_t passed = 0;
    try {
      while (passed < max_cycles) {
        step();
        ++passed;
        if (codes_.empty() || activations_.empty() || results_.size() >= kCapacity / 2) break;
      }
    } catch (const DeviceError&) {
      throw;
    } catch (const std::runtime_error& error) {  // a check inside the RTL
      fail(error.what());
    }
    return passed;
  }

  std::uint64_t cycle() const override { return cycle_; }
  std::uint64_t handshakes() const override { return handshakes_; }
  std::uint64_t last_errors() const override { return last_errors_; }

  std::string describe() const override {
    return fmt::format(
        "cycle {}: command valid {} ready {} ({} wait, {} run); codes valid {} ready {} ({} beats "
        "wait); activations valid {} ready {} ({} beats wait); results valid {} ready {} ({} of {} "
        "beats of the command taken)",
        cycle_, static_cast<int>(command_driver_.offered()), static_cast<int>(top_->cmd_ready_o),
        commands_.size(), running_.size(), static_cast<int>(code_driver_.offered()),
        static_cast<int>(top_->s_axis_codes_tready), codes_.size(),
        static_cast<int>(activation_driver_.offered()),
        static_cast<int>(top_->s_axis_activations_tready), activations_.size(),
        static_cast<int>(top_->m_axis_results_tvalid),
        static_cast<int>(top_->m_axis_results_tready), command_results_,
        running_.empty() ? 0 : results_of(running_.front().command));
  }

 private:
  static constexpr std::size_t kCapacity = 2048;  // beats of a stream held for the core
  static constexpr std::size_t kCommandCapacity = 4;
  static constexpr int kResetCycles = 4;

  struct Running {
    Command command;
    std::uint64_t accepted;  // cycle of the command's handshake
  };

  static std::uint64_t results_of(const Command& command) {
    return static_cast<std::uint64_t>(command.m) * command.n_tiles;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw DeviceError(fmt::format("{} RTL: {}; {}", configuration_.name, what, describe()));
  }

  void open_trace(const std::filesystem::path& path) {
    // The trace writer does not report errors.
    if (!std::ofstream(path)) {
      throw InputError(fmt::format("{}: cannot write the trace; name a writable file", path.string()));
    }
    trace_ = std::make_unique<VerilatedFstC>();
    top_->trace(trace_.get(), 99);
    trace_->open(path.c_str());
  }

  void reset() {
    top_->clk_i = 0;
    top_->rst_ni = 0;
    top_->cmd_valid_i = 0;
    top_->s_axis_codes_tvalid = 0;
    top_->s_axis_activations_tvalid = 0;
    top_->m_axis_results_tready = 0;
    top_->eval();
    for (int i = 0; i < kResetCycles; ++i) {
      clock();
      if (top_->cmd_ready_o || top_->s_axis_codes_tready || top_->s_axis_activations_tready ||
          top_->m_axis_results_tvalid || top_->busy_o || top_->done_o) {
        fail("ready, valid or busy is high in reset");
      }
    }
    top_->rst_ni = 1;
  }

  // One clock cycle with the inputs as they stand. Inputs and the rising edge may share an
  // evaluation because every output depends on state alone (tests check that); a trace gets them
  // apart, so that it reads well.
  void clock() {
    if (trace_) {
      top_->eval();
      trace_->dump(10 * cycle_);
    }
    top_->clk_i = 1;
    top_->eval();
    if (trace_) trace_->dump(10 * cycle_ + 5);
    top_->clk_i = 0;
    if (!trace_) top_->eval();
    ++cycle_;
  }

  void step() {
    // What this cycle offers and accepts.
    bool fresh = false;
    top_->cmd_valid_i = command_driver_.offer(!commands_.empty(), fresh);
    if (fresh) {
      set_port(top_->cmd_m_i, commands_.front().m);
      top_->cmd_k_tiles_i = commands_.front().k_tiles;
      top_->cmd_n_tiles_i = commands_.front().n_tiles;
      set_port(top_->cmd_mode_i, commands_.front().mode);
    }
    top_->s_axis_codes_tvalid = code_driver_.offer(!codes_.empty(), fresh);
    if (fresh) {
      write_port(top_->s_axis_codes_tdata, codes_.front(), code_beat_bytes(configuration_));
      top_->s_axis_codes_tlast = codes_.front_is_last();
    }
    top_->s_axis_activations_tvalid = activation_driver_.offer(!activations_.empty(), fresh);
    if (fresh) {
      write_port(top_->s_axis_activations_tdata, activations_.front(),
                 activation_beat_bytes(configuration_));
      top_->s_axis_activations_tlast = activations_.front_is_last();
    }
    top_->m_axis_results_tready = !results_.full() && !result_stalls_.next();

    const bool command = top_->cmd_valid_i && top_->cmd_ready_o;
    const bool code = top_->s_axis_codes_tvalid && top_->s_axis_codes_tready;
    const bool activation = top_->s_axis_activations_tvalid && top_->s_axis_activations_tready;
    const bool result = top_->m_axis_results_tvalid && top_->m_axis_results_tready;
    check_result_held();
    if (code) {
      codes_.pop();
      code_driver_.accept();
    }
    if (activation) {
      activations_.pop();
      activation_driver_.accept();
    }
    if (result) take_result();
    if (command) {
      running_.push_back({commands_.front(), cycle_});
      commands_.pop_front();
      command_driver_.accept();
    }
    handshakes_ += static_cast<std::uint64_t>(command) + static_cast<std::uint64_t>(code) +
                   static_cast<std::uint64_t>(activation) + static_cast<std::uint64_t>(result);

    clock();

    if (static_cast<bool>(top_->done_o) != finished_) {
      fail(finished_ ? "done_o is low after a command's last result" : "done_o without a last result");
    }
    finished_ = false;
    if (static_cast<bool>(top_->busy_o) != !running_.empty()) {
      fail(running_.empty() ? "busy_o is high without a command" : "busy_o is low during a command");
    }
    last_errors_ += static_cast<std::uint64_t>(top_->codes_last_error_o) +
                    static_cast<std::uint64_t>(top_->activations_last_error_o);
  }

  // A result once offered must stay, payload and all, until it is accepted.
  void check_result_held() {
    const std::uint8_t* const data = port_bytes(top_->m_axis_results_tdata);
    if (result_held_) {
      if (!top_->m_axis_results_tvalid) fail("results TVALID fell before TREADY");
      if (std::memcmp(held_result_.data(), data, held_result_.size()) != 0 ||
          held_last_ != static_cast<bool>(top_->m_axis_results_tlast)) {
        fail("a result changed while it waited for TREADY");
      }
    }
    result_held_ = top_->m_axis_results_tvalid && !top_->m_axis_results_tready;
    if (result_held_) {
      std::memcpy(held_result_.data(), data, held_result_.size());
      held_last_ = top_->m_axis_results_tlast;
    }
  }

  void take_result() {
    if (running_.empty()) fail("a result without a command");
    const Command& command = running_.front().command;
    results_.push({port_bytes(top_->m_axis_results_tdata), lanes_ * sizeof(std::int32_t)}, false);
    ++command_results_;
    const bool last = command_results_ % command.m == 0;
    if (static_cast<bool>(top_->m_axis_results_tlast) != last) {
      fail(last ? "TLAST is missing on the last result of an N tile"
                : "TLAST on a result that does not end an N tile");
    }
    if (command_results_ < results_of(command)) return;
    timings_.push_back(
        {command, cycle_ - std::max(running_.front().accepted, previous_last_result_)});
    previous_last_result_ = cycle_;
    command_results_ = 0;
    running_.pop_front();
    finished_ = true;
  }

  Configuration configuration_;
  std::size_t lanes_;
  std::unique_ptr<VerilatedContext> context_ = std::make_unique<VerilatedContext>();
  std::unique_ptr<SZT_TOP> top_;
  std::unique_ptr<VerilatedFstC> trace_;

  StreamDriver command_driver_, code_driver_, activation_driver_;
  StallGenerator result_stalls_;

  std::deque<Command> commands_;  // not yet accepted by the core
  std::deque<Running> running_;   // accepted, in order
  BeatQueue codes_, activations_, results_;
  std::deque<CommandTiming> timings_;

  std::uint64_t cycle_ = 0;
  std::uint64_t handshakes_ = 0;
  std::uint64_t last_errors_ = 0;
  std::uint64_t command_results_ = 0;  // taken of the oldest command
  std::uint64_t previous_last_result_ = 0;
  bool finished_ = false;  // a command's last result was taken in this cycle
  bool result_held_ = false;
  bool held_last_ = false;
  std::vector<std::uint8_t> held_result_;
};

}  // namespace
}  // namespace szt::sim

szt::sim::Device* szt_make_rtl_device(const szt::Configuration* configuration,
                                      const szt::sim::RtlOptions* options) {
  return new szt::sim::VerilatedDevice(*configuration, *options);
}

const char* szt_rtl_simulator() { return SZT_SIMULATOR; }
