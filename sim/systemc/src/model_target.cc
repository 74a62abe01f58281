// SPDX-License-Identifier: Apache-2.0
#include "szt/systemc/model_target.h"

#include <algorithm>

#include "access.h"
#include "job.h"
#include "szt/systemc/kernel.h"
#include "timed_model.h"

namespace szt::systemc {
namespace {

// From the begin of a register access to the edge after which a read sees the registers, and at
// which a write changes them.
constexpr std::uint64_t kReadCycles = 1;
constexpr std::uint64_t kWriteCycles = 2;

std::uint64_t cycles_to_effect(const Access& access) {
  return access.write ? kWriteCycles : kReadCycles;
}

}  // namespace

ModelTarget::ModelTarget(const sc_core::sc_module_name& name, const Configuration& configuration,
                         const sc_core::sc_time& clock_period)
    : Target(name, configuration, clock_period),
      timed_(std::make_unique<TimedModel>(configuration)) {
  spawn_method("step_register", {&register_event_}, [this] { step_register(); });
  spawn_method("tick", {&tick_event_}, [this] { tick(); });
}

ModelTarget::~ModelTarget() = default;

std::string ModelTarget::describe() const { return timed_->describe(); }

tlm::tlm_response_status ModelTarget::access_register(const Access& access, std::uint64_t edge) {
  if (access.write) {
    if (!timed_->write_register(edge, access.address, access.word())) return register_error(access);
    return tlm::TLM_OK_RESPONSE;
  }
  const std::optional<std::uint32_t> value = timed_->read_register(edge, access.address);
  if (!value) return register_error(access);
  access.set_word(*value);
  return tlm::TLM_OK_RESPONSE;
}

tlm::tlm_response_status ModelTarget::access_window(const Access& access, std::uint64_t edge) {
  const TimedCore& core = timed_->core();
  switch (access.region) {
    case Region::kCodeWindow:
      timed_->run_to(edge);
      if (access.beats > core.capacity() - core.codes()) return tlm::TLM_INCOMPLETE_RESPONSE;
      timed_->push_codes(edge, access.data, access.last);
      return tlm::TLM_OK_RESPONSE;
    case Region::kActivationWindow:
      timed_->run_to(edge);
      if (access.beats > core.capacity() - core.activations()) return tlm::TLM_INCOMPLETE_RESPONSE;
      timed_->push_activations(edge, access.data, access.last);
      return tlm::TLM_OK_RESPONSE;
    case Region::kResultWindow:
      timed_->run_to(edge);
      if (access.beats > core.results_level().beats) return tlm::TLM_INCOMPLETE_RESPONSE;
      last_read_edge_ = timed_->pop_results(edge, access.data);
      return tlm::TLM_OK_RESPONSE;
    case Region::kLevelWord:
      if (!access.write) {
        access.set_word(level(access.address, edge));
      } else if (access.address == kCodesLevel) {
        timed_->cancel_codes(edge);
      } else {
        timed_->cancel_activations(edge);
      }
      return tlm::TLM_OK_RESPONSE;
    case Region::kRegister:
      break;
  }
  return tlm::TLM_GENERIC_ERROR_RESPONSE;
}

std::uint32_t ModelTarget::level(std::uint32_t address, std::uint64_t edge) {
  timed_->run_to(edge);
  const TimedCore& core = timed_->core();
  if (address == kResultsLevel) {
    const TimedCore::Level results = core.results_level();
    return static_cast<std::uint32_t>(results.beats) | (results.last ? kLevelLast : 0);
  }
  const std::size_t beats = address == kCodesLevel ? core.codes() : core.activations();
  return static_cast<std::uint32_t>(core.capacity() - beats) | (beats == 0 ? kLevelEmpty : 0);
}

void ModelTarget::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  const sc_core::sc_time now = sc_core::sc_time_stamp();
  const std::uint64_t edge = edge_at(now + delay);
  Access access;
  tlm::tlm_response_status response = parse(payload, configuration(), access);
  std::uint64_t end = edge + 1;
  if (response == tlm::TLM_OK_RESPONSE) {
    if (access.region == Region::kRegister) {
      const std::uint64_t start = std::max(edge, bus_free_);
      response = access_register(access, start + cycles_to_effect(access));
      end = bus_free_ = std::max(start + kRegisterCycles, timed_->now());
    } else {
      response = access_window(access, edge);
      end = std::max(edge, timed_->now()) + extra_cycles(access, response);
    }
  }
  payload.set_response_status(response);
  delay = time_of(end) - now;
  schedule_tick();
}

