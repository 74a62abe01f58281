// SPDX-License-Identifier: Apache-2.0
// The verification parts themselves: model device, scoreboard, watchdog, stall generators.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "cosim/cosim_util.h"
#include "szt/error.h"
#include "szt/matmul.h"
#include "szt/sim/model_device.h"
#include "szt/sim/registers.h"
#include "szt/sim/scoreboard.h"

namespace szt::sim {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(ModelDevice, EqualsTheModelOnEveryConfigurationShapeAndMode) {
  std::mt19937_64 generator(test_seed());
  for (const Configuration& configuration : configurations()) {
    const std::unique_ptr<Device> device = make_model_device(configuration);
    for (const DecodeMode mode : kAllDecodeModes) {
      for (const Shape& shape : {Shape{1, 1, 1}, Shape{3, 70, 33}, Shape{65, 9, 40},
                                 Shape{600, 33, 65}, Shape{0, 3, 3}, Shape{2, 0, 2}}) {
        run_checked(*device, random_work(shape, generator, mode), false);
        if (HasFailure()) return;
      }
    }
  }
}

Work small_work() {
  std::mt19937_64 generator(1);
  return random_work({4, 20, 18}, generator);
}

// Runs on a model device; `tamper` may change each beat before the scoreboard sees it.
Scoreboard checked_run(
    const Work& work,
    const std::function<void(const ResultBeat&, std::vector<std::int32_t>&)>& tamper) {
  const Configuration& configuration = find_configuration("medium");
  Scoreboard scoreboard(work.job(), configuration);
  const std::unique_ptr<Device> device = make_model_device(configuration);
  std::vector<std::int32_t> y(work.m * work.weights.rows());
  Driver(*device).matmul(work.job(), y, [&](const ResultBeat& beat) {
    std::vector<std::int32_t> lanes(beat.lanes.begin(), beat.lanes.end());
    tamper(beat, lanes);
    scoreboard.check({beat.row, beat.first_col, lanes, beat.cycle});
  });
  return scoreboard;
}

TEST(Scoreboard, AcceptsRightResults) {
  const Work work = small_work();
  const Scoreboard scoreboard = checked_run(work, [](const auto&, auto&) {});
  EXPECT_EQ(scoreboard.mismatches(), 0U);
  EXPECT_EQ(scoreboard.results_compared(), 4U * 32);
  EXPECT_FALSE(scoreboard.first().has_value());
  EXPECT_EQ(scoreboard.explain(), "");
}

TEST(Scoreboard, FindsEverySingleWrongBit) {
  const Work work = small_work();
  for (int bit = 0; bit < 32; ++bit) {
    const Scoreboard scoreboard = checked_run(work, [&](const ResultBeat& beat, auto& lanes) {
      if (beat.row == 2 && beat.first_col == 16) lanes[1] ^= static_cast<std::int32_t>(1U << bit);
    });
    EXPECT_EQ(scoreboard.mismatches(), 1U);
    ASSERT_TRUE(scoreboard.first().has_value());
    EXPECT_EQ(scoreboard.first()->row, 2U);
    EXPECT_EQ(scoreboard.first()->col, 17U);
    EXPECT_EQ(scoreboard.first()->n_tile, 1U);
    EXPECT_EQ(scoreboard.first()->lane, 1U);
    EXPECT_THAT(scoreboard.explain(), HasSubstr("row m = 2, column n = 17"));
  }
}

TEST(Scoreboard, ChecksPaddingLanesInEveryMode) {
  for (const DecodeMode mode : kAllDecodeModes) {
    Work work = small_work();
    work.mode = mode;
    EXPECT_EQ(checked_run(work, [](const auto&, auto&) {}).mismatches(), 0U);
    const Scoreboard scoreboard = checked_run(work, [](const ResultBeat& beat, auto& lanes) {
      if (beat.row == 0 && beat.first_col == 16) lanes[9] += 1;
    });
    EXPECT_EQ(scoreboard.mismatches(), 1U);
    EXPECT_THAT(scoreboard.explain(), HasSubstr("padding"));
  }
}

TEST(Scoreboard, NamesALostTerm) {
  Work work = constant_work({1, 20, 1}, 3, Code::kZeroPlus);
  work.x[13] = 77;
  work.weights.set(0, 13, Code::kMinusOne);
  work.weights.set(0, 2, Code::kPlusOne);
  const Scoreboard scoreboard = checked_run(work, [](const auto&, auto& lanes) { lanes[0] += 77; });
  EXPECT_THAT(scoreboard.explain(), HasSubstr("the term of k = 13 (K tile 0, array row 13) lost"));
}

TEST(Driver, PollingAndInterruptsGiveTheSame) {
  const std::unique_ptr<Device> device = make_model_device(find_configuration("tiny"));
  const Work work = small_work();
  std::vector<std::int32_t> y(4 * 18), polled(4 * 18);
  const MatmulReport a = Driver(*device).matmul(work.job(), y);
  const MatmulReport b = Driver(*device, {.completion = Completion::kPolling, .progress = {}})
                             .matmul(work.job(), polled);
  EXPECT_EQ(y, polled);
  EXPECT_EQ(a.cycles, b.cycles);
}

// Against G = 2^k dY f(W) + dY z(W), term by term.
TEST(Driver, BackwardInputIsTheDefinition) {
  std::mt19937_64 generator(test_seed());
  const std::unique_ptr<Device> device = make_model_device(find_configuration("tiny"));
  for (const std::optional<unsigned> shift :
       {std::optional<unsigned>(0), std::optional<unsigned>(2), std::optional<unsigned>(7),
        std::optional<unsigned>()}) {
    Work work = random_work({5, 13, 11}, generator);  // weights [11, 13]
    std::vector<std::int8_t> dy(5 * 11);
    for (std::int8_t& value : dy) value = static_cast<std::int8_t>(generator());
    std::vector<std::int32_t> g(5 * 13);
    Driver(*device).backward_input({dy, 5, work.weights, shift}, g);
    for (std::size_t m = 0; m < 5; ++m) {
      for (std::size_t k = 0; k < 13; ++k) {
        std::int32_t sum = 0;
        for (std::size_t n = 0; n < 11; ++n) {
          const Code code = work.weights.get(n, k);
          const int f = decode(code, DecodeMode::kForward);
          const int z = decode(code, DecodeMode::kZeroSign);
          sum += dy[m * 11 + n] * (shift ? (f << *shift) + z : f);
        }
        ASSERT_EQ(g[m * 13 + k], sum) << m << ", " << k;
      }
    }
  }
  std::vector<std::int32_t> g(1);
  const PackedCodes wide((std::size_t{1} << 17), 1);
  const std::vector<std::int8_t> dy(wide.rows());
  EXPECT_THROW(Driver(*device).backward_input({dy, 1, wide, 7}, g), InputError);
  EXPECT_THROW(Driver(*device).backward_input({dy, 1, wide, 8}, g), InputError);
}

TEST(Driver, RefusesOperandsOfAWrongSize) {
  const std::unique_ptr<Device> device = make_model_device(find_configuration("tiny"));
  Work work = small_work();
  std::vector<std::int32_t> y(4 * 18);
  std::vector<std::int32_t> short_y(4 * 18 - 1);
  EXPECT_THROW(Driver(*device).matmul(work.job(), short_y), InputError);
  work.x.pop_back();
  EXPECT_THROW(Driver(*device).matmul(work.job(), y), InputError);
}

TEST(Driver, ReportsProgressUpToTheEnd) {
  const std::unique_ptr<Device> device = make_model_device(find_configuration("tiny"));
  const Work work = small_work();
  std::vector<std::int32_t> y(4 * 18);
  std::uint64_t done = 0, total = 0;
  Driver driver(*device,
                {.watchdog_cycles = 1000, .progress = [&](std::uint64_t d, std::uint64_t t) {
                   EXPECT_GE(d, done);
                   done = d;
                   total = t;
                 }});
  driver.matmul(work.job(), y);
  EXPECT_EQ(done, total);
  EXPECT_EQ(total, 4U * 5);
}

double stalled_share(const StallPattern& pattern) {
  StallGenerator generator(pattern, test_seed());
  int stalled = 0;
  for (int i = 0; i < 200'000; ++i) stalled += generator.next() ? 1 : 0;
  return stalled / 200'000.0;
}

TEST(StallGenerator, StallsTheShareThatIsAskedFor) {
  EXPECT_EQ(stalled_share({}), 0);
  EXPECT_EQ(stalled_share(StallPattern::random(0)), 0);
  for (const double p : {0.1, 0.5, 0.95}) {
    EXPECT_NEAR(stalled_share(StallPattern::random(p)), p, 0.01);
    EXPECT_NEAR(stalled_share(StallPattern::burst(p, 20)), p, 0.05);
  }
  EXPECT_NEAR(stalled_share(StallPattern::periodic(4)), 0.75, 1e-5);
}

TEST(StallGenerator, RefusesNonsense) {
  EXPECT_THROW(StallGenerator(StallPattern::random(1.0), 1), InputError);
  EXPECT_THROW(StallGenerator(StallPattern::random(-0.1), 1), InputError);
  EXPECT_THROW(StallGenerator(StallPattern::burst(0.5, 0), 1), InputError);
}

TEST(RtlLoader, NamesWhatIsMissing) {
  Configuration unknown = find_configuration("tiny");
  unknown.name = "nosuch";
  try {
    make_rtl_device(unknown);
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("szt_rtl_nosuch"));
  }
}

}  // namespace
}  // namespace szt::sim
