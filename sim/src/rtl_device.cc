// SPDX-License-Identifier: Apache-2.0
// The simulated matmul_core as a Device: drivers and monitors of its command port and streams.
#include "szt/sim/rtl_device.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "queued_device.h"
#include "rtl_core.h"
#include "rtl_library.h"
#include "szt/error.h"
#include "szt/sim/stall.h"

namespace szt::sim {
namespace {

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

// Where the simulator writes its trace: a temporary beside the destination, renamed over it when
// the core is gone. (The simulator's writer would replace a device or a link, and reports nothing.)
class TraceFile {
 public:
  explicit TraceFile(const std::filesystem::path& path)
      : target_(std::filesystem::weakly_canonical(path)),
        temporary_(target_.string() + fmt::format(".part{}", getpid())) {
    if (std::filesystem::exists(target_) && !std::filesystem::is_regular_file(target_)) {
      throw InputError(
          fmt::format("{}: a trace needs a regular file; name another", path.string()));
    }
    if (!std::ofstream(temporary_)) {
      throw InputError(
          fmt::format("{}: cannot write the trace; name a writable file", path.string()));
    }
  }
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;
  // Also after a failure, when a trace is wanted most.
  ~TraceFile() {
    std::error_code ignored;  // check_trace() sees the outcome
    std::filesystem::rename(temporary_, target_, ignored);
  }
  const char* temporary() const { return temporary_.c_str(); }

 private:
  std::filesystem::path target_, temporary_;
};

class RtlDevice final : public QueuedDevice {
 public:
  RtlDevice(const Configuration& configuration, const RtlOptions& options)
      : QueuedDevice(configuration),
        trace_(options.trace.empty() ? nullptr : std::make_unique<TraceFile>(options.trace)),
        command_driver_(options.stalls.commands, options.stalls.seed * 4 + 0),
        code_driver_(options.stalls.codes, options.stalls.seed * 4 + 1),
        activation_driver_(options.stalls.activations, options.stalls.seed * 4 + 2),
        result_stalls_(options.stalls.results, options.stalls.seed * 4 + 3),
        held_result_(lanes_ * sizeof(std::int32_t)) {
    core_.reset(rtl_library(configuration)
                    .make(trace_ ? trace_->temporary() : nullptr, options.initial_state));
    pins_ = core_->pins();
    reset();
  }

  std::string_view name() const override { return "rtl"; }
  std::uint64_t advance(std::uint64_t max_cycles) override {
    std::uint64_t passed = 0;
    while (passed < max_cycles) {
      const std::size_t waiting = commands_.size();
      step();
      ++passed;
      if (commands_.size() < waiting) break;  // room for one more
      if (codes_.empty() || activations_.empty() || results_.size() >= kCapacity / 2) break;
    }
    return passed;
  }

  std::string describe() const override {
    return fmt::format(
        "cycle {}: command valid {} ready {} ({} wait, {} run); codes valid {} ready {} ({} beats "
        "wait); activations valid {} ready {} ({} beats wait); results valid {} ready {} ({} of {} "
        "beats of the command taken)",
        cycle_, static_cast<int>(command_driver_.offered()),
        static_cast<int>(pins_.cmd_ready_o.high()), commands_.size(), running_.size(),
        static_cast<int>(code_driver_.offered()),
        static_cast<int>(pins_.s_axis_codes_tready.high()), codes_.size(),
        static_cast<int>(activation_driver_.offered()),
        static_cast<int>(pins_.s_axis_activations_tready.high()), activations_.size(),
        static_cast<int>(pins_.m_axis_results_tvalid.high()),
        static_cast<int>(pins_.m_axis_results_tready.high()), command_results_,
        running_.empty() ? 0 : results_of(running_.front().command));
  }

 private:
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

