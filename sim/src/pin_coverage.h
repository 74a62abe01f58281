// SPDX-License-Identifier: Apache-2.0
// Watches the pins of a szt_matmul, whoever drives them, and samples functional coverage: commands,
// soft resets, errors, bus accesses and the stalls of each command. It checks nothing.
#ifndef SZT_SIM_PIN_COVERAGE_H_
#define SZT_SIM_PIN_COVERAGE_H_

#include <array>
#include <cstdint>
#include <deque>
#include <string>

#include "coverage_bins.h"
#include "rtl_core.h"

namespace szt::sim {

class PinCoverage {
 public:
  // parameters: "NAME=VALUE ..." of the top, as Verilator got them. The bins are of all cores.
  PinCoverage(const CorePins& pins, const char* parameters, CoverageBins& bins);
  PinCoverage(const PinCoverage&) = delete;
  ~PinCoverage();

  // Before each rising edge of the clock.
  void edge();

 private:
  struct Command {
    std::uint32_t m = 0, k_tiles = 0, n_tiles = 0, mode = 0;
    std::uint64_t codes = 0, activations = 0, results = 0;  // beats accepted
    std::uint64_t waits = 0;    // cycles in which the core waited for a beat
    std::uint64_t blocked = 0;  // cycles in which a result waited
    std::uint64_t cycles = 0;   // as the oldest one
    bool full = false;          // whether it may have been refused for want of a place
    bool behind = false;        // another one was at work when it was started
  };
  struct Half {  // of a write
    std::uint32_t value;
    unsigned strobes;
    std::uint64_t cycle;
  };

  void bus();
  void streams();
  void finish_write(unsigned response);
  void finish_read(unsigned response, std::uint32_t data);
  void control(std::uint32_t bits);
  void start(bool with_reset, bool with_flush);
  void soft_reset(bool with_flush, bool with_start);
  void status(std::uint32_t value);
  void input(bool codes);
  void complete(const Command& command);
  void forget();
  std::string tile_bin(std::uint32_t tiles) const;
  std::string m_bin(std::uint32_t m) const;
  std::uint64_t beats_of(const Command& command, bool codes) const;
  // Commands whose codes have not all come.
  std::size_t unloaded() const;

  CorePins pins_;
  std::uint32_t rows_ = 16, cols_ = 16, depth_ = 256;
  bool backward_ = true;
  CoverageBins& bins_;
  std::array<std::uint64_t, 16> beats_{};  // by stream, TLAST, TKEEP: too many for strings
  std::uint64_t cycle_ = 0;

  std::deque<Half> aw_, w_, ar_;
  std::uint64_t response_waits_ = 0, answer_waits_ = 0;  // cycles of the B or R at hand
  std::uint32_t m_ = 0, k_tiles_ = 0, n_tiles_ = 0, mode_ = 0, status_ = 0, irq_mask_ = 0;
  std::deque<Command> commands_;         // with results to come, the oldest first
  std::array<std::uint64_t, 2> owed_{};  // TLASTs that codes and activations owe
  bool held_ = false;                    // a result of before the soft reset
  std::string mode_before_ = "none";
};

}  // namespace szt::sim

#endif  // SZT_SIM_PIN_COVERAGE_H_
