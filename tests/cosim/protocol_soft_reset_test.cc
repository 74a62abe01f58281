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

constexpr std::uint32_t kDiscards =
    matmul::kStatusDiscardCodes.mask() | matmul::kStatusDiscardActivations.mask();

// What else the write does acts behind it, whatever is dropped: no command to three that wait for
// their beats, with and without a result that nobody has taken.
TEST(SoftResetTest, WithFlushAndStartInEveryState) {
  const std::uint32_t start = matmul::kControlStart.mask();
  const std::uint32_t flush = matmul::kControlFlush.mask();
  for (const bool held : {false, true}) {
    for (int waiting = 0; waiting <= 3; ++waiting) {
      for (const std::uint32_t bits : {0U, start, flush, start | flush}) {
        SCOPED_TRACE(
            fmt::format("{} commands{}, with {:#x}", waiting, held ? " and a result" : "", bits));
        MatmulBench bench;
        bench.set_command(1, 1, 1, 0);
        if (held) {
          bench.send(kRows, 1, 1);
          bench.control(start);
          for (int i = 0; i < 60; ++i) bench.edge();
          ASSERT_TRUE(bench.p.m_axis_results_tvalid.high());
        }
        for (int i = 0; i < waiting; ++i) bench.control(start);
        bench.control(matmul::kControlSoftReset.mask() | bits);
        for (int i = 0; i < 8; ++i) bench.edge();
        const bool started = (bits & start) != 0;
        const bool discards = waiting != 0 && (bits & flush) == 0;
        EXPECT_EQ(bench.status(), (started ? matmul::kStatusBusy.mask() : 0U) |
                                      (held ? matmul::kStatusResultHeld.mask() : 0U) |
                                      (discards ? kDiscards : 0U));
        bench.control(flush);
        bench.send(kRows, 1, started ? 1 : 0);
        bench.ready_every = 1;
        for (int i = 0; i < 80; ++i) bench.edge();
        EXPECT_TRUE(bench.sent());
        EXPECT_EQ(bench.results.size(), (held ? 1U : 0U) + (started ? 1U : 0U));
        EXPECT_EQ(bench.status(), started ? matmul::kStatusDone.mask() : 0U);
        if (testing::Test::HasFailure()) return;
      }
    }
  }
}

// The same while one stream or both still owe the beats of an earlier soft reset.
TEST(SoftResetTest, WithFlushAndStartWhileBeatsAreDiscarded) {
  const std::uint32_t start = matmul::kControlStart.mask();
  const std::uint32_t flush = matmul::kControlFlush.mask();
  const std::uint32_t codes = matmul::kStatusDiscardCodes.mask();
  const std::uint32_t activations = matmul::kStatusDiscardActivations.mask();
  for (const std::uint32_t owes : {codes, activations, codes | activations}) {
    for (const std::uint32_t bits : {0U, start, flush, start | flush}) {
      SCOPED_TRACE(fmt::format("{:#x} owed, with {:#x}", owes, bits));
      MatmulBench bench;
      bench.set_command(1, 1, 1, 0);
      bench.control(start);
      bench.control(matmul::kControlSoftReset.mask());
      bench.send(kRows, 1, 1);
      if ((owes & codes) != 0) bench.senders[0].left = 0;
      if ((owes & activations) != 0) bench.senders[1].left = 0;
      for (int i = 0; i < 20; ++i) bench.edge();
      EXPECT_TRUE(bench.sent());
      EXPECT_EQ(bench.status(), owes);
      bench.control(matmul::kControlSoftReset.mask() | bits);
      for (int i = 0; i < 8; ++i) bench.edge();
      const bool started = (bits & start) != 0;
      EXPECT_EQ(bench.status(),
                (started ? matmul::kStatusBusy.mask() : 0U) | ((bits & flush) == 0 ? owes : 0U));
      bench.control(flush);
      bench.send(kRows, 1, started ? 1 : 0);
      bench.ready_every = 1;
      for (int i = 0; i < 80; ++i) bench.edge();
      EXPECT_TRUE(bench.sent());
      EXPECT_EQ(bench.results.size(), started ? 1U : 0U);
      EXPECT_EQ(bench.status(), started ? matmul::kStatusDone.mask() : 0U);
      if (testing::Test::HasFailure()) return;
    }
  }
}

