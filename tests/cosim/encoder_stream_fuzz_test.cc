// SPDX-License-Identifier: Apache-2.0
// The encoder block with everything at once, at random.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "cosim/encoder_bench.h"
#include "cosim/encoder_pins_testing.h"
#include "seed.h"
#include "szt/sim/registers.h"
#include "szt/sim/stall.h"

namespace szt::sim {
namespace {

// Any beats, settings, resets and accesses under any stalls.
TEST_P(EncoderPinsTest, Fuzz) {
  const StallPattern patterns[] = {
      {}, StallPattern::random(0.5), StallPattern::burst(0.9, 8), StallPattern::periodic(3)};
  for (std::uint64_t round = 0; round < 24; ++round) {
    SCOPED_TRACE(fmt::format("round {}", round));
    const auto pattern = [&] { return patterns[generator_() % 4]; };
    EncoderBench bench(lanes_, {.latents = pattern(), .codes = pattern(), .bus = pattern()},
                       test_seed() + round);
    const bool wrong_keeps = round % 3 == 0;
    const bool resets = round % 2 == 0;
    for (int burst = 0; burst < 60; ++burst) {
      for (std::uint64_t beats = generator_() % 12; beats > 0; --beats) {
        LatentBeat beat;
        beat.last = generator_() % 4 == 0;
        const std::uint64_t kind = generator_() % (wrong_keeps ? 8 : 4);
        const std::size_t kept =
            kind < 2 || !beat.last ? bench.beat_bytes() : 4 * (1 + generator_() % lanes_);
        for (std::size_t i = 0; i < bench.beat_bytes(); ++i) {
          const std::uint64_t bits = generator_();
          beat.data.push_back(static_cast<std::uint8_t>(bits % 3 == 0 ? 0xFF : bits >> 8));
          beat.keep.push_back(kind == 5   ? (bits >> 20) % 2 != 0
                              : kind == 6 ? (bits >> 20) % 16 != 0
                              : kind == 7 ? (bits >> 20) % 16 == 0
                                          : i < kept);
        }
        bench.send(std::move(beat));
      }
      for (std::uint64_t accesses = generator_() % 4; accesses > 0; --accesses) {
        const auto value = static_cast<std::uint32_t>(generator_());
        const auto strobes = static_cast<unsigned>(generator_() % 16);
        switch (generator_() % 6) {
          case 0:
            bench.write(encoder::kFormat, value % 5, strobes | 1);
            break;
          case 1:
            bench.write(encoder::kThreshold, value >> (value % 24), strobes);
            break;
          case 2:
            // SOFT_RESET and FLUSH only where they are wanted.
            bench.write(encoder::kControl, resets ? value : value & ~std::uint32_t{3}, strobes);
            break;
          case 3:
            bench.write(encoder::kLatentCount + (value & 0xDC), value, strobes);
            break;
          default:
            bench.read(value & 0xFF);
        }
      }
      bench.run(static_cast<int>(generator_() % 40));
      if (burst % 10 == 9) {
        bench.check_registers();
        bench.write_now(encoder::kStatus, encoder::kStatusSticky);
        bench.check_registers();
      }
      if (HasFailure()) return;
    }
    EXPECT_GT(bench.beats_out, 10U);
  }
}

}  // namespace
}  // namespace szt::sim
