// SPDX-License-Identifier: Apache-2.0
#include "szt/systemc/rtl_target.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>
#include <vector>

#include "access.h"
#include "beat_fifo.h"
#include "bus.h"
#include "job.h"
#include "rtl_module.h"
#include "szt/error.h"
#include "szt/systemc/kernel.h"
#include "timed_model.h"

namespace szt::systemc {
namespace {

bool taken(const sim::Pin& valid, const sim::Pin& ready) { return valid.high() && ready.high(); }

// An input stream: offers the FIFO's first beat until it is taken.
class StreamSource {
 public:
  StreamSource(std::size_t beat_bytes, std::size_t capacity) : fifo_(beat_bytes, capacity) {}

  BeatFifo& fifo() { return fifo_; }
  void drive(const sim::Pin& valid, const sim::Pin& data, const sim::Pin& last) {
    valid.set(fifo_.empty() ? 0 : 1);
    if (offered_ || fifo_.empty()) return;
    const BeatFifo::Run beat = fifo_.front(1);
    std::memcpy(data.bytes, beat.bytes.data(), beat.bytes.size());
    last.set(beat.last ? 1 : 0);
    offered_ = true;
  }
  void take() {
    fifo_.pop(1);
    offered_ = false;
  }
  // A beat that is offered has to stay.
  void cancel() { fifo_.truncate(offered_ ? 1 : 0); }

 private:
  BeatFifo fifo_;
  bool offered_ = false;
};

}  // namespace

struct RtlTarget::Transactor {
  explicit Transactor(const Configuration& configuration)
      : codes(sim::code_beat_bytes(configuration), TimedModel::capacity(configuration)),
        activations(sim::activation_beat_bytes(configuration), TimedModel::capacity(configuration)),
        result_bytes(sim::result_beat_lanes(configuration) * sizeof(std::int32_t)),
        results(result_bytes, TimedModel::capacity(configuration)) {}

