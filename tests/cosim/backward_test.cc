// SPDX-License-Identifier: Apache-2.0
// The input gradient on the RTL: every bit the model's, every cycle the cycle model's.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "cosim/cosim_util.h"
#include "szt/gradient.h"

namespace szt::sim {
namespace {

class Backward : public testing::TestWithParam<std::string> {
 protected:
  const Configuration& configuration() const { return find_configuration(GetParam()); }

  // Runs G = dY * b(W) on the device; the shape's k is N of the weights, its n their K.
  void check(Device& device, const Work& work, const ZeroShift& shift, bool stalled) {
    SCOPED_TRACE("zero shift " + szt::to_string(shift));
    const PackedCodes weights = work.weights.transpose();
    std::vector<std::int32_t> expected(work.m * weights.cols());
    input_gradient(work.x, work.m, weights, shift, expected);
    std::vector<std::int32_t> g(expected.size(), 0x5A5A5A5A);
    const BackwardReport report =
        Driver(device).backward_input({work.x, work.m, weights, shift}, g);
    EXPECT_EQ(g, expected);
    for (const MatmulReport* pass : {&report.forward, &report.zero_sign}) {
      if (stalled && pass->cycles_model != 0) {
        EXPECT_GT(pass->cycles, pass->cycles_model);
      } else {
        EXPECT_EQ(pass->cycles, pass->cycles_model);
      }
    }
    const std::uint64_t macs = work.m * weights.rows() * weights.cols();
    EXPECT_EQ(report.forward.macs, macs);
    EXPECT_EQ(report.zero_sign.macs, shift ? macs : 0);
    EXPECT_EQ(report.forward.cycles == 0, macs == 0);
    EXPECT_EQ(report.zero_sign.cycles == 0, macs == 0 || !shift);
  }

  std::mt19937_64 generator_{test_seed()};
};

TEST_P(Backward, EqualsTheModelOnRaggedShapes) {
  const auto rows = static_cast<std::size_t>(configuration().rows);
  const auto cols = static_cast<std::size_t>(configuration().cols);
  const auto depth = static_cast<std::size_t>(configuration().acc_depth);
  const std::unique_ptr<Device> device = make_rtl_device(configuration());
  std::vector<Shape> shapes = {{1, 1, 1},
                               {2, rows, cols},
                               {3, rows + 1, cols - 1},
                               {5, 2 * rows - 1, cols + 1},
                               {7, 3 * rows + 2, 2 * cols + 3},
                               {depth + 1, rows + 3, cols + 2},
                               {0, 3, 4},
                               {3, 0, 4},
                               {3, 4, 0}};
  for (int i = 0; i < 6; ++i) {
    shapes.push_back(
        {1 + generator_() % 20, 1 + generator_() % (3 * rows), 1 + generator_() % (3 * cols)});
  }
  for (const Shape& shape : shapes) {
    SCOPED_TRACE(to_string(shape));
    const Work work = random_work(shape, generator_);
    for (const ZeroShift& shift :
         {ZeroShift(0U), ZeroShift(2U), ZeroShift(kMaxZeroShift), ZeroShift()}) {
      check(*device, work, shift, false);
      if (HasFailure()) return;
    }
  }
}

TEST_P(Backward, EveryShiftOnExtremes) {
  const std::unique_ptr<Device> device = make_rtl_device(configuration());
  for (const Code code : kAllCodes) {
    const Work work = constant_work({3, 40, 19}, -128, code);
    check(*device, work, std::nullopt, false);
    for (unsigned shift = 0; shift <= kMaxZeroShift; ++shift) check(*device, work, shift, false);
  }
}

TEST_P(Backward, StallsChangeNothing) {
  RtlOptions options;
  options.stalls = StreamStalls::all(StallPattern::random(0.4), test_seed());
  const std::unique_ptr<Device> device = make_rtl_device(configuration(), options);
  const Work work = random_work({9, 45, 37}, generator_);
  check(*device, work, 3U, true);
  check(*device, work, std::nullopt, true);
}

INSTANTIATE_TEST_SUITE_P(Configurations, Backward, testing::ValuesIn(test_configurations()),
                         [](const auto& parameter) { return parameter.param; });

}  // namespace
}  // namespace szt::sim
