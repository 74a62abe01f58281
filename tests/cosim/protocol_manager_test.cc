// SPDX-License-Identifier: Apache-2.0
// The rules of a manager: one that breaks a rule at the pins of szt_matmul is caught by the
// checkers in the RTL, a legal one is not.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "cosim/matmul_bench.h"

namespace szt::sim {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

struct Payload {
  const char* name;
  Pin CorePins::*pin;
  unsigned width;
};

// A channel that the host drives.
struct Channel {
  const char* name;
  const char* checker;
  Pin CorePins::*valid;
  Pin CorePins::*ready;
  std::vector<Payload> payload;
};

const std::vector<Channel>& channels() {
  static const std::vector<Channel> list = {
      {"AW",
       "u_axil_checker.u_aw",
       &CorePins::s_axil_awvalid,
       &CorePins::s_axil_awready,
       {{"AWADDR", &CorePins::s_axil_awaddr, 8}, {"AWPROT", &CorePins::s_axil_awprot, 3}}},
      {"W",
       "u_axil_checker.u_w",
       &CorePins::s_axil_wvalid,
       &CorePins::s_axil_wready,
       {{"WDATA", &CorePins::s_axil_wdata, 32}, {"WSTRB", &CorePins::s_axil_wstrb, 4}}},
      {"AR",
       "u_axil_checker.u_ar",
       &CorePins::s_axil_arvalid,
       &CorePins::s_axil_arready,
       {{"ARADDR", &CorePins::s_axil_araddr, 8}, {"ARPROT", &CorePins::s_axil_arprot, 3}}},
      {"Codes",
       "u_codes_checker",
       &CorePins::s_axis_codes_tvalid,
       &CorePins::s_axis_codes_tready,
       {{"TDATA", &CorePins::s_axis_codes_tdata, 8},
        {"TKEEP", &CorePins::s_axis_codes_tkeep, 1},
        {"TLAST", &CorePins::s_axis_codes_tlast, 1}}},
      {"Activations",
       "u_activations_checker",
       &CorePins::s_axis_activations_tvalid,
       &CorePins::s_axis_activations_tready,
       {{"TDATA", &CorePins::s_axis_activations_tdata, 32},
        {"TKEEP", &CorePins::s_axis_activations_tkeep, 4},
        {"TLAST", &CorePins::s_axis_activations_tlast, 1}}},
  };
  return list;
}

// Every stimulus comes twice: before the beat was accepted, which is illegal, and after it.
class ManagerTest : public testing::TestWithParam<Channel> {
 protected:
  const Pin& valid(const MatmulBench& bench) const { return bench.p.*GetParam().valid; }
  const Pin& ready(const MatmulBench& bench) const { return bench.p.*GetParam().ready; }

  // Offers beats until one has to wait, and lets that one wait.
  void wait_for_ready(MatmulBench& bench) const {
    valid(bench).set(1);
    for (int i = 0; ready(bench).high(); ++i) {
      ASSERT_LT(i, kTimeout) << "always ready";
      bench.edge();
    }
    for (int i = 0; i < 5; ++i) bench.edge();
    ASSERT_FALSE(ready(bench).high());
  }

  // Makes the block accept the beat that waits.
  void let_it_go(MatmulBench& bench) const {
    const std::string name = GetParam().name;
    if (name == "AW") bench.p.s_axil_wvalid.set(1);
    if (name == "W") bench.p.s_axil_awvalid.set(1);
    if (name == "Codes" || name == "Activations") {
      bench.set_command(1, 1, 1, 0);
      bench.control(matmul::kControlStart.mask());
      bench.p.s_axis_codes_tvalid.set(1);
    }
    bench.p.s_axil_bready.set(1);
    bench.p.s_axil_rready.set(1);
    for (int i = 0; !ready(bench).high(); ++i) {
      ASSERT_LT(i, kTimeout) << "never ready";
      bench.edge();
    }
    bench.edge();
  }

  // What the RTL printed when it ended the simulation in the next few cycles; empty: it went on.
  static std::string complaint(MatmulBench& bench) {
    testing::internal::CaptureStdout();
    try {
      for (int i = 0; i < 20; ++i) bench.edge();
    } catch (const std::runtime_error&) {
      return testing::internal::GetCapturedStdout();
    }
    testing::internal::GetCapturedStdout();
    return "";
  }

  void expect_caught(MatmulBench& bench, const std::string& rule) const {
    EXPECT_THAT(complaint(bench),
                HasSubstr(fmt::format("szt_matmul.{}.{} does not hold", GetParam().checker, rule)));
  }
};

TEST_P(ManagerTest, ValidStaysUntilReady) {
  {
    MatmulBench bench;
    wait_for_ready(bench);
    valid(bench).set(0);
    expect_caught(bench, "ValidStaysUntilReady");
  }
  {
    MatmulBench bench;
    wait_for_ready(bench);
    let_it_go(bench);
    valid(bench).set(0);
    EXPECT_THAT(complaint(bench), IsEmpty());
  }
}

TEST_P(ManagerTest, PayloadStaysUntilReady) {
  for (const Payload& payload : GetParam().payload) {
    for (unsigned bit = 0; bit < payload.width; ++bit) {
      SCOPED_TRACE(fmt::format("{}[{}]", payload.name, bit));
      const auto flip = [&](const MatmulBench& bench) {
        const Pin& pin = bench.p.*payload.pin;
        pin.set(pin.get() ^ std::uint64_t{1} << bit);
      };
      {
        MatmulBench bench;
        wait_for_ready(bench);
        flip(bench);
        expect_caught(bench, "PayloadStaysUntilReady");
      }
      {
        MatmulBench bench;
        wait_for_ready(bench);
        let_it_go(bench);
        flip(bench);
        EXPECT_THAT(complaint(bench), IsEmpty());
      }
    }
  }
}

TEST_P(ManagerTest, ValidLowAfterReset) {
  {
    MatmulBench bench;
    bench.reset();
    bench.p.rst_ni.set(1);
    valid(bench).set(1);
    expect_caught(bench, "ValidLowAfterReset");
  }
  {
    MatmulBench bench;
    bench.reset();
    bench.p.rst_ni.set(1);
    bench.edge();
    valid(bench).set(1);
    EXPECT_THAT(complaint(bench), IsEmpty());
  }
}

INSTANTIATE_TEST_SUITE_P(Channels, ManagerTest, testing::ValuesIn(channels()),
                         [](const auto& channel) { return std::string(channel.param.name); });

}  // namespace
}  // namespace szt::sim
