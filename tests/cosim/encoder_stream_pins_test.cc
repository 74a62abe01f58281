// SPDX-License-Identifier: Apache-2.0
// The pins of the encoder block, cycle by cycle, against its contract: rate, latency, capacity,
// when settings are taken, TKEEP.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "cosim/encoder_bench.h"
#include "cosim/encoder_pins_testing.h"
#include "cosim/encoder_testing.h"
#include "szt/sim/registers.h"

namespace szt::sim {
namespace {

INSTANTIATE_TEST_SUITE_P(Lanes, EncoderPinsTest, ::testing::ValuesIn(kLanes),
                         ::testing::PrintToStringParamName());

TEST_P(EncoderPinsTest, ABeatACycle) {
  for (const std::uint32_t format : {kFp32, kFp16, kBf16, kInt16}) {
    EncoderBench bench(lanes_);
    bench.write_now(encoder::kFormat, format);
    const std::size_t full = bench.beat_bytes() / latent_size(format);
    constexpr std::uint64_t kBeats = 400;
    // Rows of 1, 2, 3 and 4 beats, with and without a ragged end.
    for (std::uint64_t beats = 0, row = 1; beats < kBeats; row = row % 4 + 1) {
      bench.send_row(random_row(format, row * full - generator_() % full));
      beats += row;
    }
    const std::uint64_t start = bench.cycle();
    while (bench.beats_in < kBeats) {
      EXPECT_TRUE(bench.latents_ready()) << "cycle " << bench.cycle();
      bench.step();
      if (HasFailure()) return;
    }
    EXPECT_EQ(bench.cycle() - start, kBeats);
    ASSERT_TRUE(bench.finish());
    if (format == kFp32) {
      EXPECT_GT(bench.beats_out, kBeats / 2);
    } else {
      EXPECT_GE(bench.beats_out, kBeats);
    }
  }
}

TEST_P(EncoderPinsTest, LatencyIsTwoCycles) {
  EncoderBench bench(lanes_);
  bench.write_now(encoder::kFormat, kFp16);
  bench.hold_codes = true;
  bench.send_row(random_row(kFp16, 2));
  bench.step();
  ASSERT_EQ(bench.beats_in, 1U);
  EXPECT_FALSE(bench.codes_valid());
  bench.step();
  EXPECT_TRUE(bench.codes_valid());
  // Counted by then.
  bench.read(encoder::kLatentCount);
  bench.run(10);
  ASSERT_EQ(bench.reads.size(), 1U);
  EXPECT_EQ(bench.reads[0].data, 2U);
}

// With the output blocked: one output beat, and what the input register holds.
TEST_P(EncoderPinsTest, HoldsThreeBeats) {
  EncoderBench bench(lanes_);
  bench.write_now(encoder::kFormat, kInt16);
  bench.hold_codes = true;
  for (int i = 0; i < 6; ++i) bench.send_row(random_row(kInt16, 1));
  bench.run(20);
  EXPECT_EQ(bench.beats_in, 3U);
  EXPECT_FALSE(bench.latents_ready());
  EXPECT_TRUE(bench.codes_valid());
  bench.hold_codes = false;
  bench.check_registers();
}

// FORMAT and THRESHOLD may be written while earlier rows still wait inside.
TEST_P(EncoderPinsTest, SettingsAreTakenWithTheFirstBeat) {
  for (const std::uint32_t format : {kFp32, kFp16, kBf16, kInt16}) {
    EncoderBench bench(lanes_);
    const std::size_t full = bench.beat_bytes() / latent_size(format);
    bench.write_now(encoder::kFormat, format);
    bench.write_now(encoder::kThreshold, 0x3C00);
    bench.hold_codes = true;
    bench.send_row(random_row(format, 2 * full));
    bench.send_row(random_row(format, 5 * full));
    bench.run(12);  // the second row has begun and waits
    ASSERT_GE(bench.beats_in, 3U);
    bench.write(encoder::kThreshold, 0);
    bench.write(encoder::kFormat, (format + 1) % kFormats);
    bench.run(12);
    bench.hold_codes = false;
    bench.run(40);
    ASSERT_EQ(bench.beats_in, 7U);
    bench.send_row(random_row((format + 1) % kFormats, 2 * full));
    bench.check_registers();
    if (HasFailure()) return;
  }
}

TEST_P(EncoderPinsTest, WrongTkeepIsReported) {
  const std::string full(4 * lanes_, '1'), none(4 * lanes_, '0');
  const auto with = [&](std::string keep, std::size_t at, char c) {
    keep[at] = c;
    return keep;
  };
  struct Case {
    const char* what;
    std::string keep;
    bool last;
    bool wrong16, wrong32;
  };
  const std::vector<Case> cases = {
      {"whole", full, false, false, false},
      {"whole last", full, true, false, false},
      {"4 bytes, last", std::string(4, '1') + none.substr(4), true, false, false},
      {"2 bytes, last", std::string(2, '1') + none.substr(2), true, false, true},
      {"6 bytes, last", std::string(6, '1') + none.substr(6), true, false, true},
      {"4 bytes, not last", std::string(4, '1') + none.substr(4), false, true, true},
      {"all but a latent, not last", full.substr(4) + "0000", false, true, true},
      {"part of a latent, last", std::string(5, '1') + none.substr(5), true, true, true},
      {"part of the first", with(none, 0, '1'), true, true, true},
      {"gap", with(full, 1, '0'), true, true, true},
      {"a latent missing", "0000" + full.substr(4), true, true, true},
      {"only the last latent", none.substr(4) + "1111", true, true, true},
      {"only the last byte", none.substr(1) + "1", true, true, true},
      {"last byte missing", full.substr(1) + "0", true, true, true},
      {"a byte beyond", "11110001" + none.substr(8), true, true, true},
      {"none, last", none, true, true, true},
      {"none, not last", none, false, true, true},
  };
  for (const std::uint32_t format : {kFp32, kFp16, kBf16, kInt16}) {
    for (const Case& c : cases) {
      for (const std::size_t before : {0U, 1U, 2U}) {  // beats of the row before this one
        SCOPED_TRACE(fmt::format("format {}, {}, {} beats before", format, c.what, before));
        EncoderBench bench(lanes_);
        bench.write_now(encoder::kFormat, format);
        bench.write_now(encoder::kControl, encoder::kControlIrqEnable.mask());
        for (std::size_t i = 0; i < before; ++i) bench.send(beat_of(full, false));
        bench.send(beat_of(c.keep, c.last));
        if (!c.last) bench.send(beat_of(full, true));
        ASSERT_TRUE(bench.finish());
        const bool wrong = format == kFp32 ? c.wrong32 : c.wrong16;
        EXPECT_EQ(bench.contract.sticky, encoder::kStatusErrorKeep.make(wrong ? 1 : 0));
        EXPECT_EQ(bench.irq(), wrong);
        bench.check_registers();
        bench.write_now(encoder::kStatus, encoder::kStatusErrorKeep.mask());
        bench.send_row(random_row(format, 3));
        bench.check_registers();
        if (HasFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace szt::sim
