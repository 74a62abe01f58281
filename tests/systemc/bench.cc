// SPDX-License-Identifier: Apache-2.0
#include "systemc/bench.h"

#include <gtest/gtest.h>
#include <tlm_utils/simple_initiator_socket.h>

#include <algorithm>
#include <stdexcept>

#include "szt/systemc/address_map.h"
#include "szt/systemc/model_target.h"
#include "szt/systemc/rtl_target.h"

namespace szt::systemc {

// A payload that lives until the last who uses it releases it.
class Transaction : public tlm::tlm_generic_payload {
 public:
  bool request_ended = false;
  bool done = false;
  std::uint64_t edge = 0;
  std::shared_ptr<Transaction> self;
};

namespace {

class Keeper : public tlm::tlm_mm_interface {
 public:
  void free(tlm::tlm_generic_payload* payload) override {
    static_cast<Transaction*>(payload)->self.reset();
  }
};

class Initiator final : public sc_core::sc_module, public Port {
 public:
  tlm_utils::simple_initiator_socket<Initiator> socket{"socket"};
  sc_core::sc_in<bool> irq{"irq"};

  Initiator(const sc_core::sc_module_name& name, Style style, const sc_core::sc_time& period)
      : sc_module(name), style_(style), period_(period) {
    socket.register_nb_transport_bw(this, &Initiator::nb_transport_bw);
    spawn_thread("serve", [this] { serve(); });
    spawn_method("watch_irq", {&irq_changed_}, [this] { watch_irq(); });
  }
  void end_of_elaboration() override {
    spawn_method("relay_irq", {&irq.value_changed_event()},
                 [this] { irq_changed_.notify(sc_core::SC_ZERO_TIME); });
  }

  void run(const std::function<void(Port&)>& program) {
    program_ = &program;
    start_.notify(sc_core::SC_ZERO_TIME);
    run_for(sc_core::sc_max_time() - sc_core::sc_time_stamp());
    if (program_ != nullptr) throw std::runtime_error("the simulation ended before the program");
    if (failure_ != nullptr) std::rethrow_exception(failure_);
  }

  tlm::tlm_response_status transport(tlm::tlm_command command, std::uint64_t address,
                                     std::span<std::uint8_t> data) override {
    if (style_ != Style::kBlocking) {
      std::uint64_t end = 0;
      return finish(send(command, address, data), end);
    }
    tlm::tlm_generic_payload payload;
    fill(payload, command, address, data);
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    socket->b_transport(payload, delay);
    if (delay != sc_core::SC_ZERO_TIME) sc_core::wait(delay);
    return payload.get_response_status();
  }

  std::shared_ptr<Transaction> send(tlm::tlm_command command, std::uint64_t address,
                                    std::span<std::uint8_t> data) override {
    auto transaction = std::make_shared<Transaction>();
    transaction->self = transaction;
    transaction->set_mm(&keeper_);
    transaction->acquire();
    fill(*transaction, command, address, data);
    sent_.push_back(transaction);
    tlm::tlm_phase phase = tlm::BEGIN_REQ;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    const auto answer = socket->nb_transport_fw(*transaction, phase, delay);
    EXPECT_EQ(answer, tlm::TLM_ACCEPTED);
    while (!transaction->request_ended) sc_core::wait(phase_);
    return transaction;
  }

  tlm::tlm_response_status finish(const std::shared_ptr<Transaction>& transaction,
                                  std::uint64_t& end) override {
    while (!transaction->done) sc_core::wait(phase_);
    end = transaction->edge;
    const tlm::tlm_response_status status = transaction->get_response_status();
    std::erase(sent_, transaction);
    transaction->release();
    return status;
  }

  void wait_cycles(std::uint64_t cycles) override {
    sc_core::wait(period_ * static_cast<double>(cycles));
  }
  bool wait_irq(std::uint64_t most) override {
    if (!irq.read()) sc_core::wait(period_ * static_cast<double>(most), irq.posedge_event());
    return irq.read();
  }
  std::uint64_t edge() const override { return edge_of(sc_core::sc_time_stamp()); }

  std::vector<IrqEdge> irq_edges;

 private:
  static void fill(tlm::tlm_generic_payload& payload, tlm::tlm_command command,
                   std::uint64_t address, std::span<std::uint8_t> data) {
    payload.set_command(command);
    payload.set_address(address);
    payload.set_data_ptr(data.data());
    payload.set_data_length(static_cast<unsigned>(data.size()));
    payload.set_streaming_width(static_cast<unsigned>(data.size()));
    payload.set_byte_enable_ptr(nullptr);
    payload.set_dmi_allowed(false);
    payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  }

  std::uint64_t edge_of(const sc_core::sc_time& time) const {
    EXPECT_EQ(time.value() % period_.value(), 0U) << "between two clock edges: " << time;
    return time.value() / period_.value();
  }