  std::unique_ptr<RtlModule> rtl;
  sim::BusManager bus{sim::StallPattern{}, 0};
  StreamSource codes, activations;
  std::size_t result_bytes;
  BeatFifo results;
  std::uint64_t falling_edges = 0;
};

RtlTarget::RtlTarget(const sc_core::sc_module_name& name, const Configuration& configuration,
                     const sc_core::sc_time& clock_period)
    : Target(name, configuration, clock_period),
      clock_("clock", clock_period, 0.5, sc_core::SC_ZERO_TIME, true),
      transactor_(std::make_unique<Transactor>(configuration)) {
  for (const RtlModuleEntry& entry : rtl_modules()) {
    if (entry.configuration == configuration.name) transactor_->rtl = entry.make(clock_, irq);
  }
  if (!transactor_->rtl) {
    throw InputError(fmt::format("this build has no SystemC RTL of configuration {} (only: {})",
                                 configuration.name, fmt::join(rtl_configurations(), ", ")));
  }
  transactor_->bus.connect(transactor_->rtl->pins());
  spawn_method("drive", {&clock_.negedge_event()}, [this] { drive(); });
  spawn_method("end_register_access", {&register_event_}, [this] { end_register_access(); });
}

RtlTarget::~RtlTarget() = default;

void RtlTarget::begin(Job& job) {
  if (job.access.region != Region::kRegister) {
    finish(job, access_window(job.access));
    return;
  }
  register_jobs_.push_back(&job);
  if (register_jobs_.size() == 1) start_register_access();
}

void RtlTarget::start_register_access() {
  const Access& access = register_jobs_.front()->access;
  if (access.write) {
    transactor_->bus.begin_write(access.address, access.word(), 0xF);
  } else {
    transactor_->bus.begin_read(access.address);
  }
}

void RtlTarget::end_register_access() {
  Job& job = *register_jobs_.front();
  const bool okay = transactor_->bus.okay();
  if (okay && !job.access.write) job.access.set_word(transactor_->bus.data());
  register_jobs_.pop_front();
  finish(job, okay ? tlm::TLM_OK_RESPONSE : register_error(job.access));
  if (!register_jobs_.empty()) start_register_access();
}

tlm::tlm_response_status RtlTarget::access_window(const Access& access) {
  Transactor& t = *transactor_;
  switch (access.region) {
    case Region::kCodeWindow:
    case Region::kActivationWindow: {
      BeatFifo& fifo = (access.region == Region::kCodeWindow ? t.codes : t.activations).fifo();
      if (access.beats > fifo.free()) return tlm::TLM_INCOMPLETE_RESPONSE;
      fifo.push(access.data, access.last, 0);
      return tlm::TLM_OK_RESPONSE;
    }
    case Region::kResultWindow: {
      if (access.beats > (peek_level(kResultsLevel) & kLevelBeats)) {
        return tlm::TLM_INCOMPLETE_RESPONSE;
      }
      for (std::size_t done = 0; done < access.beats;) {
        const BeatFifo::Run run = t.results.front(access.beats - done);
        std::memcpy(&access.data[done * t.result_bytes], run.bytes.data(), run.bytes.size());
        t.results.pop(run.beats);
        done += run.beats;
      }
      return tlm::TLM_OK_RESPONSE;
    }
    case Region::kLevelWord:
      if (!access.write) {
        access.set_word(peek_level(access.address));
      } else {
        (access.address == kCodesLevel ? t.codes : t.activations).cancel();
      }
      return tlm::TLM_OK_RESPONSE;
    case Region::kRegister:
      break;
  }
  return tlm::TLM_GENERIC_ERROR_RESPONSE;
}

std::optional<std::uint32_t> RtlTarget::peek_register(std::uint32_t /*address*/) {
  return std::nullopt;
}

std::uint32_t RtlTarget::peek_level(std::uint32_t address) {
  Transactor& t = *transactor_;
  if (address == kResultsLevel) {
    return static_cast<std::uint32_t>(t.results.packet()) | (t.results.has_last() ? kLevelLast : 0);
  }
  const BeatFifo& fifo = (address == kCodesLevel ? t.codes : t.activations).fifo();
  return static_cast<std::uint32_t>(fifo.free()) | (fifo.empty() ? kLevelEmpty : 0);
}

// At a falling edge: every output depends on registers alone, so that what is high together now is
// a handshake of the next rising edge.
void RtlTarget::drive() {
  Transactor& t = *transactor_;
  const sim::CorePins& pins = t.rtl->pins();
  ++t.falling_edges;
  if (t.falling_edges <= kResetCycles) {
    pins.rst_ni.set(t.falling_edges == kResetCycles ? 1 : 0);
    pins.s_axis_codes_tkeep.set(~std::uint64_t{0});
    pins.s_axis_activations_tkeep.set(~std::uint64_t{0});
    t.rtl->drive();
    return;
  }
  t.rtl->sample();
  t.bus.drive();
  t.codes.drive(pins.s_axis_codes_tvalid, pins.s_axis_codes_tdata, pins.s_axis_codes_tlast);
  t.activations.drive(pins.s_axis_activations_tvalid, pins.s_axis_activations_tdata,
                      pins.s_axis_activations_tlast);
  pins.m_axis_results_tready.set(t.results.free() != 0 ? 1 : 0);
  t.rtl->drive();

  if (t.bus.active()) {
    t.bus.sample();
    if (!t.bus.active()) register_event_.notify(clock_period() / 2);
  }
  if (taken(pins.s_axis_codes_tvalid, pins.s_axis_codes_tready)) t.codes.take();
  if (taken(pins.s_axis_activations_tvalid, pins.s_axis_activations_tready)) t.activations.take();
  if (taken(pins.m_axis_results_tvalid, pins.m_axis_results_tready)) {
    t.results.push({pins.m_axis_results_tdata.bytes, t.result_bytes},
                   pins.m_axis_results_tlast.high(), 0);
  }
}

}  // namespace szt::systemc
