// SPDX-License-Identifier: Apache-2.0
// What the registers say of commands: START checked, the queue, BUSY and DONE, a soft reset between
// writes, the interrupt.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "cosim/matmul_bench.h"
#include "cosim/protocol_registers_testing.h"
#include "szt/sim/registers.h"

namespace szt::sim {
namespace {

TEST_F(RegistersTest, StartIsChecked) {
  struct Start {
    std::uint32_t m, k_tiles, n_tiles, mode, errors;
  };
  const std::uint32_t size = matmul::kStatusErrorSize.mask();
  const std::uint32_t mode = matmul::kStatusErrorMode.mask();
  std::vector<Start> list = {{0, 0, 0, 3, size | mode}, {kDepth + 1, 1, 1, 3, size | mode}};
  for (const std::uint32_t m : {0U, kDepth + 1, kDepth + 2, 2 * kDepth, 16U * kDepth + 1, 0x101U,
                                0x8000'0001U, 0xFFFF'FFFFU}) {
    list.push_back({m, 1, 1, 0, size});
  }
  for (const std::uint32_t m : {1U, 2U, kDepth - 1, kDepth}) list.push_back({m, 1, 1, 0, 0});
  for (const std::uint32_t tiles : {0U, 0x100'0000U, 0x100'0001U, 0x8000'0001U, 0xFFFF'FFFFU}) {
    list.push_back({1, tiles, 1, 0, size});
    list.push_back({1, 1, tiles, 0, size});
  }
  for (const std::uint32_t tiles : {1U, 2U, 0x10000U, 0xFF'FFFFU}) {
    list.push_back({1, tiles, 1, 0, 0});
    list.push_back({1, 1, tiles, 0, 0});
  }
  for (const std::uint32_t bad : {3U, 4U, 5U, 6U, 0x100U, 0x8000'0000U, 0xFFFF'FFFFU}) {
    list.push_back({1, 1, 1, bad, mode});
  }
  for (const std::uint32_t good : {0U, 1U, 2U}) list.push_back({1, 1, 1, good, 0});
  for (const Start& start : list) {
    SCOPED_TRACE(fmt::format("M {:#x}, K_TILES {:#x}, N_TILES {:#x}, MODE {:#x}", start.m,
                             start.k_tiles, start.n_tiles, start.mode));
    bench_.set_command(start.m, start.k_tiles, start.n_tiles, start.mode);
    bench_.control(matmul::kControlStart.mask());
    for (int i = 0; i < 5; ++i) bench_.edge();
    EXPECT_EQ(bench_.status(), start.errors != 0 ? start.errors : matmul::kStatusBusy.mask());
    bench_.control(matmul::kControlSoftReset.mask() | matmul::kControlFlush.mask());
    EXPECT_EQ(bench_.status(), start.errors);
    bench_.write(matmul::kStatus, start.errors);
    EXPECT_EQ(bench_.status(), 0U);
  }
}

// One is loaded, two wait: in the core, and in front of it. What is written later changes neither.
TEST_F(RegistersTest, QueueOfTwo) {
  std::uint32_t m = 1;
  bench_.set_command(m, 1, 1, 0);
  const std::uint32_t busy = matmul::kStatusBusy.mask();
  const std::uint32_t full = matmul::kStatusErrorQueue.mask();
  const std::uint32_t expected[] = {busy, busy | matmul::kStatusQueue.make(1),
                                    busy | matmul::kStatusQueue.make(2),
                                    busy | matmul::kStatusQueue.make(2) | full};
  for (const std::uint32_t status : expected) {
    bench_.control(matmul::kControlStart.mask());
    bench_.edge();
    EXPECT_EQ(bench_.status(), status);
    bench_.set_command(++m, 1, 1, 0);
  }
  bench_.run_streams(true, true);
  EXPECT_EQ(bench_.read(matmul::kDoneCount), 3U);
  EXPECT_EQ(bench_.results.size(), 1U + 2 + 3);
}

// As many commands as fit behind results that nobody takes: BUSY until the last one is gone.
TEST_F(RegistersTest, BusyWhileACommandIsHeld) {
  bench_.set_command(1, 1, 1, 0);
  bench_.send(kRows, 1, 100);
  std::uint32_t held = 0;
  while (matmul::kStatusQueue.get(bench_.status()) < 2) {
    bench_.control(matmul::kControlStart.mask());
    ++held;
    for (int i = 0; i < 40; ++i) bench_.edge();
    EXPECT_EQ(matmul::kStatusBusy.get(bench_.status()), 1U) << held << " commands";
    ASSERT_LT(held, 100U);
  }
  EXPECT_GT(held, 18U);  // more than the output FIFO holds
  for (std::uint32_t left = held; left > 0; --left) {
    EXPECT_EQ(matmul::kStatusBusy.get(bench_.status()), 1U) << left << " commands";
    bench_.p.m_axis_results_tready.set(1);
    bench_.edge();
    bench_.p.m_axis_results_tready.set(0);
    for (int i = 0; i < 40; ++i) bench_.edge();
  }
  EXPECT_EQ(bench_.results.size(), held);
  EXPECT_EQ(bench_.status(), matmul::kStatusDone.mask());
  EXPECT_EQ(bench_.read(matmul::kDoneCount), held);
}

// Each stream starved or blocked for over 2^12 cycles: exact, and no other counter moves meanwhile.
TEST_F(RegistersTest, StallCountersOfThousandsOfCycles) {
  constexpr int kCycles = (1 << 12) + 5;
  bench_.set_command(1, 1, 1, 0);
  bench_.control(matmul::kControlStart.mask());
  bench_.p.s_axis_codes_tkeep.set(1);
  bench_.p.s_axis_activations_tkeep.set(0xF);
  const std::uint32_t registers[] = {matmul::kCodesStalls, matmul::kActivationsStalls,
                                     matmul::kResultsStalls};
  for (std::size_t stage = 0; stage < 3; ++stage) {
    SCOPED_TRACE(fmt::format("stage {}", stage));
    for (int i = 0; i < 50; ++i) bench_.edge();
    std::uint32_t before[3];
    for (std::size_t i = 0; i < 3; ++i) before[i] = bench_.read(registers[i]);
    for (int i = 0; i < kCycles; ++i) bench_.edge();
    for (std::size_t i = 0; i < 3; ++i) {
      const std::uint32_t passed = bench_.read(registers[i]) - before[i];
      if (i == stage) {
        EXPECT_GE(passed, static_cast<std::uint32_t>(kCycles));
        EXPECT_LE(passed, static_cast<std::uint32_t>(kCycles) + 40);  // reads take their time
      } else {
        EXPECT_EQ(passed, 0U) << "counter " << i;
      }
    }
    // What this stage waited for comes.
    if (stage == 0) {
      bench_.senders = {{bench_.p.s_axis_codes_tvalid, bench_.p.s_axis_codes_tready,
                         bench_.p.s_axis_codes_tlast, static_cast<int>(kRows),
                         static_cast<int>(kRows)}};
    } else if (stage == 1) {
      bench_.senders = {{bench_.p.s_axis_activations_tvalid, bench_.p.s_axis_activations_tready,
                         bench_.p.s_axis_activations_tlast, 1, 1}};
    }
  }
  bench_.p.m_axis_results_tready.set(1);
  for (int i = 0; i < 10; ++i) bench_.edge();
  EXPECT_EQ(bench_.status(), matmul::kStatusDone.mask());
}

TEST_F(RegistersTest, TileCountsBeyondAByte) {
  bench_.ready_every = 1;
  for (const auto& [k_tiles, n_tiles] : {std::pair{1, 300}, std::pair{300, 1}}) {
    bench_.results.clear();
    bench_.set_command(1, static_cast<std::uint32_t>(k_tiles), static_cast<std::uint32_t>(n_tiles),
                       0);
    bench_.send(300 * kRows, 300, 1);
    bench_.control(matmul::kControlStart.mask());
    for (int i = 0; matmul::kStatusBusy.get(bench_.status()) != 0; ++i) ASSERT_LT(i, kTimeout);
    EXPECT_EQ(bench_.results.size(), static_cast<std::size_t>(n_tiles));
    EXPECT_TRUE(bench_.sent());
    EXPECT_EQ(bench_.status(), matmul::kStatusDone.mask());
  }
}

// A few tiles of very many do not end a command, whatever bits the counts have: with one bit lost
// they would be one tile, or two.
TEST_F(RegistersTest, TileCountsKeepEveryBit) {
  bench_.ready_every = 1;
  for (const bool along_k : {false, true}) {
    for (std::uint32_t each = 0; each < 2 * 16; ++each) {
      const std::uint32_t bit = 8 + each / 2, few = 1 + each % 2;
      SCOPED_TRACE(fmt::format("{}_TILES 2^{} + {}", along_k ? 'K' : 'N', bit, few));
      const std::uint32_t tiles = (1U << bit) + few;
      bench_.set_command(1, along_k ? tiles : 1, along_k ? 1 : tiles, 0);
      bench_.send(tiles * kRows, tiles, 1);
      bench_.control(matmul::kControlStart.mask());
      for (int i = 0; i < 60; ++i) bench_.edge();
      EXPECT_EQ(bench_.status(), matmul::kStatusBusy.mask());
      EXPECT_EQ(bench_.read(matmul::kDoneCount), 0U);
      bench_.control(matmul::kControlSoftReset.mask());
      for (Sender& sender : bench_.senders) sender.stop = true;
      for (int i = 0; i < 4; ++i) bench_.edge();
      bench_.control(matmul::kControlFlush.mask());
      EXPECT_EQ(bench_.status(), 0U);
    }
  }
}

// DONE is set before, with and behind the write that clears it: with it, it stays.
TEST_F(RegistersTest, SetWinsOverClear) {
  const CorePins& p = bench_.p;
  for (int accepted_at = 0; accepted_at < 10; ++accepted_at) {
    SCOPED_TRACE(fmt::format("the result is accepted in cycle {}", accepted_at));
    bench_.set_command(1, 1, 1, 0);
    bench_.send(kRows, 1, 1);
    bench_.control(matmul::kControlStart.mask());
    for (int i = 0; i < 60; ++i) bench_.edge();
    ASSERT_TRUE(p.m_axis_results_tvalid.high());
    p.s_axil_awaddr.set(matmul::kStatus);
    p.s_axil_wdata.set(matmul::kStatusDone.mask());
    p.s_axil_wstrb.set(0xF);
    p.s_axil_bready.set(1);
    int answered_at = -1;
    for (int cycle = 0; cycle < 16; ++cycle) {
      for (const Pin& pin : {p.s_axil_awvalid, p.s_axil_wvalid}) pin.set(cycle == 4 ? 1 : 0);
      p.m_axis_results_tready.set(cycle == accepted_at ? 1 : 0);
      if (p.s_axil_bvalid.high()) answered_at = cycle;
      bench_.edge();
    }
    p.s_axil_bready.set(0);
    EXPECT_EQ(answered_at, 6);  // in cycle 5 it is carried out; the event comes behind the result
    EXPECT_EQ(bench_.status(), accepted_at + 1 < 5 ? 0U : matmul::kStatusDone.mask());
    bench_.write(matmul::kStatus, matmul::kStatusDone.mask());
    EXPECT_EQ(bench_.status(), 0U);
  }
}

// Writes go on, one a cycle, around a soft reset: the queue is empty for the first one behind it.
TEST_F(RegistersTest, StartsRightBehindASoftReset) {
  const std::uint32_t start = matmul::kControlStart.mask();
  const std::uint32_t reset = matmul::kControlSoftReset.mask() | matmul::kControlFlush.mask();
  bench_.set_command(1, 1, 1, 0);
  for (const bool at_once : {false, true}) {
    SCOPED_TRACE(at_once ? "in the same write" : "in the next write");
    for (std::size_t before = 0; before <= 4; ++before) {
      std::vector<Write> writes(before, {matmul::kControl, start});
      writes.push_back({matmul::kControl, at_once ? reset | start : reset});
      writes.insert(writes.end(), at_once ? 2 : 3, {matmul::kControl, start});
      bench_.traffic(writes, {});
      EXPECT_EQ(bench_.status(), matmul::kStatusBusy.mask() | matmul::kStatusQueue.make(2) |
                                     (before == 4 ? matmul::kStatusErrorQueue.mask() : 0));
      bench_.control(reset);
      EXPECT_EQ(bench_.status(), before == 4 ? matmul::kStatusErrorQueue.mask() : 0U);
      bench_.write(matmul::kStatus, matmul::kStatusSticky);
    }
  }
}

// START beside SOFT_RESET, with the queue full before: the command is what the registers hold then.
TEST_F(RegistersTest, StartBesideASoftResetTakesTheRegisters) {
  constexpr std::uint32_t kM = 5;
  for (std::uint32_t before = 0; before <= 4; ++before) {
    SCOPED_TRACE(fmt::format("{} commands before", before));
    MatmulBench bench;
    bench.ready_every = 1;
    std::vector<Write> writes = {{matmul::kM, 1}, {matmul::kKTiles, 1}, {matmul::kNTiles, 1}};
    writes.insert(writes.end(), before, {matmul::kControl, matmul::kControlStart.mask()});
    writes.push_back({matmul::kM, kM});
    writes.push_back({matmul::kNTiles, 2});
    writes.push_back({matmul::kControl, matmul::kControlSoftReset.mask() |
                                            matmul::kControlFlush.mask() |
                                            matmul::kControlStart.mask()});
    bench.traffic(writes, {});
    bench.send(2 * kRows, 2 * kM, 1);
    for (int i = 0; i < 100; ++i) bench.edge();
    EXPECT_TRUE(bench.sent());
    EXPECT_EQ(bench.results.size(), 2 * kM);
    EXPECT_EQ(matmul::kStatusBusy.get(bench.status()), 0U);
    EXPECT_EQ(bench.read(matmul::kDoneCount), 1U);
  }
}

TEST_F(RegistersTest, InterruptFollowsMaskAndEnable) {
  const std::uint32_t enable = matmul::kControlIrqEnable.mask();
  const auto irq = [this] {
    bench_.edge();
    bench_.edge();
    return bench_.p.irq_o.high();
  };
  for (std::uint32_t bit = 1; bit != 0; bit <<= 1) {
    if ((bit & matmul::kStatusSticky) == 0) continue;
    SCOPED_TRACE(fmt::format("STATUS {:#x}", bit));
    bench_.write(matmul::kIrqMask, matmul::kIrqMaskReset);
    bench_.control(0);
    bench_.raise_all();
    EXPECT_FALSE(irq());
    bench_.control(enable);
    EXPECT_TRUE(irq());
    bench_.write(matmul::kStatus, ~bit);
    EXPECT_EQ(bench_.status(), bit);
    EXPECT_TRUE(irq());
    bench_.write(matmul::kIrqMask, ~bit);
    EXPECT_FALSE(irq());
    bench_.write(matmul::kIrqMask, bit);
    EXPECT_TRUE(irq());
    bench_.control(0);
    EXPECT_FALSE(irq());
    bench_.control(enable);
    EXPECT_TRUE(irq());
    bench_.write(matmul::kStatus, bit);
    EXPECT_FALSE(irq());
  }
}

}  // namespace
}  // namespace szt::sim
