// SPDX-License-Identifier: Apache-2.0
// Random work and one checked run of it on the RTL, for the co-simulation suites.
#ifndef SZT_TESTS_COSIM_COSIM_UTIL_H_
#define SZT_TESTS_COSIM_COSIM_UTIL_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "seed.h"
#include "szt/configuration.h"
#include "szt/packed_codes.h"
#include "szt/sim/driver.h"
#include "szt/sim/rtl_device.h"

namespace szt::sim {

struct Shape {
  std::size_t m, k, n;
};
std::string to_string(const Shape& shape);

// Owns the operands of a job.
struct Work {
  std::vector<std::int8_t> x;
  std::size_t m = 0;
  PackedCodes weights;
  DecodeMode mode = DecodeMode::kForward;

  MatmulJob job() const { return {x, m, weights, mode}; }
};

// All four codes, int8 with -128 and the other extremes overrepresented.
Work random_work(const Shape& shape, std::mt19937_64& generator,
                 DecodeMode mode = DecodeMode::kForward);
// Every activation and every code the same.
Work constant_work(const Shape& shape, std::int8_t activation, Code code,
                   DecodeMode mode = DecodeMode::kForward);

// Runs the work and expects no mismatch, every result compared, and the model's cycle count:
// exactly if `stalled` is false, else as a lower bound. The device stays usable.
MatmulReport run_checked(Device& device, const Work& work, bool stalled);
MatmulReport run_checked(const Configuration& configuration, const Work& work,
                         const RtlOptions& options = {});

// The configurations under test: $SZT_TEST_CONFIGS (comma-separated), else all.
std::vector<std::string> test_configurations();

}  // namespace szt::sim

#endif  // SZT_TESTS_COSIM_COSIM_UTIL_H_
