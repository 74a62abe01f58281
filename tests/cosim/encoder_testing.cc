// SPDX-License-Identifier: Apache-2.0
#include "cosim/encoder_testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <iterator>

#include "szt/encoder.h"
#include "szt/packed_codes.h"
#include "szt/sim/encoder_driver.h"
#include "szt/sim/registers.h"

namespace szt::sim {
namespace {

// What the model's encoder makes of one latent.
struct Latent {
  Code code;
  bool nan;
};
Latent encode_latent(Dtype dtype, const std::byte* bytes, std::uint32_t threshold) {
  std::uint32_t word = 0;
  std::memcpy(&word, bytes, size_of(dtype));
  const auto half = static_cast<std::uint16_t>(word);
  if (dtype == Dtype::kF32) return {encode_f32(word, threshold), is_nan_f32(word)};
  if (dtype == Dtype::kF16) return {encode_f16(half, threshold), is_nan_f16(half)};
  if (dtype == Dtype::kBF16) return {encode_bf16(half, threshold), is_nan_bf16(half)};
  return {encode_i16(static_cast<std::int16_t>(half), threshold), false};
}

}  // namespace

std::vector<std::byte> random_latents(Dtype dtype, std::size_t count, std::uint32_t threshold,
                                      std::mt19937_64& generator) {
  const std::size_t size = size_of(dtype);
  const std::uint32_t infinity = dtype == Dtype::kF32    ? 0x7F800000U
                                 : dtype == Dtype::kF16  ? 0x7C00U
                                 : dtype == Dtype::kBF16 ? 0x7F80U
                                                         : 0x7FFFU;
  const std::uint32_t sign = 1U << (8 * size - 1);
  const std::uint32_t specials[] = {0,
                                    1,
                                    infinity - 1,
                                    infinity,
                                    infinity + 1,
                                    sign - 1,
                                    threshold - 1,
                                    threshold,
                                    threshold + 1,
                                    ~threshold,
                                    -threshold};
  std::vector<std::byte> bytes(count * size);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t bits = generator();
    std::uint32_t latent = static_cast<std::uint32_t>(bits >> 8);
    if (bits % 4 == 0) {
      latent = specials[(bits >> 8) % std::size(specials)] | ((bits >> 40) % 2 != 0 ? sign : 0);
    }
    std::memcpy(&bytes[i * size], &latent, size);
  }
  return bytes;
}

void encode_checked(EncoderDevice& device, Dtype dtype, const std::vector<std::byte>& data,
                    std::size_t rows, std::size_t cols, float threshold) {
  SCOPED_TRACE(fmt::format("{} lanes, {} [{}, {}], threshold {}", device.lanes(), name(dtype), rows,
                           cols, threshold));
  ASSERT_EQ(data.size(), rows * cols * size_of(dtype));
  const std::uint32_t bits = threshold_bits(dtype, threshold);
  PackedCodes expected(rows, cols);
  std::uint32_t nans = 0;
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < cols; ++c) {
      const Latent latent = encode_latent(dtype, &data[(r * cols + c) * size_of(dtype)], bits);
      expected.set(r, c, latent.code);
      nans += latent.nan ? 1 : 0;
    }
  }
  EncoderDriver driver(device, {.watchdog_cycles = 20'000});
  const EncodedTensor encoded = driver.encode(dtype, data.data(), rows, cols, threshold);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < cols; ++c) {
      ASSERT_EQ(encoded.codes.get(r, c), expected.get(r, c)) << "[" << r << ", " << c << "]";
    }
  }
  EXPECT_EQ(encoded.codes, expected);
  EXPECT_EQ(encoded.nan_count, nans);
  EXPECT_EQ(device.read_register(encoder::kStatus), encoder::kStatusNan.make(nans != 0 ? 1 : 0));
}

}  // namespace szt::sim
