// SPDX-License-Identifier: Apache-2.0
// A host that drives a device at random and knows what must come out.
#ifndef SZT_TESTS_COSIM_STRESS_HOST_H_
#define SZT_TESTS_COSIM_STRESS_HOST_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>

#include "cosim/command_testing.h"
#include "cosim/error_ledger.h"
#include "szt/configuration.h"
#include "szt/cycle_model.h"
#include "szt/sim/registers.h"
#include "szt/sim/rtl_device.h"
#include "szt/sim/stall.h"

namespace szt::sim {

// What was done, to show that a run had some of everything.
struct StressCounts {
  std::uint64_t commands = 0, dropped = 0, resets = 0;
  std::uint64_t resets_while_held = 0, resets_while_discarding = 0;
  std::uint64_t starts_while_discarding = 0;
  std::uint64_t bad_beats_certain = 0;  // whose error bit must have been there

  StressCounts& operator+=(const StressCounts& other);
};

// One host on one device, with gaps and stalls of its own choice.
class StressHost {
 public:
  StressHost(const Configuration& configuration, std::mt19937_64& generator);

  const StressCounts& counts() const { return counts_; }

  // A while of random actions.
  void run(int actions);
  // Everything that was started ends; then the device must be idle and say so.
  void finish();

 private:
  struct Started {
    std::uint64_t id;
    Beats beats;
    std::size_t result = 0;  // beats that came
    bool dropped = false;    // by a soft reset
    bool held = false;       // its next result is the last that comes, and counts for nothing
    bool misplaced = false;  // a TLAST
  };
  using Queue = std::deque<std::shared_ptr<Started>>;

  // An input stream: whose beats are still to be pushed, dropped ones among them.
  struct Stream {
    const bool codes;
    const Field last_error, keep_error, discard;
    Queue packets;
    std::size_t at = 0;     // bytes of the first one that were pushed
    bool misplace = false;  // TLAST of the next push
    bool bad_keep = false;  // TKEEP of the next push
    bool waits = false;     // nothing is pushed for now

    bool owes() const { return !packets.empty() && packets.front()->dropped; }
    void forget() {
      packets.clear();
      at = 0;
      misplace = bad_keep = false;
    }
  };

  // Commands that may be owed to a stream: what the RTL counts, and one is left for recover().
  static constexpr std::size_t kMostOwed = 13;

  std::uint32_t random(std::uint32_t below);
  Stream& random_stream() { return random(2) == 0 ? codes_ : activations_; }
  StallPattern pattern();
  RtlOptions options();
  Command random_command();

  void start_command();
  // One more is refused, and nothing else changes. Unless a place got free meanwhile.
  void start_on_full_queue();
  void hold(Beats beats);
  void bad_command();
  void bad_access();
  void acknowledge();

  void pass(std::uint32_t cycles);
  // Pushes at most `beats` of what the started commands still owe to a stream.
  void push(Stream& stream, std::uint32_t beats);
  // Takes at most `beats` results; each must be the next one of the oldest command.
  std::size_t pop(std::uint32_t beats);
  std::uint32_t read_status();  // and checks all of it that is known

  // One or more soft resets. Then the host goes on at once: what it had started to send it sends,
  // and new commands behind that. Or it tidies up first, in one of three ways.
  void soft_reset();
  void reset_once(bool start_too);
  // Everything that was started has been discarded.
  void send_the_rest();
  // The host stops sending and says so.
  void drop_the_rest();

  const Configuration& configuration_;
  std::mt19937_64& generator_;
  std::unique_ptr<RtlDevice> device_;
  std::size_t cols_;
  std::uint32_t irq_ = matmul::kControlIrqEnable.mask();

  Queue results_;  // started, results not all seen
  Stream codes_{true,
                matmul::kStatusErrorCodesLast,
                matmul::kStatusErrorCodesKeep,
                matmul::kStatusDiscardCodes,
                {}};
  Stream activations_{false,
                      matmul::kStatusErrorActivationsLast,
                      matmul::kStatusErrorActivationsKeep,
                      matmul::kStatusDiscardActivations,
                      {}};
  std::size_t owed_ =
      0;  // commands dropped since nothing was being discarded: at least what is due
  bool lost_count_ = false;  // a dropped command had its TLAST misplaced: nobody knows what is owed
  std::uint32_t done_ = 0;
  bool ended_ = false;  // the last result that was taken ended a command, and counts
  ErrorLedger errors_;
  StressCounts counts_;
};

}  // namespace szt::sim

#endif  // SZT_TESTS_COSIM_STRESS_HOST_H_
