// SPDX-License-Identifier: Apache-2.0
// Whole suites on registers that start at random, without a change to any test: see
// SZT_RANDOM_RESET in tests/README.md.
#ifndef SZT_SIM_SRC_INITIAL_STATE_H_
#define SZT_SIM_SRC_INITIAL_STATE_H_

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace szt::sim {

// The seed of a core's random start values: the one that was asked for; without one, what
// SZT_RANDOM_RESET and the tests' seed say; 0, which is none, where that is not set or 0.
inline std::uint64_t initial_state_of(std::uint64_t given) {
  const char* const text = std::getenv("SZT_RANDOM_RESET");
  const std::uint64_t which = text == nullptr ? 0 : std::strtoull(text, nullptr, 0);
  if (given != 0 || which == 0) return given;
  const char* const seed = std::getenv("SZT_TEST_SEED");
  static bool said = false;
  if (!said) {
    // CTest shows it with a failure.
    std::fprintf(stderr, "registers start at random: SZT_RANDOM_RESET=%s SZT_TEST_SEED=%s\n", text,
                 seed == nullptr ? "" : seed);
    said = true;
  }
  const std::uint64_t mixed =
      (which + (seed == nullptr ? 0 : std::strtoull(seed, nullptr, 0))) * 0x9E3779B97F4A7C15U;
  return mixed >> 33 | 1U;  // Verilator takes 31 bits, not 0
}

}  // namespace szt::sim

#endif  // SZT_SIM_SRC_INITIAL_STATE_H_
