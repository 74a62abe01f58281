// SPDX-License-Identifier: Apache-2.0
#include "cosim/cosim_util.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <sstream>

#include "coverage_bins.h"
#include "szt/sim/scoreboard.h"

namespace szt::sim {
namespace {

// A size among tiles of so many.
const char* size_bin(std::size_t size, std::size_t tile) {
  if (size == 1) return "1";
  if (size < tile) return "below_tile";
  if (size == tile) return "tile";
  if (size == tile + 1) return "tile_and_1";
  return size % tile == 0 ? "tiles" : "ragged_tiles";
}

const char* m_bin(std::size_t m, const Configuration& configuration) {
  const auto depth = static_cast<std::size_t>(configuration.acc_depth);
  if (m > depth) return m % depth == 1 ? "blocks_and_1" : "blocks";
  if (m == depth) return "depth";
  const char* const bin = size_bin(m, static_cast<std::size_t>(configuration.rows));
  return m > static_cast<std::size_t>(configuration.rows) + 1 ? "above" : bin;
}

const char* codes_bin(const PackedCodes& weights) {
  std::array<bool, 4> seen{};
  for (std::size_t n = 0; n < weights.rows(); ++n) {
    for (std::size_t k = 0; k < weights.cols(); ++k) {
      seen[static_cast<std::size_t>(weights.get(n, k))] = true;
    }
  }
  const auto only = [&](std::initializer_list<Code> codes) {
    std::array<bool, 4> want{};
    for (const Code code : codes) want[static_cast<std::size_t>(code)] = true;
    return want == seen;
  };
  if (only({Code::kPlusOne})) return "plus_one";
  if (only({Code::kMinusOne})) return "minus_one";
  if (only({Code::kZeroPlus})) return "zero_plus";
  if (only({Code::kZeroMinus})) return "zero_minus";
  if (only({Code::kZeroPlus, Code::kZeroMinus})) return "both_zeros";
  if (only({Code::kPlusOne, Code::kMinusOne})) return "no_zeros";
  return only({Code::kPlusOne, Code::kMinusOne, Code::kZeroPlus, Code::kZeroMinus}) ? "all_four"
                                                                                    : "others";
}

const char* activations_bin(const std::vector<std::int8_t>& x) {
  const auto all = [&](std::int8_t value) {
    return std::all_of(x.begin(), x.end(), [=](std::int8_t each) { return each == value; });
  };
  if (all(-128)) return "lowest";
  if (all(127)) return "highest";
  if (all(0)) return "zero";
  return std::count(x.begin(), x.end(), std::int8_t{-128}) != 0 ? "mixed_with_lowest" : "mixed";
}

// As they were at the pins.
const char* stalls_bin(const StreamStallCounts& before, const StreamStallCounts& after,
                       std::uint64_t cycles) {
  const std::uint64_t gaps =
      (after.codes - before.codes) + (after.activations - before.activations);
  const std::uint64_t blocked = after.results - before.results;
  if (gaps == 0 && blocked == 0) return "none";
  if (2 * std::max({after.codes - before.codes, after.activations - before.activations, blocked}) >=
      cycles) {
    return "heavy";
  }
  if (gaps == 0) return "back_pressure";
  return blocked == 0 ? "gaps" : "both";
}

void sample_job(const Configuration& configuration, const Work& work, const char* stalls) {
  static CoverageBins bins("jobs");
  constexpr std::array<const char*, 3> kModes = {"forward", "zero_sign", "sign"};
  bins.sample("job",
              {{"m", m_bin(work.m, configuration)},
               {"k", size_bin(work.weights.cols(), static_cast<std::size_t>(configuration.rows))},
               {"n", size_bin(work.weights.rows(), static_cast<std::size_t>(configuration.cols))},
               {"mode", kModes[static_cast<std::size_t>(work.mode)]},
               {"codes", codes_bin(work.weights)},
               {"activations", activations_bin(work.x)},
               {"stalls", stalls}});
}

}  // namespace

std::string to_string(const Shape& shape) {
  return fmt::format("M={} K={} N={}", shape.m, shape.k, shape.n);
}

Work random_work(const Shape& shape, std::mt19937_64& generator, DecodeMode mode) {
  constexpr std::array<std::int8_t, 5> kExtremes = {-128, -127, -1, 0, 127};
  Work work;
  work.m = shape.m;
  work.mode = mode;
  work.x.resize(shape.m * shape.k);
  for (std::int8_t& value : work.x) {
    const std::uint64_t bits = generator();
    value = bits % 8 == 0 ? kExtremes[(bits >> 8) % kExtremes.size()]
                          : static_cast<std::int8_t>(bits >> 8);
  }
  std::vector<Code> codes(shape.n * shape.k);
  for (Code& code : codes) code = kAllCodes[generator() >> 62];
  work.weights = PackedCodes::pack(codes, shape.n, shape.k);
  return work;
}

Work constant_work(const Shape& shape, std::int8_t activation, Code code, DecodeMode mode) {
  Work work;
  work.m = shape.m;
  work.mode = mode;
  work.x.assign(shape.m * shape.k, activation);
  work.weights = PackedCodes::pack(std::vector<Code>(shape.n * shape.k, code), shape.n, shape.k);
  return work;
}

MatmulReport run_checked(Device& device, const Work& work, bool stalled) {
  const Configuration& configuration = device.configuration();
  const std::size_t n = work.weights.rows();
  const std::size_t cols = static_cast<std::size_t>(configuration.cols);
  SCOPED_TRACE(fmt::format("configuration {}, {}, mode {}", configuration.name,
                           to_string({work.m, work.weights.cols(), n}),
                           static_cast<int>(work.mode)));
  std::vector<std::int32_t> y(work.m * n);
  Scoreboard scoreboard(work.job(), configuration);
  Driver driver(device, {.watchdog_cycles = 20'000, .progress = {}});
  MatmulReport report;
  const auto* const rtl = CoverageBins::wanted() ? dynamic_cast<RtlDevice*>(&device) : nullptr;
  const StreamStallCounts before = rtl != nullptr ? rtl->stall_counts() : StreamStallCounts{};
  const std::uint64_t began = device.cycle();
  try {
    report = driver.matmul(work.job(), y, [&](const ResultBeat& beat) { scoreboard.check(beat); });
  } catch (const DeviceError& error) {
    ADD_FAILURE() << error.what();
    return report;
  }
  if (rtl != nullptr && report.macs != 0) {
    sample_job(configuration, work,
               stalls_bin(before, rtl->stall_counts(), device.cycle() - began));
  }
  EXPECT_EQ(scoreboard.mismatches(), 0U) << scoreboard.explain();
  EXPECT_EQ(scoreboard.results_compared(),
            report.macs == 0 ? 0 : work.m * ((n + cols - 1) / cols) * cols);
  EXPECT_TRUE(std::equal(y.begin(), y.end(), scoreboard.expected().begin()));
  if (stalled) {
    EXPECT_GE(report.cycles, report.cycles_model);
  } else {
    EXPECT_EQ(report.cycles, report.cycles_model);
  }
  return report;
}

MatmulReport run_checked(const Configuration& configuration, const Work& work,
                         const RtlOptions& options) {
  const std::unique_ptr<Device> device = make_rtl_device(configuration, options);
  return run_checked(*device, work, options.stalls.any());
}

std::vector<std::string> test_configurations() {
  std::vector<std::string> names;
  if (const char* const text = std::getenv("SZT_TEST_CONFIGS"); text != nullptr) {
    std::istringstream stream(text);
    for (std::string name; std::getline(stream, name, ',');) names.push_back(name);
    return names;
  }
  for (const Configuration& configuration : configurations()) {
    names.emplace_back(configuration.name);
  }
  return names;
}

}  // namespace szt::sim
