// SPDX-License-Identifier: Apache-2.0
// The model takes every START that the RTL may take: what it refuses, the RTL refuses too.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

#include "cosim/command_testing.h"
#include "cosim/cosim_util.h"
#include "szt/sim/model_device.h"
#include "szt/sim/registers.h"
#include "szt/sim/rtl_device.h"

namespace szt::sim {
namespace {

constexpr std::uint32_t kFull = matmul::kStatusErrorQueue.mask();

// STARTs of one command in any cycle, whether QUEUE has room or not, with any part of the beats of
// all of them there. Returns how many were taken, and takes the results of what can be computed.
struct Attempt {
  std::uint32_t taken = 0;
  std::uint32_t done = 0;
  std::size_t results = 0;
};

Attempt run_starts(Device& device, const Command& command, const std::vector<int>& gaps,
                   std::size_t codes_there, std::size_t activations_there, std::size_t most) {
  std::mt19937_64 generator(1);
  const Beats beats = make_beats(device.configuration(), command, generator);
  Attempt attempt;
  for (std::size_t i = 0; i < codes_there; ++i) device.push_codes(beats.codes, true);
  for (std::size_t i = 0; i < activations_there; ++i) {
    device.push_activations(beats.activations, true);
  }
  start(device, command);
  ++attempt.taken;
  for (const int gap : gaps) {
    for (int i = 0; i < gap; ++i) device.advance(1);
    if (attempt.taken == most) break;
    write_register(device, matmul::kControl, matmul::kControlStart.mask());
    if ((read_register(device, matmul::kStatus) & kFull) == 0) ++attempt.taken;
    write_register(device, matmul::kStatus, kFull);
  }
  std::vector<std::int32_t> lanes(64 * result_beat_lanes(device.configuration()));
  for (int i = 0; i < 2000; ++i) {
    device.advance(1);
    attempt.results += device.pop_results(lanes).beats;
  }
  attempt.done = read_register(device, matmul::kDoneCount);
  return attempt;
}

TEST(ModelDevice, TakesFourCommandsWhoseBeatsAreThere) {
  const Configuration& configuration = find_configuration("medium");
  const Command command = {16, 1, 1, DecodeMode::kForward};
  const std::unique_ptr<Device> rtl = make_rtl_device(configuration, {});
  const Attempt expected = run_starts(*rtl, command, {24, 5, 5}, 4, 4, 4);
  EXPECT_EQ(expected.taken, 4U);
  EXPECT_EQ(expected.done, 4U);
  for (const int gap : {0, 24}) {
    const std::unique_ptr<Device> model = make_model_device(configuration);
    const Attempt attempt = run_starts(*model, command, {gap, 0, 0}, 4, 4, 4);
    EXPECT_EQ(attempt.taken, 4U);
    EXPECT_EQ(attempt.done, 4U);
    EXPECT_EQ(attempt.results, 64U);
  }
}

TEST(ModelDevice, RefusesTheFourthCommandWithoutCodesAndTheSixthWithoutActivations) {
  const Command command = {3, 2, 1, DecodeMode::kForward};
  const std::vector<int> gaps(9, 60);
  for (const bool rtl : {false, true}) {
    const auto taken = [&](std::size_t codes, std::size_t activations) {
      const std::unique_ptr<Device> device = rtl ? make_rtl_device(find_configuration("tiny"), {})
                                                 : make_model_device(find_configuration("tiny"));
      return run_starts(*device, command, gaps, codes, activations, 10).taken;
    };
    EXPECT_EQ(taken(0, 0), 3U);
    EXPECT_EQ(taken(0, 9), 3U);
    EXPECT_EQ(taken(1, 0), 4U);
    EXPECT_EQ(taken(2, 9), 5U);
    EXPECT_EQ(taken(9, 0), rtl ? 4U : 5U);  // two tiles a command: one in the shadows, one behind
    EXPECT_EQ(taken(9, 1), rtl ? 5U : 6U);
  }
}

TEST(ModelDevice, TakesWhateverTheRtlTakes) {
  std::mt19937_64 generator(test_seed());
  for (int round = 0; round < 40; ++round) {
    const Configuration& configuration = find_configuration(round % 2 == 0 ? "tiny" : "medium");
    const auto random = [&generator](std::uint32_t bound) {
      return static_cast<std::uint32_t>(generator() % bound);
    };
    const Command command = {1 + random(20), 1 + random(2), 1 + random(2), DecodeMode::kForward};
    std::vector<int> gaps;
    for (int i = 0; i < 9; ++i) gaps.push_back(static_cast<int>(random(random(2) == 0 ? 4 : 80)));
    const std::size_t codes = random(12), activations = random(12);
    SCOPED_TRACE(fmt::format("SZT_TEST_SEED={} round {}", test_seed(), round));
    const std::unique_ptr<Device> rtl = make_rtl_device(configuration, {});
    const std::uint32_t taken = run_starts(*rtl, command, gaps, codes, activations, 10).taken;
    for (const bool waits : {false, true}) {
      const std::unique_ptr<Device> model = make_model_device(configuration);
      EXPECT_GE(
          run_starts(*model, command, waits ? gaps : std::vector<int>(9, 0), codes, activations, 10)
              .taken,
          taken);
    }
    if (HasFailure()) return;
  }
}

// From the 15th packet on, only FLUSH ends the discarding.
TEST(ModelDevice, DiscardsWithoutAnEndWhatTheRtlDoes) {
  const Configuration& configuration = find_configuration("tiny");
  std::mt19937_64 generator(1);
  const Beats beats = make_beats(configuration, {1, 1, 1, DecodeMode::kForward}, generator);
  for (const bool rtl : {false, true}) {
    for (const int rounds : {7, 8}) {
      const std::unique_ptr<Device> device =
          rtl ? make_rtl_device(configuration, {}) : make_model_device(configuration);
      for (int i = 0; i < rounds; ++i) {
        start(*device, beats.command);
        start(*device, beats.command);
        write_register(*device, matmul::kControl, matmul::kControlSoftReset.mask());
      }
      for (int i = 0; i < 2 * rounds; ++i) {
        device->push_codes(beats.codes, true);
        device->push_activations(beats.activations, true);
      }
      for (int i = 0; i < 300; ++i) device->advance(1);
      const std::uint32_t discards =
          matmul::kStatusDiscardCodes.mask() | matmul::kStatusDiscardActivations.mask();
      EXPECT_EQ(read_register(*device, matmul::kStatus), rounds == 7 ? 0 : discards);
      write_register(*device, matmul::kControl, matmul::kControlFlush.mask());
      for (int i = 0; i < 5; ++i) device->advance(1);
      EXPECT_EQ(read_register(*device, matmul::kStatus), 0U);
    }
  }
}

}  // namespace
}  // namespace szt::sim
