// SPDX-License-Identifier: Apache-2.0
// What the suites of the encoder block's pins share: random rows and single beats.
#ifndef SZT_TESTS_COSIM_ENCODER_PINS_TESTING_H_
#define SZT_TESTS_COSIM_ENCODER_PINS_TESTING_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "cosim/encoder_bench.h"
#include "cosim/encoder_testing.h"
#include "seed.h"

namespace szt::sim {

// Its parameter is the number of lanes.
class EncoderPinsTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  std::vector<std::uint8_t> random_row(std::uint32_t format, std::size_t latents) {
    const std::vector<std::byte> bytes =
        random_latents(kDtypes[format], latents, 0x3C00, generator_);
    std::vector<std::uint8_t> row(bytes.size());
    std::memcpy(row.data(), bytes.data(), bytes.size());
    return row;
  }

  const std::size_t lanes_ = GetParam();
  std::mt19937_64 generator_{test_seed()};
  ::testing::ScopedTrace trace_{__FILE__, __LINE__, seed_trace()};
};

// A latent beat with these bytes kept, one character a byte ('1' kept), of finite numbers.
inline LatentBeat beat_of(const std::string& keep, bool last) {
  LatentBeat beat;
  for (const char c : keep) {
    beat.data.push_back(0x3F);
    beat.keep.push_back(c == '1');
  }
  beat.last = last;
  return beat;
}

}  // namespace szt::sim

#endif  // SZT_TESTS_COSIM_ENCODER_PINS_TESTING_H_