  tlm::tlm_sync_enum nb_transport_bw(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                                     sc_core::sc_time& delay) {
    const auto found = std::find_if(sent_.begin(), sent_.end(), [&](const auto& transaction) {
      return transaction.get() == &payload;
    });
    if (found == sent_.end()) {
      ADD_FAILURE() << "a phase of a transaction that is over";
      return tlm::TLM_COMPLETED;
    }
    Transaction& transaction = **found;
    EXPECT_EQ(delay, sc_core::SC_ZERO_TIME);
    phase_.notify(sc_core::SC_ZERO_TIME);
    if (phase == tlm::END_REQ) {
      EXPECT_FALSE(transaction.request_ended);
      transaction.request_ended = true;
      return tlm::TLM_ACCEPTED;
    }
    EXPECT_EQ(phase, tlm::BEGIN_RESP);
    EXPECT_TRUE(transaction.request_ended);
    EXPECT_FALSE(responding_) << "two responses at a time";
    transaction.done = true;
    transaction.edge = edge();
    if (style_ == Style::kNonBlocking) return tlm::TLM_COMPLETED;
    responding_ = true;
    sc_core::sc_spawn([this, keep = *found] {
      sc_core::wait(period_);
      tlm::tlm_phase end = tlm::END_RESP;
      sc_core::sc_time now = sc_core::SC_ZERO_TIME;
      responding_ = false;
      socket->nb_transport_fw(*keep, end, now);
    });
    return tlm::TLM_ACCEPTED;
  }

  void serve() {
    while (true) {
      while (program_ == nullptr) sc_core::wait(start_);
      failure_ = nullptr;
      try {
        (*program_)(*this);
      } catch (const sc_core::sc_unwind_exception&) {
        throw;  // the kernel ends
      } catch (...) {
        failure_ = std::current_exception();
      }
      wait_cycles(2);  // the last response ends
      program_ = nullptr;
      sc_core::sc_pause();
    }
  }

  void watch_irq() { irq_edges.push_back({edge(), irq.read()}); }

  Style style_;
  sc_core::sc_time period_;
  Keeper keeper_;
  std::vector<std::shared_ptr<Transaction>> sent_;
  bool responding_ = false;
  sc_core::sc_event start_, phase_, irq_changed_;
  const std::function<void(Port&)>* program_ = nullptr;
  std::exception_ptr failure_;
};

std::unique_ptr<Target> make_target(Kind kind, const Configuration& configuration,
                                    const sc_core::sc_time& period) {
  if (kind == Kind::kRtl) return std::make_unique<RtlTarget>("target", configuration, period);
  return std::make_unique<ModelTarget>("target", configuration, period);
}

}  // namespace

std::string to_string(Kind kind) { return kind == Kind::kModel ? "Model" : "Rtl"; }

std::string to_string(Style style) {
  switch (style) {
    case Style::kBlocking:
      return "Blocking";
    case Style::kNonBlocking:
      return "NonBlocking";
    case Style::kFourPhase:
      return "FourPhase";
  }
  return "";
}

tlm::tlm_response_status Port::write(std::uint64_t address, std::uint32_t value) {
  std::uint8_t bytes[4];
  for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
  return transport(tlm::TLM_WRITE_COMMAND, address, bytes);
}

tlm::tlm_response_status Port::read(std::uint64_t address, std::uint32_t& value) {
  std::uint8_t bytes[4] = {};
  const tlm::tlm_response_status status = transport(tlm::TLM_READ_COMMAND, address, bytes);
  value = 0;
  for (std::size_t i = 0; i < 4; ++i) value |= std::uint32_t{bytes[i]} << (8 * i);
  return status;
}

void Port::write_ok(std::uint64_t address, std::uint32_t value) {
  EXPECT_EQ(write(address, value), tlm::TLM_OK_RESPONSE) << "write to " << address;
}

std::uint32_t Port::read_ok(std::uint64_t address) {
  std::uint32_t value = 0;
  EXPECT_EQ(read(address, value), tlm::TLM_OK_RESPONSE) << "read of " << address;
  return value;
}

void Port::write_beats(std::uint64_t window, std::size_t beat_bytes,
                       std::span<const std::uint8_t> beats, bool last) {
  std::vector<std::uint8_t> bytes(beats.begin(), beats.end());
  const std::size_t most = kWindowSize / beat_bytes * beat_bytes;
  for (std::size_t done = 0; done < bytes.size();) {
    const std::size_t size = std::min(most, bytes.size() - done);
    const bool ends = last && done + size == bytes.size();
    EXPECT_EQ(transport(tlm::TLM_WRITE_COMMAND, window + (ends ? kLast : 0),
                        std::span(bytes).subspan(done, size)),
              tlm::TLM_OK_RESPONSE);
    done += size;
  }
}

struct Bench::Parts {
  Parts(Kind kind, Style style, const Configuration& configuration, const sc_core::sc_time& period)
      : initiator("initiator", style, period), target(make_target(kind, configuration, period)) {
    initiator.socket.bind(target->socket);
    initiator.irq(irq);
    target->irq(irq);
  }

  sc_core::sc_signal<bool> irq{"irq"};
  Initiator initiator;
  std::unique_ptr<Target> target;
};

Bench::Bench(Kind kind, Style style, const Configuration& configuration, double period_ns) {
  const Kernel::Use use(kernel_);
  parts_ = std::make_unique<Parts>(kind, style, configuration,
                                   sc_core::sc_time(period_ns, sc_core::SC_NS));
}

Bench::~Bench() {
  const Kernel::Use use(kernel_);
  kernel_.end();
  parts_.reset();
}

void Bench::run(const std::function<void(Port&)>& program) {
  const Kernel::Use use(kernel_);
  parts_->initiator.run(program);
}

void Bench::outside(const std::function<void(tlm::tlm_fw_transport_if<>&)>& function) {
  const Kernel::Use use(kernel_);
  function(*parts_->initiator.socket.operator->());
}

const std::vector<IrqEdge>& Bench::irq_edges() const { return parts_->initiator.irq_edges; }

}  // namespace szt::systemc
