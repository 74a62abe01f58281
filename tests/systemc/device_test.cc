// SPDX-License-Identifier: Apache-2.0
// The device "tlm", loaded as the szt tool does it: this program does not link SystemC.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <memory>
#include <random>
#include <vector>

#include "cosim/command_testing.h"
#include "cosim/cosim_util.h"
#include "szt/error.h"
#include "szt/sim/registers.h"
#include "szt/sim/tlm_device.h"

namespace szt::sim {
namespace {

class TlmDeviceTest : public testing::TestWithParam<std::string> {
 protected:
  const Configuration& configuration() const { return find_configuration(GetParam()); }

  std::mt19937_64 generator_{test_seed()};
  testing::ScopedTrace trace_{__FILE__, __LINE__, fmt::format("SZT_TEST_SEED={}", test_seed())};
};

// SystemC's banner on standard output would end up in the tool's.
TEST_P(TlmDeviceTest, SaysWhatItIsAndPrintsNothing) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  {
    const std::unique_ptr<Device> device = make_tlm_device(configuration());
    EXPECT_EQ(device->name(), "tlm");
    EXPECT_EQ(device->configuration().name, configuration().name);
    device->advance(100);
    EXPECT_NE(device->describe().find("0 commands held"), std::string::npos);
  }
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_P(TlmDeviceTest, RunsProductsOfAnyShapeInTheModelsCycles) {
  const std::unique_ptr<Device> device = make_tlm_device(configuration());
  const auto rows = static_cast<std::size_t>(configuration().rows);
  const auto depth = static_cast<std::size_t>(configuration().acc_depth);
  for (const Shape& shape :
       {Shape{1, 1, 1}, Shape{3, rows, rows}, Shape{rows + 1, 2 * rows - 1, rows + 3},
        Shape{depth, 3 * rows, 1}, Shape{2 * depth + 5, rows + 1, 2 * rows}, Shape{5, 0, 3},
        Shape{depth / 2 + 1, 5 * rows, 4 * rows + 1}}) {
    for (const DecodeMode mode : kAllDecodeModes) {
      run_checked(*device, random_work(shape, generator_, mode), false);
      if (HasFailure()) return;
    }
  }
}

TEST_P(TlmDeviceTest, PollingWorksToo) {
  const std::unique_ptr<Device> device = make_tlm_device(configuration());
  const Work work = random_work({20, 30, 40}, generator_);
  std::vector<std::int32_t> y(20 * 40), expected(y.size());
  Driver(*device, {.completion = Completion::kPolling, .poll_cycles = 50, .progress = {}})
      .matmul(work.job(), y);
  const std::unique_ptr<Device> other = make_tlm_device(configuration());
  Driver(*other).matmul(work.job(), expected);
  EXPECT_EQ(y, expected);
}

// The times that the device gives are those of the cycle model, for queued commands as well.
TEST_P(TlmDeviceTest, QueuedCommandsTakeTheModelsCycles) {
  const std::unique_ptr<Device> device = make_tlm_device(configuration());
  const auto width =
      static_cast<std::uint32_t>(std::max(configuration().rows, configuration().cols));
  std::vector<Beats> list;
  for (const std::uint32_t m : {width, 1U, width + 2}) {
    list.push_back(make_beats(configuration(), {m, 6, 2, DecodeMode::kSign}, generator_));
  }
  const std::vector<std::uint64_t> cycles = busy_cycles(run_commands(*device, list));
  ASSERT_EQ(cycles.size(), list.size());
  EXPECT_EQ(cycles[0], command_cycles(configuration(), list[0].command));
  for (std::size_t i = 1; i < list.size(); ++i) {
    EXPECT_EQ(cycles[i],
              queued_command_cycles(configuration(), list[i - 1].command, list[i].command));
  }
}

// Each has a kernel of its own.
TEST_P(TlmDeviceTest, SeveralLiveAtATime) {
  std::unique_ptr<Device> first = make_tlm_device(configuration());
  const std::unique_ptr<Device> second = make_tlm_device(configuration());
  run_checked(*first, random_work({3, 20, 10}, generator_), false);
  const std::uint64_t cycle = first->cycle();
  run_checked(*second, random_work({9, 40, 10}, generator_), false);
  EXPECT_EQ(first->cycle(), cycle);
  run_checked(*first, random_work({5, 7, 9}, generator_), false);
  first.reset();
  run_checked(*second, random_work({9, 40, 10}, generator_), false);
}

TEST_P(TlmDeviceTest, RefusedRegistersAreSlverr) {
  const std::unique_ptr<Device> device = make_tlm_device(configuration());
  EXPECT_EQ(device->read_register(matmul::kId), matmul::kIdValue);
  EXPECT_EQ(device->read_register(matmul::kId + 2), matmul::kIdValue);  // low bits are ignored
  EXPECT_FALSE(device->read_register(matmul::kResultsStalls + 4).has_value());
  EXPECT_FALSE(device->write_register(matmul::kResultsStalls + 4, 0));
  EXPECT_FALSE(device->write_register(matmul::kId, 0));
  EXPECT_TRUE(device->write_register(matmul::kM, 7));
  EXPECT_EQ(device->read_register(matmul::kM), 7U);
}

TEST_P(TlmDeviceTest, RecoversFromAnInterruptedRun) {
  const std::unique_ptr<Device> device = make_tlm_device(configuration());
  Driver driver(*device);
  const Work work = random_work({40, 100, 50}, generator_);
  std::vector<std::int32_t> y(40 * 50);
  struct Stop {};
  int beats = 0;
  EXPECT_THROW(driver.matmul(work.job(), y,
                             [&beats](const ResultBeat&) {
                               if (++beats == 45) throw Stop{};
                             }),
               Stop);
  driver.recover();
  run_checked(*device, work, false);
}

TEST_P(TlmDeviceTest, AnErrorOfSystemCIsADeviceError) {
  const std::unique_ptr<Device> device = make_tlm_device(configuration());
  device->advance(std::uint64_t{1} << 50);
  try {
    device->advance(std::uint64_t{1} << 50);  // beyond the end of SystemC's time
    FAIL() << "no error";
  } catch (const DeviceError& error) {
    EXPECT_NE(std::string(error.what()).find("SystemC"), std::string::npos) << error.what();
  }
  EXPECT_EQ(device->read_register(matmul::kId), matmul::kIdValue);
}

INSTANTIATE_TEST_SUITE_P(Configurations, TlmDeviceTest, testing::Values("tiny", "small", "medium"),
                         [](const auto& given) { return given.param; });

}  // namespace
}  // namespace szt::sim
