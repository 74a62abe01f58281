// SPDX-License-Identifier: Apache-2.0
// The same core with each front-end: plain ternary, raw code wires, and SZT without backward modes.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "cosim/command_testing.h"
#include "cosim/cosim_util.h"
#include "szt/sim/registers.h"

namespace szt::sim {
namespace {

class FormatTest : public testing::TestWithParam<const char*> {};

TEST_P(FormatTest, ForwardProductAndCyclesAreTheSame) {
  const std::string format = GetParam();
  const std::string directory = std::string(SZT_FORMAT_DIRECTORY) + "/" + format;
  ASSERT_EQ(setenv("SZT_RTL_PATH", directory.c_str(), 1), 0);
  SCOPED_TRACE("front-end " + format);
  std::mt19937_64 generator(test_seed());
  const Configuration& configuration = find_configuration("tiny");
  for (const Shape& shape : {Shape{1, 1, 1}, Shape{5, 13, 9}, Shape{64, 40, 17}}) {
    for (const double stall : {0.0, 0.5}) {
      Work work = random_work(shape, generator);
      if (format == "bt") {  // plain ternary has no 10
        for (std::size_t r = 0; r < shape.n; ++r) {
          for (std::size_t c = 0; c < shape.k; ++c) {
            if (work.weights.get(r, c) == Code::kZeroMinus) {
              work.weights.set(r, c, Code::kZeroPlus);
            }
          }
        }
      }
      run_checked(configuration, work,
                  {.stalls = StreamStalls::all(StallPattern::random(stall), 7),
                   .trace = {},
                   .initial_state = 0});
    }
  }
  // A negative zero adds nothing even where its sign reaches the array.
  if (format != "bt") run_checked(configuration, constant_work({9, 30, 9}, -128, Code::kZeroMinus));
}

// START of a mode that is not built is refused, with nothing to do and with a command at work.
TEST_P(FormatTest, BackwardModesAreRefused) {
  const std::string directory = std::string(SZT_FORMAT_DIRECTORY) + "/" + GetParam();
  ASSERT_EQ(setenv("SZT_RTL_PATH", directory.c_str(), 1), 0);
  const std::unique_ptr<Device> device = make_rtl_device(find_configuration("tiny"));
  const std::uint32_t error = matmul::kStatusErrorMode.mask();
  for (const std::uint32_t busy : {0U, matmul::kStatusBusy.mask()}) {
    if (busy != 0) start(*device, {1, 1, 1, DecodeMode::kForward});
    for (const DecodeMode mode : {DecodeMode::kZeroSign, DecodeMode::kSign}) {
      start(*device, {1, 1, 1, mode});
      for (int i = 0; i < 4; ++i) device->advance(1);
      EXPECT_EQ(read_register(*device, matmul::kStatus), error | busy);
      write_register(*device, matmul::kStatus, error);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(FrontEnds, FormatTest, testing::Values("bt", "raw", "forward"),
                         [](const auto& name) { return std::string(name.param); });

}  // namespace
}  // namespace szt::sim
