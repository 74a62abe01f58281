// SPDX-License-Identifier: Apache-2.0
// szt_matmul on a time line: the core's (timed_core.h), its registers, and the interrupt.
//
// Times are clock edges. Everything is in the RTL's cycle, stalls of any stream included, but for
// what README.md lists. Calls at edges that go back are carried out at the latest edge so far.
#ifndef SZT_SIM_SYSTEMC_SRC_TIMED_MODEL_H_
#define SZT_SIM_SYSTEMC_SRC_TIMED_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>

#include "register_model.h"
#include "timed_core.h"

namespace szt::systemc {

class TimedModel : private sim::RegisterClient {
 public:
  // Beats of each window's FIFO.
  static std::size_t capacity(const Configuration& configuration);

  explicit TimedModel(const Configuration& configuration);

  std::uint64_t now() const { return now_; }

  // Registers at the edge at which they change, or after which they are read.
  bool write_register(std::uint64_t cycle, std::uint32_t address, std::uint32_t value);
  std::optional<std::uint32_t> read_register(std::uint64_t cycle, std::uint32_t address);
  // As read_register(), but changes nothing.
  std::optional<std::uint32_t> peek_register(std::uint64_t cycle, std::uint32_t address);

  // Lets everything happen that is due up to an edge, that one included. The core is in the state
  // after it then.
  void run_to(std::uint64_t cycle);
  const TimedCore& core() const { return core_; }

  // Only beats that there is room for.
  void push_codes(std::uint64_t cycle, std::span<const std::uint8_t> beats, bool last);
  void push_activations(std::uint64_t cycle, std::span<const std::uint8_t> beats, bool last);
  void cancel_codes(std::uint64_t cycle);
  void cancel_activations(std::uint64_t cycle);
  // Only beats that can be read; `bytes` holds whole ones. Returns the edge at which the core gave
  // the final one away.
  std::uint64_t pop_results(std::uint64_t cycle, std::span<std::uint8_t> bytes);

  // Whether a window needs attention: the codes of two tiles, the vectors of one are not there,
  // half of the results' room is taken.
  struct Wants {
    bool codes, activations, results;
  };
  Wants wants() const;
  // An edge up to which irq stays as it is and no window comes to need attention; nothing if the
  // core waits for a beat or for room.
  std::optional<std::uint64_t> next_attention() const;
  // An edge up to which irq stays as it is; nothing as above.
  std::optional<std::uint64_t> next_completion() const { return core_.next_event(); }

  // The interrupt wire: its changes so far, in order, taken off this list.
  struct IrqEdge {
    std::uint64_t cycle;
    bool level;
  };
  std::optional<IrqEdge> pop_irq_edge();
  // The next change that is known and was not taken off yet.
  std::optional<std::uint64_t> next_irq_edge() const;

  std::string describe() const;

 private:
  Status status() const override;
  void start(const Command& command) override;
  void soft_reset() override;
  void flush() override { core_.flush(now_, resets_); }
  void note_irq(std::uint64_t cycle);

  const std::size_t rows_;
  TimedCore core_;
  sim::RegisterModel registers_;

  std::uint64_t now_ = 2;
  bool resets_ = false;  // in the write that is being carried out
  // Sticky bits set at an edge: a set wins over an acknowledgement.
  std::uint64_t set_edge_ = 0;
  std::uint32_t set_bits_ = 0;

  bool irq_ = false;
  std::uint64_t last_irq_edge_ = 0;
  std::deque<IrqEdge> irq_edges_;
};

}  // namespace szt::systemc

#endif  // SZT_SIM_SYSTEMC_SRC_TIMED_MODEL_H_
