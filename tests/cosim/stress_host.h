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
#include "szt/configuration.h"
#include "szt/cycle_model.h"
#include "szt/sim/registers.h"
#include "szt/sim/rtl_device.h"
#include "szt/sim/stall.h"

namespace szt::sim {

// One host on one device, with gaps and stalls of its own choice.
class StressHost {
 public:
  StressHost(const Configuration& configuration, std::mt19937_64& generator);

  std::uint64_t started() const { return started_total_; }

  // A while of random actions.
  void run(int actions);
  // Everything that was started ends; then the device must be idle and say so.
  void finish();

 private:
  // A started command and how far the host is with it.
  struct Held {
    Beats beats;
    std::size_t result = 0;  // beats that came
  };

  std::uint32_t random(std::uint32_t below);
  StallPattern pattern();
  RtlOptions options();
  Command random_command();

  void start_command();
  // One more is refused, and nothing else changes. Unless a place got free meanwhile.
  void start_on_full_queue();
  void begin(Beats beats);
  void hold(Beats beats);
  void bad_command();
  void bad_access();
  // Some beats from now on have a TKEEP that is not all ones; the data counts all the same.
  void wrong_keep();

  // Pushes at most `beats` of what the started commands still owe to a stream.
  void push(bool codes, std::uint32_t beats);
  // Takes at most `beats` results; each must be the next one of the oldest command.
  void pop(std::uint32_t beats);

  void soft_reset();
  // The host knows nothing of the reset: what it had started to send it sends.
  void send_the_rest();
  // The host stops sending and says so.
  void drop_the_rest();

  void check_errors(std::uint32_t status, std::uint32_t except = 0);
  void acknowledge();

  const Configuration& configuration_;
  std::mt19937_64& generator_;
  std::unique_ptr<RtlDevice> device_;
  std::size_t cols_;
  std::uint32_t irq_ = matmul::kControlIrqEnable.mask();

  std::deque<Held> commands_;  // started, results not all seen
  std::size_t code_list_ = 0, code_at_ = 0, act_list_ = 0, act_at_ = 0;  // next to push
  std::uint32_t done_ = 0;
  std::uint64_t started_total_ = 0;
  std::uint32_t certain_ = 0, possible_ = 0;  // error bits of STATUS
  bool misplace_last_ = false;                // of the next push
  bool last_misplaced_ = false;               // since the last reset
};

}  // namespace szt::sim

#endif  // SZT_TESTS_COSIM_STRESS_HOST_H_
