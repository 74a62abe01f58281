// SPDX-License-Identifier: Apache-2.0
// Every output of the core depends on registers alone: wiggling the inputs between clock edges
// moves none of them. The device models rely on it, and so may a user's timing closure.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "Vpins_core.h"
#include "cosim/cosim_util.h"

namespace szt::sim {
namespace {

std::vector<std::uint8_t> outputs(const Vpins_core& top) {
  std::vector<std::uint8_t> bytes(sizeof(top.m_axis_results_tdata));
  std::memcpy(bytes.data(), &top.m_axis_results_tdata, bytes.size());
  for (const CData pin : {top.cmd_ready_o, top.s_axis_codes_tready, top.s_axis_activations_tready,
                          top.m_axis_results_tvalid, top.m_axis_results_tlast, top.busy_o,
                          top.done_o, top.codes_last_error_o, top.activations_last_error_o}) {
    bytes.push_back(pin);
  }
  return bytes;
}

TEST(PinsTest, OutputsDependOnStateAlone) {
  SCOPED_TRACE(fmt::format("SZT_TEST_SEED={}", test_seed()));
  std::mt19937_64 generator(test_seed());
  Vpins_core top;
  const auto wiggle = [&] {
    const std::uint64_t bits = generator();
    top.cmd_valid_i = bits & 1;
    top.cmd_m_i = static_cast<CData>(1 + ((bits >> 1) & 7));
    top.cmd_k_tiles_i = 1 + ((bits >> 4) & 3);
    top.cmd_n_tiles_i = 1 + ((bits >> 6) & 1);
    top.cmd_mode_i = static_cast<CData>(((bits >> 7) & 3) % 3);
    top.s_axis_codes_tvalid = (bits >> 9) & 1;
    top.s_axis_codes_tlast = (bits >> 10) & 1;
    top.s_axis_codes_tdata = static_cast<CData>(bits >> 16);
    top.s_axis_activations_tvalid = (bits >> 11) & 1;
    top.s_axis_activations_tlast = (bits >> 12) & 1;
    top.s_axis_activations_tdata = static_cast<IData>(bits >> 32);
    top.m_axis_results_tready = (bits >> 13) & 1;
  };
  top.clk_i = 0;
  top.rst_ni = 0;
  top.eval();
  std::uint64_t results = 0;
  for (int cycle = 0; cycle < 20'000; ++cycle) {
    top.rst_ni = cycle >= 4;
    wiggle();
    top.eval();
    const std::vector<std::uint8_t> before = outputs(top);
    for (int i = 0; i < 3; ++i) {
      wiggle();
      top.eval();
      ASSERT_EQ(outputs(top), before) << "cycle " << cycle;
    }
    results += static_cast<std::uint64_t>(top.m_axis_results_tvalid && top.m_axis_results_tready);
    top.clk_i = 1;
    top.eval();
    top.clk_i = 0;
    top.eval();
  }
  EXPECT_GT(results, 1000U);  // the core did run meanwhile
}

}  // namespace
}  // namespace szt::sim
