// SPDX-License-Identifier: Apache-2.0
#include "cosim/cosim_util.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <sstream>

#include "szt/sim/scoreboard.h"

namespace szt::sim {

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
  try {
    report = driver.matmul(work.job(), y, [&](const ResultBeat& beat) { scoreboard.check(beat); });
  } catch (const DeviceError& error) {
    ADD_FAILURE() << error.what();
    return report;
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
