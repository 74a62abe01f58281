// SPDX-License-Identifier: Apache-2.0
#include "szt/systemc/target.h"

#include <cstring>

#include "access.h"
#include "job.h"
#include "szt/error.h"

namespace szt::systemc {
namespace {

constexpr const char* kProtocol = "/szt/protocol";

const sc_core::sc_time& checked(const sc_core::sc_time& clock_period) {
  if (clock_period.value() == 0 || clock_period.value() % 2 != 0) {
    throw InputError("the clock period must be an even number of SystemC's time resolution");
  }
  return clock_period;
}

}  // namespace

Target::Target(const sc_core::sc_module_name& name, const Configuration& configuration,
               const sc_core::sc_time& clock_period)
    : sc_module(name),
      configuration_(configuration),
      clock_period_(checked(clock_period)),
      peq_(this, &Target::on_phase) {
  socket.register_b_transport(this, &Target::b_transport);
  socket.register_nb_transport_fw(this, &Target::nb_transport);
  socket.register_transport_dbg(this, &Target::transport_dbg);
}

Target::~Target() = default;

std::uint64_t Target::edge_at(const sc_core::sc_time& time) const {
  const std::uint64_t edge = (time.value() + clock_period_.value() - 1) / clock_period_.value();
  return edge < kResetCycles ? kResetCycles : edge;
}

sc_core::sc_time Target::time_of(std::uint64_t edge) const {
  return clock_period_ * static_cast<double>(edge);
}

void Target::finish(Job& job, tlm::tlm_response_status response) {
  job.payload->set_response_status(response);
  job.finished = true;
  const sc_core::sc_time delay =
      clock_period_ * static_cast<double>(extra_cycles(job.access, response));
  if (job.blocking) {
    job.done.notify(delay);
  } else {
    // BEGIN_RESP cannot come from an initiator: here it means that a response is due.
    peq_.notify(*job.payload, tlm::BEGIN_RESP, delay);
  }
}

void Target::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  sc_core::wait(delay);
  delay = sc_core::SC_ZERO_TIME;
  const sc_core::sc_time begin_time = time_of(edge_at(sc_core::sc_time_stamp()));
  if (begin_time != sc_core::sc_time_stamp()) sc_core::wait(begin_time - sc_core::sc_time_stamp());
  Job job(payload);
  job.blocking = true;
  const tlm::tlm_response_status status = parse(payload, configuration_, job.access);
  if (status != tlm::TLM_OK_RESPONSE) {
    payload.set_response_status(status);
    delay = clock_period_;
    return;
  }
  begin(job);
  sc_core::wait(job.done);
}

tlm::tlm_sync_enum Target::nb_transport(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                                        sc_core::sc_time& delay) {
  if (phase == tlm::BEGIN_REQ) {
    if (request_in_progress_) SC_REPORT_ERROR(kProtocol, "BEGIN_REQ before END_REQ of another");
    request_in_progress_ = true;
    payload.acquire();
  } else if (phase == tlm::END_RESP) {
    if (response_in_progress_ != &payload) SC_REPORT_ERROR(kProtocol, "END_RESP without response");
  } else {
    SC_REPORT_ERROR(kProtocol, "phase that no initiator may send");
  }
  peq_.notify(payload, phase, delay);
  return tlm::TLM_ACCEPTED;
}

void Target::on_phase(tlm::tlm_generic_payload& payload, const tlm::tlm_phase& phase) {
  if (phase == tlm::BEGIN_REQ) {
    on_request(payload);
  } else if (phase == tlm::BEGIN_RESP) {
    responses_.push_back(&payload);
    if (response_in_progress_ == nullptr) send_response();
  } else {  // END_RESP
    response_in_progress_ = nullptr;
    payload.release();
    send_response();
  }
}

void Target::on_request(tlm::tlm_generic_payload& payload) {
  const sc_core::sc_time now = sc_core::sc_time_stamp();
  const sc_core::sc_time begin_time = time_of(edge_at(now));
  if (begin_time != now) {
    peq_.notify(payload, tlm::BEGIN_REQ, begin_time - now);
    return;
  }
  request_in_progress_ = false;
  tlm::tlm_phase phase = tlm::END_REQ;
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  socket->nb_transport_bw(payload, phase, delay);

  Job& job = *(jobs_[&payload] = std::make_unique<Job>(payload));
  const tlm::tlm_response_status status = parse(payload, configuration_, job.access);
  if (status != tlm::TLM_OK_RESPONSE) {
    job.access.region = Region::kLevelWord;  // one cycle, whatever it was
    finish(job, status);
  } else {
    begin(job);
  }
}

// One response at a time; the initiator ends it in the call or by END_RESP.
void Target::send_response() {
  while (response_in_progress_ == nullptr && !responses_.empty()) {
    tlm::tlm_generic_payload& payload = *responses_.front();
    responses_.pop_front();
    jobs_.erase(&payload);
    tlm::tlm_phase phase = tlm::BEGIN_RESP;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    response_in_progress_ = &payload;
    const tlm::tlm_sync_enum answer = socket->nb_transport_bw(payload, phase, delay);
    const bool ended =
        answer == tlm::TLM_COMPLETED || (answer == tlm::TLM_UPDATED && phase == tlm::END_RESP);
    if (!ended) return;
    if (delay != sc_core::SC_ZERO_TIME) {
      peq_.notify(payload, tlm::END_RESP, delay);
      return;
    }
    response_in_progress_ = nullptr;
    payload.release();
  }
}

unsigned Target::transport_dbg(tlm::tlm_generic_payload& payload) {
  Access access;
  if (!payload.is_read() || parse(payload, configuration_, access) != tlm::TLM_OK_RESPONSE) {
    return 0;
  }
  std::optional<std::uint32_t> value;
  if (access.region == Region::kRegister) value = peek_register(access.address);
  if (access.region == Region::kLevelWord) value = peek_level(access.address);
  if (!value) return 0;
  access.set_word(*value);
  return payload.get_data_length();
}

}  // namespace szt::systemc

// libsystemc.so wants an sc_main(), which only its own main() calls. It is here, where every
// program with a target gets it, and weak, so that a program may have one of its own.
__attribute__((weak)) int sc_main(int /*argc*/, char* /*argv*/[]) { return 2; }
