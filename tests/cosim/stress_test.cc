// SPDX-License-Identifier: Apache-2.0
// Random hosts against the RTL: commands back to back, gaps and stalls on all five interfaces from
// none to 95 %, bad commands, wrong TLAST and TKEEP, soft resets at any moment, one upon the other,
// with every way to recover or none at all. Nothing may be lost, doubled or out of order, and
// STATUS must say exactly what happened.
//
// SZT_TEST_SEED picks another stretch, SZT_STRESS_COMMANDS how many commands a configuration runs.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

#include "cosim/cosim_util.h"
#include "cosim/stress_host.h"
#include "szt/configuration.h"

namespace szt::sim {
namespace {

std::uint64_t commands_to_run() {
  const char* const text = std::getenv("SZT_STRESS_COMMANDS");
  return text == nullptr ? 1500 : std::strtoull(text, nullptr, 10);
}

class StressTest : public testing::TestWithParam<std::string> {};

TEST_P(StressTest, NothingLostUnderAnyStallErrorOrReset) {
  const Configuration& configuration = find_configuration(GetParam());
  const std::uint64_t wanted = commands_to_run();
  StressCounts counts;
  for (std::uint64_t seed = test_seed(); counts.commands < wanted; ++seed) {
    SCOPED_TRACE(
        fmt::format("again: SZT_TEST_SEED={} SZT_STRESS_COMMANDS=1 SZT_TEST_CONFIGS={} "
                    "cosim_stress_test",
                    seed, GetParam()));
    std::mt19937_64 generator(seed);
    StressHost host(configuration, generator);
    host.run(300);
    if (!HasFailure()) host.finish();
    if (HasFailure()) return;
    counts += host.counts();
  }
  if (wanted < 500) return;
  EXPECT_GT(counts.commands - counts.dropped, counts.commands / 3);
  EXPECT_GT(counts.resets_while_held, 0U);
  EXPECT_GT(counts.resets_while_discarding, 4U);
  EXPECT_GT(counts.starts_while_discarding, 10U);
  EXPECT_GT(counts.bad_beats_certain, 4U);
}

INSTANTIATE_TEST_SUITE_P(Rtl, StressTest, testing::ValuesIn(test_configurations()),
                         [](const auto& name) { return name.param; });

}  // namespace
}  // namespace szt::sim
