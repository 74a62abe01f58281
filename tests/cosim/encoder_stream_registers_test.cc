// SPDX-License-Identifier: Apache-2.0
// The registers of the encoder block at its pins: set against clear, strobes, channels in any
// order.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "cosim/encoder_bench.h"
#include "cosim/encoder_pins_testing.h"
#include "szt/sim/registers.h"

namespace szt::sim {
namespace {

// An event in the cycle of its acknowledgement stays.
TEST_P(EncoderPinsTest, SetWinsOverClear) {
  for (int offset = 0; offset < 10; ++offset) {
    SCOPED_TRACE(fmt::format("offset {}", offset));
    EncoderBench bench(lanes_);
    bench.write_now(encoder::kFormat, kFp16);
    bench.hold_latents = true;
    bench.send_row({0x01, 0x7C, 0xFF});  // a NaN and half a latent
    bench.write(encoder::kStatus, encoder::kStatusSticky);
    bench.run(offset);
    bench.hold_latents = false;
    ASSERT_TRUE(bench.finish());
    // Encoded in the cycle after it was accepted.
    const bool stays = bench.last_write_cycle <= bench.last_accept_cycle + 1;
    bench.contract.sticky = stays ? encoder::kStatusSticky : 0;
    bench.check_registers();
  }
}

TEST_P(EncoderPinsTest, WriteStrobes) {
  EncoderBench bench(lanes_);
  bench.write_now(encoder::kThreshold, 0x11223344);
  for (unsigned strobes = 0; strobes < 16; ++strobes) {
    bench.write_now(encoder::kThreshold, static_cast<std::uint32_t>(generator_()), strobes);
    bench.check_registers();
  }
  bench.write_now(encoder::kFormat, 0xFFFFFF02, 0x1);
  bench.write_now(encoder::kFormat, 0x00000001, 0xE);
  bench.check_registers();
  bench.write(encoder::kFormat, 0x00000100, 0x2);  // refused
  bench.write(encoder::kId, 0, 0);                 // read-only, even without a byte to write
  ASSERT_TRUE(bench.finish());
  EXPECT_EQ(bench.write_responses[bench.write_responses.size() - 2], 2U);
  EXPECT_EQ(bench.write_responses.back(), 2U);
  // Bits of bytes that are not written neither act nor acknowledge.
  bench.write_now(encoder::kControl, 0xFFFFFFFF, 0xE);
  bench.write_now(encoder::kControl, encoder::kControlIrqEnable.mask(), 0x1);
  bench.send_row({0x01, 0x7C, 0xFF});
  bench.write_now(encoder::kFormat, kFp16);
  bench.send_row({0x01, 0x7C, 0xFF});
  bench.check_registers();
  EXPECT_EQ(bench.contract.sticky, encoder::kStatusSticky);
  bench.write_now(encoder::kStatus, 0xFFFFFFFF, 0xD);
  bench.check_registers();
  EXPECT_EQ(bench.contract.sticky, encoder::kStatusSticky);
  bench.write_now(encoder::kStatus, encoder::kStatusErrorKeep.mask(), 0x2);
  bench.check_registers();
  bench.write_now(encoder::kStatus, 0xFFFFFFFF, 0x2);
  bench.check_registers();
  EXPECT_EQ(bench.contract.sticky, 0U);
}

// Address before data, data before address, several at a time; reads meanwhile.
TEST_P(EncoderPinsTest, WriteChannelsInAnyOrder) {
  for (const bool address_first : {true, false}) {
    EncoderBench bench(lanes_);
    (address_first ? bench.hold_w : bench.hold_aw) = true;
    for (std::uint32_t i = 1; i <= 5; ++i) bench.write(encoder::kThreshold, i);
    bench.run(10);
    EXPECT_TRUE(bench.write_responses.empty());
    bench.read(encoder::kThreshold);
    bench.run(10);
    ASSERT_EQ(bench.reads.size(), 1U);
    EXPECT_EQ(bench.reads[0].data, 0U);
    bench.hold_w = bench.hold_aw = false;
    bench.check_registers();
    EXPECT_EQ(bench.contract.threshold, 5U);
    EXPECT_EQ(bench.write_responses, std::vector<unsigned>(5, 0));
  }
}

// Several reads wait while the manager does not take the answers: each word's own answer, in order.
TEST_P(EncoderPinsTest, ReadsQueueUnderBackPressure) {
  std::vector<EncoderBench::Read> alone(64);
  const BenchStalls slow = {.latents = {}, .codes = {}, .bus = StallPattern::random(0.6)};
  EncoderBench bench(lanes_, slow, test_seed());
  bench.write_now(encoder::kThreshold, 0x12345678);
  for (std::uint32_t word = 0; word < alone.size(); ++word) {
    bench.read(4 * word);
    ASSERT_TRUE(bench.finish());
    alone[word] = bench.reads.back();
  }
  bench.reads.clear();
  // Steps that change each bit of an address.
  for (std::uint32_t i = 0; i < 512; ++i) bench.read(4 * (i * 23 % 64));
  ASSERT_TRUE(bench.finish());
  ASSERT_EQ(bench.reads.size(), 512U);
  for (std::uint32_t i = 0; i < 512; ++i) {
    EXPECT_EQ(bench.reads[i].data, alone[i * 23 % 64].data) << "read " << i;
    EXPECT_EQ(bench.reads[i].response, alone[i * 23 % 64].response) << "read " << i;
  }
}

}  // namespace
}  // namespace szt::sim
