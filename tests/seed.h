// SPDX-License-Identifier: Apache-2.0
// The seed of random tests: SZT_TEST_SEED from the environment, or a fixed one.
#ifndef SZT_TESTS_SEED_H_
#define SZT_TESTS_SEED_H_

#include <cstdint>
#include <cstdlib>
#include <string>

namespace szt {

inline std::uint64_t test_seed() {
  constexpr std::uint64_t kDefaultSeed = 20250816;
  const char* text = std::getenv("SZT_TEST_SEED");
  return text == nullptr ? kDefaultSeed : std::strtoull(text, nullptr, 0);
}

// For SCOPED_TRACE: what to set to see a failure again.
inline std::string seed_trace(std::uint64_t seed = test_seed()) {
  return "SZT_TEST_SEED=" + std::to_string(seed);
}

}  // namespace szt

#endif  // SZT_TESTS_SEED_H_
