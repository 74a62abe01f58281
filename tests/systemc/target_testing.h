// SPDX-License-Identifier: Apache-2.0
// Tests of a target, run on the model's and on the RTL's, on both TLM-2.0 interfaces.
#ifndef SZT_TESTS_SYSTEMC_TARGET_TESTING_H_
#define SZT_TESTS_SYSTEMC_TARGET_TESTING_H_

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <string>
#include <tuple>

#include "cosim/cosim_util.h"
#include "systemc/bench.h"
#include "systemc/program.h"

namespace szt::systemc {

inline constexpr std::size_t kCapacity = 2048;  // beats of a window's FIFO

class TargetTest : public testing::TestWithParam<std::tuple<Kind, Style>> {
 protected:
  void run(const std::function<void(Port&)>& program) { bench_.run(program); }
  sim::Beats make_beats(const Command& command) {
    return sim::make_beats(configuration_, command, generator_);
  }

  const Configuration& configuration_ = find_configuration("tiny");
  const std::size_t code_bytes_ = sim::code_beat_bytes(configuration_);
  const std::size_t activation_bytes_ = sim::activation_beat_bytes(configuration_);
  const std::size_t result_bytes_ = 4 * sim::result_beat_lanes(configuration_);
  Bench bench_{std::get<0>(GetParam()), std::get<1>(GetParam()), configuration_};
  std::mt19937_64 generator_{test_seed()};
  testing::ScopedTrace trace_{__FILE__, __LINE__, fmt::format("SZT_TEST_SEED={}", test_seed())};
};

inline std::string target_test_name(const testing::TestParamInfo<std::tuple<Kind, Style>>& info) {
  return to_string(std::get<0>(info.param)) + to_string(std::get<1>(info.param));
}

inline auto every_target() {
  return testing::Combine(
      testing::Values(Kind::kModel, Kind::kRtl),
      testing::Values(Style::kBlocking, Style::kNonBlocking, Style::kFourPhase));
}

}  // namespace szt::systemc

#endif  // SZT_TESTS_SYSTEMC_TARGET_TESTING_H_
