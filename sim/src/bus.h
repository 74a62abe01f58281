// SPDX-License-Identifier: Apache-2.0
// Simulated managers of an RTL port: ready/valid sources with gaps, and AXI4-Lite transactions.
#ifndef SZT_SIM_SRC_BUS_H_
#define SZT_SIM_SRC_BUS_H_

#include <cstdint>
#include <string>

#include "rtl_core.h"
#include "szt/sim/stall.h"

namespace szt::sim {

// The valid bit of a ready/valid source: an idle gap may come before a beat, never after the beat
// was offered.
class StreamSource {
 public:
  StreamSource(const StallPattern& pattern, std::uint64_t seed) : stalls_(pattern, seed) {}
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

// One AXI4-Lite transaction at a time. Before each clock edge drive(), then sample(); the edge; and
// so on until it is no longer active.
class BusManager {
 public:
  // Seeds seed .. seed + 4 are used.
  BusManager(const StallPattern& pattern, std::uint64_t seed);
  void connect(const CorePins& pins) { pins_ = pins; }

  void begin_write(std::uint32_t address, std::uint32_t value, unsigned strobes);
  void begin_read(std::uint32_t address);
  bool active() const { return response_due_; }

  void drive();
  // Returns the handshakes of this cycle.
  unsigned sample();

  // Of the last transaction.
  bool okay() const { return okay_; }
  std::uint32_t data() const { return data_; }

  std::string describe() const;

 private:
  CorePins pins_;
  StreamSource aw_, w_, ar_;
  StallGenerator b_stalls_, r_stalls_;
  bool writing_ = false;
  bool address_due_ = false, data_due_ = false, response_due_ = false;
  std::uint32_t address_ = 0, data_ = 0;
  unsigned strobes_ = 0;
  bool okay_ = false;
};

}  // namespace szt::sim

#endif  // SZT_SIM_SRC_BUS_H_
