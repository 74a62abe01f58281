// SPDX-License-Identifier: Apache-2.0
// Programmable idle gaps and back-pressure.
#ifndef SZT_SIM_STALL_H_
#define SZT_SIM_STALL_H_

#include <cstdint>

namespace szt::sim {

enum class StallKind {
  kNone,
  kRandom,    // each cycle stalls with `probability`
  kBurst,     // runs of about `length` stalled cycles, `probability` of all cycles
  kPeriodic,  // every `length`-th cycle runs, the others stall
};

struct StallPattern {
  StallKind kind = StallKind::kNone;
  double probability = 0;    // 0 .. 0.99
  std::uint32_t length = 4;  // at least 1

  static StallPattern random(double probability) { return {StallKind::kRandom, probability, 1}; }
  static StallPattern burst(double probability, std::uint32_t length) {
    return {StallKind::kBurst, probability, length};
  }
  static StallPattern periodic(std::uint32_t length) { return {StallKind::kPeriodic, 0, length}; }
};

// One pattern a stream, and one for the channels of the register bus. On an input a stalled cycle
// is an idle gap (valid low; a beat once offered stays), on an output back-pressure (ready low).
struct StreamStalls {
  StallPattern bus, codes, activations, results;
  std::uint64_t seed = 1;

  static StreamStalls all(StallPattern pattern, std::uint64_t seed) {
    return {pattern, pattern, pattern, pattern, seed};
  }
  bool any() const {
    return bus.kind != StallKind::kNone || codes.kind != StallKind::kNone ||
           activations.kind != StallKind::kNone || results.kind != StallKind::kNone;
  }
};

// The decisions of one stream, reproducible from (pattern, seed).
class StallGenerator {
 public:
  // Throws InputError for a probability outside 0..0.99 or a length of 0.
  StallGenerator(const StallPattern& pattern, std::uint64_t seed);
  bool never() const { return kind_ == StallKind::kNone; }
  // Whether this cycle stalls. Call once a cycle.
  bool next() { return kind_ != StallKind::kNone && decide(); }

 private:
  bool decide();
  std::uint64_t random();

  StallKind kind_;
  std::uint64_t threshold_ = 0;        // of 2^64, for a stall (random) or a burst to begin
  std::uint64_t leave_threshold_ = 0;  // of 2^64, for a burst to end
  std::uint32_t length_ = 1;
  std::uint32_t position_ = 0;
  bool stalled_ = false;
  std::uint64_t state_;
};

}  // namespace szt::sim

#endif  // SZT_SIM_STALL_H_