  void reset() {
    pins_.clk_i.set(0);
    pins_.rst_ni.set(0);
    pins_.cmd_valid_i.set(0);
    pins_.s_axis_codes_tvalid.set(0);
    pins_.s_axis_activations_tvalid.set(0);
    pins_.m_axis_results_tready.set(0);
    core_->eval();
    for (int i = 0; i < kResetCycles; ++i) {
      clock();
      if (pins_.cmd_ready_o.high() || pins_.s_axis_codes_tready.high() ||
          pins_.s_axis_activations_tready.high() || pins_.m_axis_results_tvalid.high() ||
          pins_.busy_o.high() || pins_.done_o.high()) {
        fail("ready, valid or busy is high in reset");
      }
    }
    pins_.rst_ni.set(1);
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

  void step() {
    // What this cycle offers and accepts.
    bool fresh = false;
    pins_.cmd_valid_i.set(command_driver_.offer(!commands_.empty(), fresh));
    if (fresh) {
      pins_.cmd_m_i.set(commands_.front().m);
      pins_.cmd_k_tiles_i.set(commands_.front().k_tiles);
      pins_.cmd_n_tiles_i.set(commands_.front().n_tiles);
      pins_.cmd_mode_i.set(static_cast<std::uint64_t>(commands_.front().mode));
    }
    pins_.s_axis_codes_tvalid.set(code_driver_.offer(!codes_.empty(), fresh));
    if (fresh) {
      std::memcpy(pins_.s_axis_codes_tdata.bytes, codes_.front(), code_beat_bytes(configuration_));
      pins_.s_axis_codes_tlast.set(codes_.front_is_last());
    }
    pins_.s_axis_activations_tvalid.set(activation_driver_.offer(!activations_.empty(), fresh));
    if (fresh) {
      std::memcpy(pins_.s_axis_activations_tdata.bytes, activations_.front(),
                  activation_beat_bytes(configuration_));
      pins_.s_axis_activations_tlast.set(activations_.front_is_last());
    }
    pins_.m_axis_results_tready.set(!results_.full() && !result_stalls_.next());

    const bool command = pins_.cmd_valid_i.high() && pins_.cmd_ready_o.high();
    const bool code = pins_.s_axis_codes_tvalid.high() && pins_.s_axis_codes_tready.high();
    const bool activation =
        pins_.s_axis_activations_tvalid.high() && pins_.s_axis_activations_tready.high();
    const bool result = pins_.m_axis_results_tvalid.high() && pins_.m_axis_results_tready.high();
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

    if (pins_.done_o.high() != finished_) {
      fail(finished_ ? "done_o is low after a command's last result"
                     : "done_o without a last result");
    }
    finished_ = false;
    if (pins_.busy_o.high() != !running_.empty()) {
      fail(running_.empty() ? "busy_o is high without a command"
                            : "busy_o is low during a command");
    }
    last_errors_ += static_cast<std::uint64_t>(pins_.codes_last_error_o.high()) +
                    static_cast<std::uint64_t>(pins_.activations_last_error_o.high());
  }

  // A result once offered must stay, payload and all, until it is accepted.
  void check_result_held() {
    const std::uint8_t* const data = pins_.m_axis_results_tdata.bytes;
    if (result_held_) {
      if (!pins_.m_axis_results_tvalid.high()) fail("results TVALID fell before TREADY");
      if (std::memcmp(held_result_.data(), data, held_result_.size()) != 0 ||
          held_last_ != pins_.m_axis_results_tlast.high()) {
        fail("a result changed while it waited for TREADY");
      }
    }
    result_held_ = pins_.m_axis_results_tvalid.high() && !pins_.m_axis_results_tready.high();
    if (result_held_) {
      std::memcpy(held_result_.data(), data, held_result_.size());
      held_last_ = pins_.m_axis_results_tlast.high();
    }
  }

  void take_result() {
    if (running_.empty()) fail("a result without a command");
    const Command& command = running_.front().command;
    results_.push({pins_.m_axis_results_tdata.bytes, lanes_ * sizeof(std::int32_t)}, false);
    ++command_results_;
    const bool last = command_results_ % command.m == 0;
    if (pins_.m_axis_results_tlast.high() != last) {
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

  std::unique_ptr<TraceFile> trace_;  // outlives the core, which writes to it
  std::unique_ptr<RtlCore> core_;
  CorePins pins_;

  StreamDriver command_driver_, code_driver_, activation_driver_;
  StallGenerator result_stalls_;

  std::deque<Running> running_;        // accepted by the core, in order
  std::uint64_t command_results_ = 0;  // taken of the oldest command
  std::uint64_t previous_last_result_ = 0;
  bool finished_ = false;  // a command's last result was taken in this cycle
  bool result_held_ = false;
  bool held_last_ = false;
  std::vector<std::uint8_t> held_result_;
};

}  // namespace

// An FST file is a run of blocks, each a type byte and its length as eight big-endian bytes; see
// GTKWave's manual, "FST File Format".
void check_trace(const std::filesystem::path& path) {
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  std::uint64_t at = 0;
  bool changes = false, hierarchy = false;
  while (!error && file && at + 9 <= size) {
    std::array<unsigned char, 9> head{};
    file.seekg(static_cast<std::streamoff>(at));
    file.read(reinterpret_cast<char*>(head.data()), head.size());
    std::uint64_t length = 0;
    for (std::size_t i = 1; i < head.size(); ++i) length = length << 8 | head[i];
    if (!file || length == 0 || length > size) break;
    changes = changes || head[0] == 1 || head[0] == 5 || head[0] == 8;
    hierarchy = hierarchy || head[0] == 4 || head[0] == 6 || head[0] == 7;
    at += 1 + length;
  }
  if (error || at != size || !changes || !hierarchy) {
    throw InputError(fmt::format("{}: the trace is incomplete; is the disk full?", path.string()));
  }
}

std::unique_ptr<Device> make_rtl_device(const Configuration& configuration,
                                        const RtlOptions& options) {
  return std::make_unique<RtlDevice>(configuration, options);
}

}  // namespace szt::sim