// As many TLASTs owed as are counted, forgotten at once.
TEST(SoftResetTest, FlushOfFourteen) {
  MatmulBench bench;
  bench.set_command(kDepth, 1, 1, 0);
  for (int i = 0; i < 14; ++i) {
    bench.control(matmul::kControlStart.mask());
    bench.control(matmul::kControlSoftReset.mask());
  }
  EXPECT_EQ(bench.status(), kDiscards);
  bench.control(matmul::kControlFlush.mask());
  EXPECT_EQ(bench.status(), 0U);
  // The largest commands, one more than there are places for.
  for (int i = 0; i < 4; ++i) bench.control(matmul::kControlStart.mask());
  bench.send(kRows, kDepth, 3);
  bench.ready_every = 1;
  for (int i = 0; i < 300; ++i) bench.edge();
  EXPECT_TRUE(bench.sent());
  EXPECT_EQ(bench.results.size(), 3 * kDepth);
  EXPECT_EQ(bench.status(), matmul::kStatusDone.mask() | matmul::kStatusErrorQueue.mask());
}

// FLUSH acts before START in one write: the beats that follow are the command's.
TEST(SoftResetTest, FlushWithStart) {
  MatmulBench bench;
  bench.set_command(1, 1, 1, 0);
  bench.control(matmul::kControlStart.mask());
  bench.control(matmul::kControlSoftReset.mask());
  EXPECT_EQ(bench.status(), kDiscards);
  bench.control(matmul::kControlFlush.mask() | matmul::kControlStart.mask());
  bench.send(kRows, 1, 1);
  bench.ready_every = 1;
  for (int i = 0; i < 80; ++i) bench.edge();
  EXPECT_EQ(bench.results.size(), 1U);
  EXPECT_EQ(bench.status(), matmul::kStatusDone.mask());
}

// The result that was offered at the first reset is taken before, with and behind the second.
TEST(SoftResetTest, AHeldResultStaysThroughAnother) {
  for (int accepted_at = 0; accepted_at < 8; ++accepted_at) {
    SCOPED_TRACE(fmt::format("accepted {} cycles behind the second reset", accepted_at));
    MatmulBench bench;
    const CorePins& p = bench.p;
    bench.set_command(1, 1, 1, 0);
    bench.send(kRows, 1, 1);
    bench.control(matmul::kControlStart.mask());
    for (int i = 0; i < 60; ++i) bench.edge();
    ASSERT_TRUE(p.m_axis_results_tvalid.high());
    bench.control(matmul::kControlSoftReset.mask());
    EXPECT_EQ(bench.status(), matmul::kStatusResultHeld.mask());
    bench.control(matmul::kControlSoftReset.mask());
    EXPECT_EQ(bench.status(), matmul::kStatusResultHeld.mask());
    p.s_axil_awaddr.set(matmul::kControl);
    p.s_axil_wdata.set(matmul::kControlSoftReset.mask());
    p.s_axil_wstrb.set(0xF);
    p.s_axil_bready.set(1);
    for (int cycle = 0; cycle < 12; ++cycle) {
      for (const Pin& pin : {p.s_axil_awvalid, p.s_axil_wvalid}) pin.set(cycle == 0 ? 1 : 0);
      p.m_axis_results_tready.set(cycle == accepted_at ? 1 : 0);
      EXPECT_EQ(p.m_axis_results_tvalid.high(), cycle <= accepted_at);
      bench.edge();
    }
    p.s_axil_bready.set(0);
    EXPECT_EQ(bench.results.size(), 1U);
    EXPECT_EQ(bench.status(), 0U);
    EXPECT_EQ(bench.read(matmul::kDoneCount), 0U);
  }
}

