// SPDX-License-Identifier: Apache-2.0
// A target and an initiator in a SystemC kernel of their own. The initiator's program is the same
// code whatever the target is made of and whichever of TLM-2.0's two interfaces carries it.
#ifndef SZT_TESTS_SYSTEMC_BENCH_H_
#define SZT_TESTS_SYSTEMC_BENCH_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "szt/configuration.h"
#include "szt/systemc/kernel.h"
#include "szt/systemc/target.h"

namespace szt::systemc {

enum class Kind { kModel, kRtl };
enum class Style {
  kBlocking,     // b_transport, the delay waited for
  kNonBlocking,  // nb_transport, the response ended in the call
  kFourPhase     // nb_transport, END_RESP a cycle after BEGIN_RESP
};
std::string to_string(Kind kind);
std::string to_string(Style style);

// A transaction that was sent.
class Transaction;

// What a program sees. Times are clock edges, counted from the start of the simulation.
class Port {
 public:
  virtual ~Port() = default;

  // Sends a transaction and waits for its end, at a clock edge.
  virtual tlm::tlm_response_status transport(tlm::tlm_command command, std::uint64_t address,
                                             std::span<std::uint8_t> data) = 0;
  // Sends one without waiting; kNonBlocking and kFourPhase only. `data` must live until finish().
  virtual std::shared_ptr<Transaction> send(tlm::tlm_command command, std::uint64_t address,
                                            std::span<std::uint8_t> data) = 0;
  // Waits for its end; returns the response and the edge at which it came.
  virtual tlm::tlm_response_status finish(const std::shared_ptr<Transaction>& transaction,
                                          std::uint64_t& edge) = 0;

  virtual void wait_cycles(std::uint64_t cycles) = 0;
  // Until irq is high, at most so many cycles; whether it is.
  virtual bool wait_irq(std::uint64_t most) = 0;
  virtual std::uint64_t edge() const = 0;

  // For convenience: words, and failures of the test.
  tlm::tlm_response_status write(std::uint64_t address, std::uint32_t value);
  tlm::tlm_response_status read(std::uint64_t address, std::uint32_t& value);
  void write_ok(std::uint64_t address, std::uint32_t value);
  std::uint32_t read_ok(std::uint64_t address);
  // Whole beats, in transactions as large as the window allows.
  void write_beats(std::uint64_t window, std::size_t beat_bytes,
                   std::span<const std::uint8_t> beats, bool last);
};

struct IrqEdge {
  std::uint64_t edge;
  bool level;
  bool operator==(const IrqEdge&) const = default;
};

class Bench {
 public:
  Bench(Kind kind, Style style, const Configuration& configuration,
        double period_ns = kPeriodNanoseconds);
  ~Bench();

  static constexpr double kPeriodNanoseconds = 10;

  // Runs the simulation until the program ends.
  void run(const std::function<void(Port&)>& program);

  // Within the kernel; nothing of it may be used without.
  void outside(const std::function<void(tlm::tlm_fw_transport_if<>&)>& function);

  // Every change of irq so far.
  const std::vector<IrqEdge>& irq_edges() const;

 private:
  struct Parts;
  Kernel kernel_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace szt::systemc

#endif  // SZT_TESTS_SYSTEMC_BENCH_H_
