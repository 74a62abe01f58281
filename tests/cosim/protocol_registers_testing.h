// SPDX-License-Identifier: Apache-2.0
// What the suites of szt_matmul's registers share: a bench, and what a write leaves in a register.
#ifndef SZT_TESTS_COSIM_PROTOCOL_REGISTERS_TESTING_H_
#define SZT_TESTS_COSIM_PROTOCOL_REGISTERS_TESTING_H_

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "cosim/cosim_util.h"
#include "cosim/matmul_bench.h"
#include "szt/sim/registers.h"

namespace szt::sim {

class RegistersTest : public testing::Test {
 protected:
  static std::vector<std::uint32_t> all_words() {
    std::vector<std::uint32_t> list;
    for (std::uint32_t address = 0; address < 0x100; address += 4) list.push_back(address);
    return list;
  }
  std::vector<Answer> read_all() { return bench_.traffic({}, all_words()).reads; }

  // What can be written and read back. STATUS, and the bits of CONTROL that act, are apart.
  static std::map<std::uint32_t, std::uint32_t> reset_values() {
    return {{matmul::kM, 0},    {matmul::kKTiles, 0},  {matmul::kNTiles, 0},
            {matmul::kMode, 0}, {matmul::kControl, 0}, {matmul::kIrqMask, matmul::kIrqMaskReset}};
  }
  static std::uint32_t implemented(std::uint32_t address) {
    return address == matmul::kControl   ? matmul::kControlIrqEnable.mask()
           : address == matmul::kIrqMask ? matmul::kStatusSticky
                                         : 0xFFFF'FFFFU;
  }
  static std::uint32_t byte_mask(unsigned strobes) {
    std::uint32_t mask = 0;
    for (unsigned i = 0; i < 4; ++i) mask |= (strobes >> i & 1U) != 0 ? 0xFFU << (8 * i) : 0;
    return mask;
  }
  static std::uint32_t written(std::uint32_t address, std::uint32_t old, std::uint32_t data,
                               unsigned strobes) {
    const std::uint32_t mask = byte_mask(strobes) & implemented(address);
    return (old & ~mask) | (data & mask);
  }
  std::uint32_t below(std::uint32_t limit) {
    return static_cast<std::uint32_t>(generator_() % limit);
  }
  // Data that, written to CONTROL, does not act.
  std::uint32_t harmless(std::uint32_t address) {
    const auto data = static_cast<std::uint32_t>(generator_());
    return address == matmul::kControl ? data & ~7U : data;
  }

  MatmulBench bench_;
  std::mt19937_64 generator_{test_seed()};
  testing::ScopedTrace trace_{__FILE__, __LINE__, fmt::format("SZT_TEST_SEED={}", test_seed())};
};

}  // namespace szt::sim

#endif  // SZT_TESTS_COSIM_PROTOCOL_REGISTERS_TESTING_H_
