// SPDX-License-Identifier: Apache-2.0
// The RTL against the model: shapes, modes, stalls and limits, on every configuration.
#include "szt/matmul.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <set>

#include "cosim/command_testing.h"
#include "cosim/cosim_util.h"
#include "szt/cycle_model.h"
#include "szt/error.h"
#include "szt/sim/model_device.h"
#include "szt/sim/registers.h"

namespace szt::sim {
namespace {

constexpr std::size_t kHazardWindow = 4;  // HazardWindow of rtl/matmul_core.sv

class MatmulTest : public testing::TestWithParam<std::string> {
 protected:
  const Configuration& configuration() const { return find_configuration(GetParam()); }
  std::size_t rows() const { return static_cast<std::size_t>(configuration().rows); }
  std::size_t cols() const { return static_cast<std::size_t>(configuration().cols); }
  std::size_t depth() const { return static_cast<std::size_t>(configuration().acc_depth); }

  // 1, one beside every tile edge, and past two tiles.
  static std::vector<std::size_t> edges(std::size_t tile) {
    std::set<std::size_t> sizes = {1, 2, tile - 1, tile, tile + 1, 2 * tile, 2 * tile + 1};
    return {sizes.begin(), sizes.end()};
  }

  std::mt19937_64 generator_{test_seed()};
  testing::ScopedTrace trace_{__FILE__, __LINE__, fmt::format("SZT_TEST_SEED={}", test_seed())};
};

// One to three tiles each way: results and cycles exact.
TEST_P(MatmulTest, EveryRaggedShapeAndModeUnstalled) {
  const std::unique_ptr<Device> device = make_rtl_device(configuration());
  for (const DecodeMode mode : kAllDecodeModes) {
    for (const std::size_t m : edges(rows())) {
      for (const std::size_t k : edges(rows())) {
        for (const std::size_t n : edges(cols())) {
          run_checked(*device, random_work({m, k, n}, generator_, mode), false);
          if (HasFailure()) return;
        }
      }
    }
  }
}

// Idle gaps x back-pressure x shapes, each stream alone and all together.
TEST_P(MatmulTest, StallsCrossProduct) {
  const StallPattern none;
  const StallPattern patterns[] = {none, StallPattern::random(0.3), StallPattern::random(0.9),
                                   StallPattern::burst(0.5, 40), StallPattern::periodic(3)};
  const Shape shapes[] = {{1, 3 * rows(), 2 * cols()},
                          {3, 2 * rows() + 1, cols() + 1},
                          {std::min(depth(), rows() + 5), 2 * rows(), 2 * cols()}};
  std::uint64_t seed = test_seed();
  for (const StallPattern& codes : patterns) {
    for (const StallPattern& activations : patterns) {
      for (const StallPattern& results : patterns) {
        for (const Shape& shape : shapes) {
          ++seed;
          SCOPED_TRACE(fmt::format("stall seed {}", seed));
          run_checked(configuration(), random_work(shape, generator_),
                      {.stalls = {codes, codes, activations, results, seed},
                       .trace = {},
                       .initial_state = 0});
          if (HasFailure()) return;
        }
      }
    }
  }
}

// The two passes of an input gradient on the array, against the model.
TEST_P(MatmulTest, BackwardInputEqualsTheModels) {
  const std::unique_ptr<RtlDevice> rtl = make_rtl_device(
      configuration(), {.stalls = StreamStalls::all(StallPattern::random(0.2), test_seed()),
                        .trace = {},
                        .initial_state = 1});
  const std::unique_ptr<Device> model = make_model_device(configuration());
  const std::size_t m = 7, n = 2 * rows() + 3, k = cols() + 5;
  const Work work = random_work({m, k, n}, generator_);  // weights [n, k]
  std::vector<std::int8_t> dy(m * n);
  for (std::int8_t& value : dy) value = static_cast<std::int8_t>(generator_());
  for (const std::optional<unsigned> shift :
       {std::optional<unsigned>(2), std::optional<unsigned>()}) {
    std::vector<std::int32_t> got(m * k), expected(m * k);
    Driver(*rtl).backward_input({dy, m, work.weights, shift}, got);
    Driver(*model).backward_input({dy, m, work.weights, shift}, expected);
    EXPECT_EQ(got, expected);
  }
}

// A vector must not be issued while its place in the accumulator is being updated: thin blocks with
// several K tiles, activations coming in fits.
TEST_P(MatmulTest, AccumulatorHazardWindow) {
  for (std::size_t m = 1; m <= kHazardWindow + 1; ++m) {
    for (int run = 0; run < 24; ++run) {
      const std::uint64_t seed = test_seed() + static_cast<std::uint64_t>(run);
      SCOPED_TRACE(fmt::format("stall seed {}", seed));
      const double probability = 0.1 + 0.1 * (run % 9);
      const StallPattern pattern =
          run % 2 == 0 ? StallPattern::random(probability) : StallPattern::burst(probability, 12);
      StreamStalls stalls;
      stalls.activations = pattern;
      stalls.seed = seed;
      run_checked(configuration(), random_work({m, 7 * rows(), 2 * cols()}, generator_),
                  {.stalls = stalls, .trace = {}, .initial_state = 0});
      if (HasFailure()) return;
    }
  }
}

TEST_P(MatmulTest, ExtremeOperands) {
  const std::unique_ptr<Device> device = make_rtl_device(configuration());
  const Shape shape{5, 2 * rows() + 3, cols() + 2};
  for (const DecodeMode mode : kAllDecodeModes) {
    for (const Code code : kAllCodes) {
      for (const std::int8_t activation :
           std::initializer_list<std::int8_t>{-128, -127, -1, 0, 1, 127}) {
        run_checked(*device, constant_work(shape, activation, code, mode), false);
        if (HasFailure()) return;
      }
    }
  }
}

// Every mixture of codes in every mode under every kind of stall, on ragged shapes in turn.
TEST_P(MatmulTest, MixturesOfCodesTimesModesTimesStalls) {
  const std::vector<Code> mixtures[] = {{Code::kPlusOne},
                                        {Code::kMinusOne},
                                        {Code::kZeroPlus},
                                        {Code::kZeroMinus},
                                        {Code::kZeroPlus, Code::kZeroMinus},
                                        {Code::kPlusOne, Code::kMinusOne},
                                        {Code::kPlusOne, Code::kZeroMinus},
                                        {kAllCodes.begin(), kAllCodes.end()}};
  const StallPattern none, some = StallPattern::random(0.3), most = StallPattern::random(0.9);
  const StreamStalls stalls[] = {{none, none, none, none, 1},
                                 {none, some, some, none, 1},
                                 {none, none, none, some, 1},
                                 {none, some, some, some, 1},
                                 {none, most, most, most, 1}};
  std::size_t turn = 0;
  for (const StreamStalls& stall : stalls) {
    for (const std::vector<Code>& mixture : mixtures) {
      for (const DecodeMode mode : kAllDecodeModes) {
        RtlOptions options{.stalls = stall, .trace = {}, .initial_state = 0};
        options.stalls.seed = generator_();
        ++turn;
        // K and N of two tiles at least, where a sum has all of a mixture.
        Work work =
            random_work({rows() + 1 + turn % 3, 2 * rows() + turn % 2, 2 * cols() + turn / 2 % 2},
                        generator_, mode);
        std::vector<Code> codes(work.weights.rows() * work.weights.cols());
        for (Code& code : codes) code = mixture[generator_() % mixture.size()];
        work.weights = PackedCodes::pack(codes, work.weights.rows(), work.weights.cols());
        SCOPED_TRACE(
            fmt::format("mixture of {}, stall seed {}", mixture.size(), options.stalls.seed));
        run_checked(configuration(), work, options);
        if (HasFailure()) return;
      }
    }
  }
}

TEST_P(MatmulTest, BlocksBeyondTheAccumulatorQueueWithoutBubbles) {
  const std::unique_ptr<Device> device = make_rtl_device(configuration());
  for (const std::size_t m : {depth(), depth() + 1, 9 * depth() + 1}) {
    const std::uint32_t before = read_register(*device, matmul::kDoneCount);
    run_checked(*device, random_work({m, 2 * rows(), cols() + 1}, generator_), false);
    EXPECT_EQ(read_register(*device, matmul::kDoneCount) - before, (m + depth() - 1) / depth());
    if (HasFailure()) return;
  }
}

// Commands of one or a few tiles: the driver has hardly the time to start the next one.
TEST_P(MatmulTest, BriefCommandsQueueWithoutBubbles) {
  const std::unique_ptr<Device> device = make_rtl_device(configuration());
  std::uniform_int_distribution<std::size_t> m_of(depth() + 1, 12 * depth());
  std::uniform_int_distribution<std::size_t> tiles(1, 3);
  for (int i = 0; i < 24; ++i) {
    const Work work =
        random_work({i == 0 ? depth() + 1 : m_of(generator_), tiles(generator_) * rows(),
                     i < 12 ? 1 : tiles(generator_) * cols()},
                    generator_);
    for (const Completion completion : {Completion::kInterrupt, Completion::kPolling}) {
      std::vector<std::int32_t> y(work.m * work.weights.rows());
      const MatmulReport report =
          Driver(*device, {.completion = completion, .progress = {}}).matmul(work.job(), y);
      ASSERT_EQ(report.cycles, report.cycles_model)
          << work.m << " x " << work.weights.cols() << " x " << work.weights.rows()
          << (completion == Completion::kPolling ? ", polling" : "");
    }
  }
}

// As many vectors as the accumulator holds and more, with every K and N, mode and kind of stall.
TEST_P(MatmulTest, FullAccumulatorTimesShapesTimesStalls) {
  const StallPattern none, some = StallPattern::random(0.2), most = StallPattern::random(0.9);
  const StreamStalls stalls[] = {{none, none, none, none, 1},
                                 {none, some, some, none, 1},
                                 {none, none, none, some, 1},
                                 {none, some, some, some, 1},
                                 {none, most, most, most, 1}};
  const auto sizes = [](std::size_t tile) {
    return std::vector<std::size_t>{1, tile - 1, tile, tile + 1, 2 * tile, 2 * tile + 1};
  };
  const std::vector<std::size_t> k_of = sizes(rows()), n_of = sizes(cols());
  for (const std::size_t m : {depth(), depth() + 1, depth() + 2}) {
    for (std::size_t turn = 0; turn < k_of.size() * n_of.size(); ++turn) {
      RtlOptions options{
          .stalls = stalls[turn % std::size(stalls)], .trace = {}, .initial_state = 0};
      options.stalls.seed = generator_();
      SCOPED_TRACE(fmt::format("stall seed {}", options.stalls.seed));
      const Shape shape{m, k_of[turn % k_of.size()], n_of[turn / k_of.size()]};
      run_checked(configuration(),
                  random_work(shape, generator_, kAllDecodeModes[turn % kDecodeModeCount]),
                  options);
      if (HasFailure()) return;
    }
  }
}

TEST_P(MatmulTest, BlocksBeyondTheAccumulatorUnderStalls) {
  run_checked(configuration(), random_work({3 * depth() + 1, rows() + 1, cols() + 1}, generator_),
              {.stalls = StreamStalls::all(StallPattern::random(0.4), test_seed()),
               .trace = {},
               .initial_state = 0});
}

TEST_P(MatmulTest, EmptyJobsTouchNothing) {
  const std::unique_ptr<Device> device = make_rtl_device(configuration());
  for (const Shape& shape : {Shape{0, 3, 3}, Shape{3, 0, 3}, Shape{3, 3, 0}, Shape{0, 0, 0}}) {
    const Work work = random_work(shape, generator_);
    std::vector<std::int32_t> y(shape.m * shape.n, 7);
    const MatmulReport report = Driver(*device).matmul(work.job(), y);
    EXPECT_EQ(report.cycles, 0U);
    EXPECT_EQ(y, std::vector<std::int32_t>(shape.m * shape.n, 0));
  }
}

TEST_P(MatmulTest, UtilizationOfLongRuns) {
  const std::size_t m = depth();
  const Work work = random_work({m, 6 * rows(), 4 * cols()}, generator_);
  const MatmulReport report = run_checked(configuration(), work);
  const double tiles = 6 * 4;
  const double period = static_cast<double>(std::max({m, rows(), cols()}));
  EXPECT_LE(static_cast<double>(report.cycles),
            (tiles - 1) * period + static_cast<double>(m + 2 * (rows() + cols()) + 32));
}

TEST_P(MatmulTest, RandomInitialStateDoesNotMatterAfterReset) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(fmt::format("initial state {}", seed));
    run_checked(configuration(), random_work({5, 3 * rows() - 1, cols() + 1}, generator_),
                {.stalls = {}, .trace = {}, .initial_state = seed});
    if (HasFailure()) return;
  }
}