// No activation of up to five commands came: one runs, one is in the shadows, two are queued in the
// core and one in front of it.
TEST(SoftResetTest, OwesTheActivationsOfEveryCommand) {
  for (int commands = 1; commands <= 5; ++commands) {
    SCOPED_TRACE(fmt::format("{} commands", commands));
    MatmulBench bench;
    bench.set_command(1, 1, 1, 0);
    bench.send(kRows, 1, commands);
    bench.senders.pop_back();
    for (int i = 0; i < commands; ++i) {
      bench.control(matmul::kControlStart.mask());
      for (int j = 0; j < 30; ++j) bench.edge();
    }
    EXPECT_EQ(bench.status() & matmul::kStatusSticky, 0U);
    bench.control(matmul::kControlSoftReset.mask());
    for (std::uint32_t i = 0; i < kRows + 2; ++i) bench.edge();
    EXPECT_TRUE(bench.sent());
    bench.p.s_axis_activations_tlast.set(1);
    for (int left = commands; left > 0; --left) {
      EXPECT_EQ(bench.status(), matmul::kStatusDiscardActivations.mask()) << left << " left";
      bench.p.s_axis_activations_tvalid.set(1);
      bench.edge();
      bench.p.s_axis_activations_tvalid.set(0);
    }
    EXPECT_EQ(bench.status(), 0U);
  }
}

TEST(SoftResetTest, WhatIsDiscardedIsNotCheckedAndDoesNotStall) {
  MatmulBench bench;
  const CorePins& p = bench.p;
  bench.set_command(1, 1, 1, 0);
  bench.control(matmul::kControlStart.mask());
  for (int i = 0; i < 20; ++i) bench.edge();
  bench.control(matmul::kControlSoftReset.mask());
  const auto stalls = [&bench] {
    return std::vector<std::uint32_t>{bench.read(matmul::kCodesStalls),
                                      bench.read(matmul::kActivationsStalls)};
  };
  const std::vector<std::uint32_t> before = stalls();
  EXPECT_GT(before[0], 10U);
  for (int i = 0; i < 20; ++i) bench.edge();
  EXPECT_EQ(stalls(), before);
  EXPECT_EQ(bench.status(), kDiscards);
  for (const Pin& pin : {p.s_axis_codes_tlast, p.s_axis_activations_tlast}) pin.set(1);
  for (const unsigned valid : {1U, 0U}) {
    for (const Pin& pin : {p.s_axis_codes_tvalid, p.s_axis_activations_tvalid}) pin.set(valid);
    for (const Pin& pin : {p.s_axis_codes_tkeep, p.s_axis_activations_tkeep}) pin.set(0);
    bench.edge();
  }
  for (int i = 0; i < 20; ++i) bench.edge();
  EXPECT_EQ(bench.status(), 0U);
  EXPECT_EQ(stalls(), before);
}

// TLAST on each of the last two tiles of four, one command: less than nothing is owed.
TEST(SoftResetTest, ATlastTooManyOwesNothing) {
  MatmulBench bench;
  bench.set_command(1, 4, 1, 0);
  bench.send(kRows, 1, 4);
  bench.senders[1].stop = true;
  bench.control(matmul::kControlStart.mask());
  for (int i = 0; i < 60; ++i) bench.edge();
  EXPECT_EQ(bench.senders[0].left, 0);
  bench.control(matmul::kControlSoftReset.mask());
  EXPECT_EQ(bench.status(),
            matmul::kStatusErrorCodesLast.mask() | matmul::kStatusDiscardActivations.mask());
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
    bench.send(kRows, 1, packets);
    for (int i = 0; i < packets * static_cast<int>(kRows) + 2; ++i) bench.edge();
    EXPECT_TRUE(bench.sent());
    EXPECT_EQ(bench.status(), packets > 14 ? kDiscards : 0);
    bench.control(matmul::kControlFlush.mask());
    EXPECT_EQ(bench.status(), 0U);
  }
}

}  // namespace
}  // namespace szt::sim
