// SPDX-License-Identifier: Apache-2.0
// Soft reset and flush through a target: what is dropped, what is discarded, what stays.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "systemc/target_testing.h"
#include "szt/sim/registers.h"
#include "szt/systemc/address_map.h"

namespace szt::systemc {
namespace {

namespace registers = sim::matmul;
using sim::Beats;

class ResetTest : public TargetTest {};

TEST_P(ResetTest, SoftResetDropsCommandsAndDiscardsTheirBeats) {
  run([&](Port& port) {
    for (const std::uint64_t wait :
         {0U, 3U, 8U, 13U, 14U, 15U, 16U, 17U, 18U, 19U, 20U, 21U, 22U, 40U, 300U}) {
      SCOPED_TRACE(fmt::format("reset {} cycles after the start", wait));
      const Beats first = make_beats({6, 2, 2, DecodeMode::kForward});
      const Beats second = make_beats({2, 1, 1, DecodeMode::kForward});
      write_beats(port, configuration_, first);
      start(port, first.command);
      write_beats(port, configuration_, second);
      start(port, second.command);
      port.wait_cycles(wait + 1);
      port.write_ok(registers::kControl, registers::kControlSoftReset.mask());
      // What left the core before is whole; then it is idle and the beats are gone.
      port.wait_cycles(200);
      std::vector<std::int32_t> before;
      while ((port.read_ok(kResultsLevel) & kLevelBeats) != 0) {
        read_results(port, configuration_, before);
      }
      std::vector<std::int32_t> expected = first.expected;
      expected.insert(expected.end(), second.expected.begin(), second.expected.end());
      ASSERT_LE(before.size(), expected.size());
      EXPECT_TRUE(std::equal(before.begin(), before.end(), expected.begin()));
      EXPECT_EQ(port.read_ok(kCodesLevel), kCapacity | kLevelEmpty);
      EXPECT_EQ(port.read_ok(kActivationsLevel), kCapacity | kLevelEmpty);
      const std::uint32_t done = registers::kStatusDone.mask();
      EXPECT_EQ(port.read_ok(registers::kStatus) & ~done, 0U);
      port.write_ok(registers::kStatus, done);
      // And the next command is not disturbed.
      const Beats third = make_beats({3, 2, 1, DecodeMode::kZeroSign});
      write_beats(port, configuration_, third);
      start(port, third.command);
      EXPECT_EQ(collect(port, configuration_, third.command), third.expected);
      if (HasFailure()) return;
    }
  });
}

TEST_P(ResetTest, FlushEndsTheDiscarding) {
  const Command command = {2, 1, 1, DecodeMode::kForward};
  const Beats dropped = make_beats(command), kept = make_beats(command);
  run([&](Port& port) {
    start(port, command);
    port.write_ok(registers::kControl, registers::kControlSoftReset.mask());
    const std::uint32_t discards =
        registers::kStatusDiscardCodes.mask() | registers::kStatusDiscardActivations.mask();
    port.wait_cycles(5);
    EXPECT_EQ(port.read_ok(registers::kStatus), discards);
    write_codes(port, configuration_, dropped, false);
    port.wait_cycles(20);
    EXPECT_EQ(port.read_ok(kCodesLevel), kCapacity | kLevelEmpty);
    EXPECT_EQ(port.read_ok(registers::kStatus), discards);
    port.write_ok(registers::kControl, registers::kControlFlush.mask());
    EXPECT_EQ(port.read_ok(registers::kStatus), 0U);
    write_beats(port, configuration_, kept);
    start(port, command);
    EXPECT_EQ(collect(port, configuration_, command), kept.expected);
    // All in one write: the command behind the reset is not dropped with the others.
    start(port, command);
    port.write_ok(registers::kControl,
                  registers::kControlSoftReset.mask() | registers::kControlFlush.mask() |
                      registers::kControlStart.mask() | registers::kControlIrqEnable.mask());
    write_beats(port, configuration_, dropped);
    EXPECT_EQ(collect(port, configuration_, command), dropped.expected);
  });
}

INSTANTIATE_TEST_SUITE_P(Both, ResetTest, every_target(), target_test_name);

}  // namespace
}  // namespace szt::systemc
