// SPDX-License-Identifier: Apache-2.0
#include "szt/sim/stall.h"

#include <fmt/format.h>

#include <cmath>

#include "szt/error.h"

namespace szt::sim {
namespace {

std::uint64_t probability_threshold(double probability) {
  return static_cast<std::uint64_t>(std::ldexp(probability, 64));
}

}  // namespace

StallGenerator::StallGenerator(const StallPattern& pattern, std::uint64_t seed)
    : kind_(pattern.kind), length_(pattern.length), state_(seed) {
  if (!(pattern.probability >= 0 && pattern.probability <= 0.99)) {
    throw InputError(
        fmt::format("stall probability {}: it must be 0 to 0.99", pattern.probability));
  }
  if (pattern.length == 0) throw InputError("stall length 0: it must be at least 1");
  if (pattern.probability == 0 && kind_ != StallKind::kPeriodic) kind_ = StallKind::kNone;
  if (kind_ == StallKind::kRandom) threshold_ = probability_threshold(pattern.probability);
  if (kind_ == StallKind::kBurst) {
    // Leaving with 1/length gives runs of `length`; entering so that the share is as asked.
    const double leave = 1.0 / pattern.length;
    const double enter = leave * pattern.probability / (1 - pattern.probability);
    leave_threshold_ = pattern.length == 1 ? ~std::uint64_t{0} : probability_threshold(leave);
    threshold_ = enter >= 1 ? ~std::uint64_t{0} : probability_threshold(enter);
  }
}

bool StallGenerator::decide() {
  switch (kind_) {
    case StallKind::kNone:
      break;
    case StallKind::kRandom:
      return random() < threshold_;
    case StallKind::kBurst:
      stalled_ = stalled_ ? random() >= leave_threshold_ : random() < threshold_;
      return stalled_;
    case StallKind::kPeriodic:
      position_ = position_ + 1 == length_ ? 0 : position_ + 1;
      return position_ != 0;
  }
  return false;
}

// SplitMix64 (Steele, Lea and Flood 2014).
std::uint64_t StallGenerator::random() {
  state_ += 0x9E3779B97F4A7C15U;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

}  // namespace szt::sim
