// SPDX-License-Identifier: Apache-2.0
// A soft reset in every cycle, and what is discarded behind it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "cosim/matmul_bench.h"
#include "szt/sim/registers.h"

namespace szt::sim {
namespace {

// Three commands, the reset, what the host does then, and a command behind it.
struct SoftReset {
  int at;           // cycles after the STARTs
  int ready_every;  // cycles; 1000: results wait
  int activations_after;
  bool flush;  // the host stops sending and says so; else it sends all that it had started
};

void check_soft_reset(const SoftReset& how) {
  constexpr std::uint32_t kM = 3, kTiles = 2, kResults = kM * kTiles;
  constexpr std::uint32_t kCodes = kRows * kTiles * kTiles, kActivations = kM * kTiles * kTiles;
  MatmulBench bench;
  const CorePins& p = bench.p;
  const auto wait_for = [&](const auto& condition) {
    for (int i = 0; i < 300 && !condition(); ++i) bench.edge();
    return condition();
  };
  p.s_axis_codes_tdata.set(0x55);  // +1
  p.s_axis_activations_tdata.set(0x01010101);
  constexpr int kOld = kRows * kTiles * 1, kNew = kRows * kTiles * 3;
  bench.set_command(kM, kTiles, kTiles, 0);
  bench.send(kCodes, kActivations, 3);
  bench.senders[1].delay = how.activations_after;
  bench.ready_every = how.ready_every;
  bench.traffic(std::vector<Write>(3, {matmul::kControl, matmul::kControlStart.mask()}), {});

  for (int i = 0; i < how.at; ++i) bench.edge();
  p.s_axil_awaddr.set(matmul::kControl);
  p.s_axil_wdata.set(matmul::kControlSoftReset.mask());
  p.s_axil_wstrb.set(0xF);
  for (const Pin& pin : {p.s_axil_awvalid, p.s_axil_wvalid, p.s_axil_bready}) pin.set(1);
  bench.edge();
  for (const Pin& pin : {p.s_axil_awvalid, p.s_axil_wvalid}) pin.set(0);
  bench.edge();
  // The cycle of the response: everything is dropped but a result that waits.
  ASSERT_TRUE(p.s_axil_bvalid.high());
  const bool held = p.m_axis_results_tvalid.high() && !p.m_axis_results_tready.high();
  bench.edge();
  p.s_axil_bready.set(0);
  const std::size_t before = bench.results.size();
  const std::size_t done = before / kResults;
  if (how.ready_every == 1000) {
    EXPECT_EQ(matmul::kStatusResultHeld.get(bench.status()), held ? 1U : 0U);
  }

  if (how.flush) {
    for (Sender& sender : bench.senders) sender.stop = true;
    for (int i = 0; i < 2; ++i) bench.edge();
    ASSERT_FALSE(p.s_axis_codes_tvalid.high() || p.s_axis_activations_tvalid.high())
        << "not discarded";
    bench.control(matmul::kControlFlush.mask());
  } else {
    ASSERT_TRUE(wait_for([&] { return bench.sent(); })) << "not discarded";
  }
  bench.ready_every = 1;
  for (int i = 0; i < 50; ++i) bench.edge();
  EXPECT_EQ(bench.results, std::vector<int>(before + (held ? 1U : 0U), kOld));
  EXPECT_EQ(bench.status(), done != 0 ? matmul::kStatusDone.mask() : 0);
  EXPECT_EQ(bench.read(matmul::kDoneCount), done);

  bench.results.clear();
  p.s_axis_activations_tdata.set(0x03030303);
  bench.send(kCodes, kActivations, 1);
  bench.control(matmul::kControlStart.mask());
  ASSERT_TRUE(wait_for([&] { return bench.results.size() == kResults; })) << "the next command";
  EXPECT_TRUE(bench.sent());
  EXPECT_EQ(bench.results, std::vector<int>(kResults, kNew));
  EXPECT_EQ(bench.status(), matmul::kStatusDone.mask());
  EXPECT_EQ(bench.read(matmul::kDoneCount), done + 1);
}

TEST(SoftResetTest, AtEveryCycle) {
  for (const int ready_every : {1, 2, 3, 1000}) {
    for (const int activations_after : {0, 30}) {
      for (const bool flush : {false, true}) {
        for (int at = 0; at < 120; ++at) {
          SCOPED_TRACE(
              fmt::format("after {} cycles, results taken every {} cycles, activations "
                          "after {}, {}",
                          at, ready_every, activations_after, flush ? "flush" : "rest"));
          check_soft_reset({at, ready_every, activations_after, flush});
          if (testing::Test::HasFailure()) return;
        }
      }
    }
  }
}

// Up to 14 packets are counted; more are discarded until a flush.
TEST(SoftResetTest, DiscardsOf14PacketsAndMore) {
  for (const int packets : {3, 13, 14, 15, 16, 17, 30, 45}) {
    SCOPED_TRACE(fmt::format("{} packets", packets));
    MatmulBench bench;
    bench.set_command(1, 1, 1, 0);
    for (int left = packets; left > 0; left -= 3) {
      std::vector<Write> writes(static_cast<std::size_t>(std::min(left, 3)),
                                {matmul::kControl, matmul::kControlStart.mask()});
      writes.push_back({matmul::kControl, matmul::kControlSoftReset.mask()});
      bench.traffic(writes, {});
    }
    const std::uint32_t discards =
        matmul::kStatusDiscardCodes.mask() | matmul::kStatusDiscardActivations.mask();
    bench.send(kRows, 1, packets);
    for (int i = 0; i < packets * static_cast<int>(kRows) + 2; ++i) bench.edge();
    EXPECT_TRUE(bench.sent());
    EXPECT_EQ(bench.status(), packets > 14 ? discards : 0);
    bench.control(matmul::kControlFlush.mask());
    EXPECT_EQ(bench.status(), 0U);
  }
}

}  // namespace
}  // namespace szt::sim