void ModelTarget::begin(Job& job) {
  if (job.access.region == Region::kRegister) {
    register_jobs_.push_back(&job);
    if (register_jobs_.size() == 1) step_register();
    return;
  }
  const tlm::tlm_response_status response = access_window(job.access, now_edge());
  schedule_tick();
  finish(job, response);
}

void ModelTarget::step_register() {
  Job& job = *register_jobs_.front();
  const std::uint64_t to_effect = cycles_to_effect(job.access);
  switch (stage_) {
    case Stage::kStart:
      stage_ = Stage::kCarryOut;
      register_event_.notify(time_of(to_effect));
      return;
    case Stage::kCarryOut:
      register_response_ = access_register(job.access, now_edge());
      schedule_tick();
      stage_ = Stage::kEnd;
      register_event_.notify(time_of(kRegisterCycles - to_effect));
      return;
    case Stage::kEnd:
      stage_ = Stage::kStart;
      register_jobs_.pop_front();
      finish(job, register_response_);
      if (!register_jobs_.empty()) step_register();
      return;
  }
}

std::optional<std::uint32_t> ModelTarget::peek_register(std::uint32_t address) {
  return timed_->peek_register(now_edge(), address);
}

std::uint32_t ModelTarget::peek_level(std::uint32_t address) { return level(address, now_edge()); }

// Only what changes the interrupt wire needs an event of its own; everything else is worked out
// when somebody looks.
void ModelTarget::tick() {
  const std::uint64_t edge = now_edge();
  timed_->run_to(edge);
  while (timed_->next_irq_edge().value_or(edge + 1) <= edge) {
    irq.write(timed_->pop_irq_edge()->level);
  }
  schedule_tick();
}

void ModelTarget::schedule_tick() {
  const std::optional<std::uint64_t> change = timed_->next_irq_edge();
  const std::optional<std::uint64_t> completion = timed_->next_completion();
  tick_event_.cancel();
  if (!change && !completion) return;
  const std::uint64_t never = ~std::uint64_t{0};
  const std::uint64_t edge = std::min(change.value_or(never), completion.value_or(never));
  const sc_core::sc_time time = time_of(edge), now = sc_core::sc_time_stamp();
  tick_event_.notify(time > now ? time - now : sc_core::SC_ZERO_TIME);
}

std::uint64_t ModelTarget::cycles_to_attention(std::uint64_t most) {
  const std::uint64_t begin = now_edge(), end = begin + most;
  timed_->run_to(begin);
  std::uint64_t edge = begin;
  for (bool attention = false; edge < end && !attention;) {
    const TimedModel::Wants before = timed_->wants();
    const std::uint64_t next = timed_->next_attention().value_or(end);
    const std::uint64_t change = timed_->next_irq_edge().value_or(end);
    edge = std::max(edge + 1, std::min({end, next, change}));
    timed_->run_to(edge);
    const TimedModel::Wants after = timed_->wants();
    attention = timed_->next_irq_edge().value_or(edge + 1) <= edge ||
                (after.codes && !before.codes) || (after.activations && !before.activations) ||
                (after.results && !before.results);
  }
  schedule_tick();
  return edge - begin;
}

}  // namespace szt::systemc