// Random everything, for the regressions: SZT_TEST_SEED picks another stretch.
TEST_P(MatmulTest, RandomShapesAndStalls) {
  std::uniform_int_distribution<std::size_t> m_of(1, std::min<std::size_t>(depth() + 8, 40));
  std::uniform_int_distribution<std::size_t> k_of(1, 5 * rows());
  std::uniform_int_distribution<std::size_t> n_of(1, 3 * cols());
  const double levels[] = {0, 0, 0.1, 0.5, 0.8, 0.95};
  const auto pattern = [&]() -> StallPattern {
    const double p = levels[generator_() % std::size(levels)];
    return generator_() % 2 == 0
               ? StallPattern::random(p)
               : StallPattern::burst(p, 1 + static_cast<std::uint32_t>(generator_() % 60));
  };
  for (int run = 0; run < 200; ++run) {
    const Shape shape{m_of(generator_), k_of(generator_), n_of(generator_)};
    const DecodeMode mode = kAllDecodeModes[generator_() % kDecodeModeCount];
    StreamStalls stalls;
    stalls.bus = pattern();
    stalls.codes = pattern();
    stalls.activations = pattern();
    stalls.results = pattern();
    stalls.seed = generator_();
    SCOPED_TRACE(fmt::format("run {}", run));
    run_checked(configuration(), random_work(shape, generator_, mode),
                {.stalls = stalls, .trace = {}, .initial_state = generator_() % 1000});
    if (HasFailure()) return;
  }
}

// The largest K that int32 takes exactly, at the most extreme sum: over 2^24 cycles.
TEST_P(MatmulTest, LargestK) {
  const Work work = constant_work({1, kMaxExactK, 1}, -128, Code::kMinusOne);
  const MatmulReport report = run_checked(configuration(), work);
  EXPECT_GE(report.cycles, std::size_t{1} << 24);
}

TEST(MatmulLimits, OneMoreThanTheLargestKIsRefused) {
  const Configuration& tiny = find_configuration(test_configurations().front());
  const std::unique_ptr<Device> device = make_rtl_device(tiny);
  const Work work = constant_work({1, kMaxExactK + 1, 1}, 1, Code::kPlusOne);
  std::vector<std::int32_t> y(1);
  EXPECT_THROW(Driver(*device).matmul(work.job(), y), InputError);
}

INSTANTIATE_TEST_SUITE_P(Rtl, MatmulTest, testing::ValuesIn(test_configurations()),
                         [](const auto& name) { return name.param; });

}  // namespace
}  // namespace szt::sim
