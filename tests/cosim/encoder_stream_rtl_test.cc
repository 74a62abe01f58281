// SPDX-License-Identifier: Apache-2.0
// The encoder block in RTL as a device: gaps times back-pressure, and equality with the model's
// device whenever both are at rest.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "cosim/encoder_testing.h"
#include "seed.h"
#include "szt/sim/encoder_device.h"
#include "szt/sim/registers.h"
#include "szt/sim/stall.h"

namespace szt::sim {
namespace {

TEST(EncoderRtl, GapsTimesBackPressure) {
  std::mt19937_64 generator(test_seed());
  SCOPED_TRACE(seed_trace());
  const StallPattern patterns[] = {
      {}, StallPattern::random(0.5), StallPattern::burst(0.9, 6), StallPattern::periodic(3)};
  std::uint64_t seed = test_seed();
  for (const StallPattern& gaps : patterns) {
    for (const StallPattern& pressure : patterns) {
      for (const std::size_t lanes : kLanes) {
        SCOPED_TRACE(fmt::format("device seed {}", ++seed));
        const std::unique_ptr<EncoderDevice> device =
            make_encoder_rtl(lanes, {.latents = gaps,
                                     .codes = pressure,
                                     .bus = patterns[seed % 4],
                                     .seed = seed,
                                     .initial_state = seed});
        for (const Dtype dtype : kDtypes) {
          const std::size_t beat = 4 * lanes / size_of(dtype);
          for (const std::size_t cols : {std::size_t{1}, beat, 5 * beat - 1, 6 * beat + 1}) {
            encode_checked(*device, dtype, random_latents(dtype, 6 * cols, 0x3C00, generator), 6,
                           cols, dtype == Dtype::kI16 ? 15360.0F : 1.0F);
            if (::testing::Test::HasFailure()) return;
          }
        }
      }
    }
  }
}

// Both devices, told the same, say the same whenever they are at rest.
TEST(EncoderRtl, EqualsTheModelAtRest) {
  SCOPED_TRACE(seed_trace());
  for (const std::size_t lanes : kLanes) {
    std::mt19937_64 generator(test_seed());
    const std::unique_ptr<EncoderDevice> devices[] = {
        make_encoder_model(lanes), make_encoder_rtl(lanes, {.latents = StallPattern::random(0.3),
                                                            .codes = StallPattern::random(0.3),
                                                            .bus = {},
                                                            .seed = test_seed(),
                                                            .initial_state = 5})};
    for (int round = 0; round < 1500; ++round) {
      SCOPED_TRACE(fmt::format("{} lanes, round {}", lanes, round));
      const std::uint64_t choice = generator() % 16;
      const auto value = static_cast<std::uint32_t>(generator());
      const bool last = generator() % 3 == 0;
      std::size_t size = 4 * lanes * (1 + generator() % 3);
      if (last && generator() % 2 == 0) size -= generator() % (4 * lanes - 1);
      std::vector<std::byte> bytes(size);
      for (std::byte& byte : bytes) byte = static_cast<std::byte>(generator());
      std::vector<std::vector<std::uint8_t>> codes(2);
      std::vector<std::vector<std::optional<std::uint32_t>>> registers(2);
      std::vector<std::vector<bool>> flags(2);
      for (std::size_t d = 0; d < 2; ++d) {
        EncoderDevice& device = *devices[d];
        const auto write = [&](std::uint32_t address, std::uint32_t word) {
          flags[d].push_back(device.write_register(address, word));
        };
        if (choice == 0) write(encoder::kFormat, value % 5);
        if (choice == 1) write(encoder::kThreshold, value >> (value % 24));
        if (choice == 2) write(encoder::kControl, value & 7);
        if (choice == 3) write(encoder::kStatus, value);
        if (choice == 4) write(value % 64, value & ~std::uint32_t{1});
        if (choice > 4) device.push_latents(bytes, last);
        for (int i = 0; i < 200; ++i) device.advance(1);
        std::vector<std::uint8_t> popped_bytes(1024);
        while (true) {
          const PoppedCodes popped = device.pop_codes(popped_bytes);
          if (popped.bytes == 0 && !popped.last) break;
          codes[d].insert(codes[d].end(), popped_bytes.begin(),
                          popped_bytes.begin() + static_cast<std::ptrdiff_t>(popped.bytes));
          flags[d].push_back(popped.last);
        }
        flags[d].push_back(device.irq());
        for (std::uint32_t address = 0; address <= encoder::kNanCount; address += 4) {
          registers[d].push_back(device.read_register(address));
        }
      }
      ASSERT_EQ(codes[1], codes[0]);
      ASSERT_EQ(registers[1], registers[0]);
      ASSERT_EQ(flags[1], flags[0]);
    }
  }
}

}  // namespace
}  // namespace szt::sim
