// SPDX-License-Identifier: Apache-2.0
// SOFT_RESET and FLUSH of the encoder block, in every cycle and when there is nothing to end.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "cosim/encoder_bench.h"
#include "cosim/encoder_pins_testing.h"
#include "seed.h"
#include "szt/sim/registers.h"
#include "szt/sim/stall.h"

namespace szt::sim {
namespace {

// A soft reset in every cycle of a run of rows, with the output free, blocked or slow, and the
// source going on with its row or giving it up.
TEST_P(EncoderPinsTest, SoftResetInEveryCycle) {
  enum class Recovery { kRestOfRow, kFlush, kFlushAtOnce };
  const StallPattern pressures[] = {{}, StallPattern::random(0.5), StallPattern::periodic(4)};
  for (const std::uint32_t format : {kFp32, kInt16}) {
    for (const Recovery recovery :
         {Recovery::kRestOfRow, Recovery::kFlush, Recovery::kFlushAtOnce}) {
      for (std::size_t pressure = 0; pressure < 4; ++pressure) {
        for (int at = 0; at < 30; ++at) {
          SCOPED_TRACE(fmt::format("format {}, recovery {}, pressure {}, reset in cycle {}", format,
                                   static_cast<int>(recovery), pressure, at));
          EncoderBench bench(lanes_, {.latents = {}, .codes = pressures[pressure % 3], .bus = {}},
                             test_seed() + static_cast<std::uint64_t>(at));
          bench.write_now(encoder::kFormat, format);
          bench.write_now(encoder::kThreshold, 0x3C00);
          const std::size_t full = bench.beat_bytes() / latent_size(format);
          for (const std::size_t latents : {3 * full, 1 * full, 6 * full - 1, full + 1, 7 * full}) {
            bench.send_row(random_row(format, latents));
          }
          bench.hold_codes = pressure == 3;
          bench.run(at);
          const std::uint32_t reset = encoder::kControlSoftReset.mask();
          const std::uint32_t flush = encoder::kControlFlush.mask();
          bench.write(encoder::kControl,
                      recovery == Recovery::kFlushAtOnce ? reset | flush : reset);
          if (recovery != Recovery::kRestOfRow) bench.cancel();
          bench.run(8);
          bench.hold_codes = false;
          if (recovery == Recovery::kFlush) bench.write(encoder::kControl, flush);
          if (recovery != Recovery::kRestOfRow) {
            ASSERT_TRUE(bench.finish());
            // A beat that was on the wires at the flush may have begun a row.
            if (bench.contract.row_open()) bench.send_row(random_row(format, 1));
          }
          bench.check_registers();
          EXPECT_FALSE(bench.contract.discard());
          EXPECT_FALSE(bench.contract.row_open());
          bench.send_row(random_row(format, 2 * full + 1));
          bench.check_registers();
          if (HasFailure()) return;
        }
      }
    }
  }
}

// FLUSH while beats are being discarded, one a cycle: the very next one begins a row.
TEST_P(EncoderPinsTest, FlushAmongBeatsInEveryCycle) {
  for (int at = 0; at < 12; ++at) {
    SCOPED_TRACE(fmt::format("flush {} cycles later", at));
    EncoderBench bench(lanes_);
    bench.write_now(encoder::kFormat, kInt16);
    for (int i = 0; i < 60; ++i) {
      LatentBeat beat = beat_of(std::string(4 * lanes_, '1'), i == 59);
      for (std::uint8_t& byte : beat.data) byte = static_cast<std::uint8_t>(generator_());
      bench.send(std::move(beat));
    }
    bench.run(5);
    bench.write(encoder::kControl, encoder::kControlSoftReset.mask());
    bench.run(8 + at);
    ASSERT_TRUE(bench.contract.discard());
    bench.write(encoder::kControl, encoder::kControlFlush.mask());
    bench.check_registers();
    EXPECT_FALSE(bench.contract.row_open());
    EXPECT_GT(bench.beats_out, 20U);
    if (HasFailure()) return;
  }
}

// The payload that is offered survives the reset of what is behind it.
TEST_P(EncoderPinsTest, AnOfferedBeatOutlivesASoftReset) {
  EncoderBench bench(lanes_);
  bench.write_now(encoder::kFormat, kBf16);
  bench.hold_codes = true;
  bench.send_row(random_row(kBf16, 3 * bench.beat_bytes()));
  bench.run(10);
  ASSERT_TRUE(bench.codes_valid());
  bench.write(encoder::kControl, encoder::kControlSoftReset.mask());
  bench.run(20);
  EXPECT_TRUE(bench.codes_valid());
  EXPECT_EQ(bench.contract.expected.size(), 1U);
  bench.read(encoder::kStatus);
  bench.run(10);
  ASSERT_EQ(bench.reads.size(), 1U);
  EXPECT_EQ(bench.reads[0].data & ~encoder::kStatusSticky, encoder::kStatusBusy.mask());
  EXPECT_EQ(bench.beats_in, 6U);  // discarded behind it
  bench.hold_codes = false;
  bench.check_registers();
  EXPECT_EQ(bench.beats_out, 1U);
}

// FLUSH and SOFT_RESET when there is nothing to end.
TEST_P(EncoderPinsTest, FlushAloneDisturbsNoRow) {
  EncoderBench bench(lanes_);
  bench.write_now(encoder::kFormat, kFp32);
  bench.send(beat_of(std::string(4 * lanes_, '1'), false));
  ASSERT_TRUE(bench.finish());
  ASSERT_TRUE(bench.contract.row_open());
  bench.write_now(encoder::kFormat, kInt16);  // of the rows after this one
  bench.write_now(encoder::kControl, encoder::kControlFlush.mask());
  const std::vector<std::uint8_t> row = random_row(kFp32, 3 * lanes_);
  bench.send_row(row);
  bench.send_row(row);
  for (int i = 0; i < 20; ++i) {
    bench.write(encoder::kControl, encoder::kControlFlush.mask());
    bench.run(1);
  }
  bench.check_registers();
  EXPECT_EQ(bench.beats_out, 2U + 3U);
  bench.write_now(encoder::kControl, encoder::kControlSoftReset.mask());
  bench.send_row(row);
  bench.check_registers();
  EXPECT_EQ(bench.beats_out, 8U);
}

}  // namespace
}  // namespace szt::sim
