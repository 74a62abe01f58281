// SPDX-License-Identifier: Apache-2.0
// The encoder block: whole tensors through the driver against the encoder of the model, then its
// pins, cycle by cycle, against its contract.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "cosim/encoder_bench.h"
#include "seed.h"
#include "szt/error.h"
#include "szt/sim/device.h"
#include "szt/sim/encoder_device.h"
#include "szt/sim/encoder_driver.h"

namespace szt::sim {
namespace {

using ::szt::testing::seed_trace;
using ::szt::testing::test_seed;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr Dtype kDtypes[] = {Dtype::kF32, Dtype::kF16, Dtype::kBF16, Dtype::kI16};
constexpr std::size_t kLanes[] = {2, 4, 16};  // as built

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

// Random bits: one in four latents is a special or a neighbour of the threshold.
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

// Encodes on the device and expects every code, the NaN count and the sticky bit.
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

struct DeviceKind {
  bool rtl;
  std::size_t lanes;

  std::unique_ptr<EncoderDevice> make() const {
    return rtl ? make_encoder_rtl(lanes) : make_encoder_model(lanes);
  }
};

class EncoderDriverTest : public ::testing::TestWithParam<DeviceKind> {
 protected:
  std::mt19937_64 generator_{test_seed()};
  ::testing::ScopedTrace trace_{__FILE__, __LINE__, seed_trace()};
  std::unique_ptr<EncoderDevice> device_ = GetParam().make();
};
INSTANTIATE_TEST_SUITE_P(Devices, EncoderDriverTest,
                         ::testing::Values(DeviceKind{false, 2}, DeviceKind{false, 4},
                                           DeviceKind{false, 64}, DeviceKind{true, 2},
                                           DeviceKind{true, 4}, DeviceKind{true, 16}),
                         [](const auto& kind) {
                           return fmt::format("{}{}", kind.param.rtl ? "Rtl" : "Model",
                                              kind.param.lanes);
                         });

TEST_P(EncoderDriverTest, EveryPatternOfSixteenBits) {
  constexpr std::size_t kPatterns = 0x10000, kCols = 1024;
  std::vector<std::byte> data(2 * kPatterns);
  for (std::uint32_t i = 0; i < kPatterns; ++i) std::memcpy(&data[2 * i], &i, 2);
  struct Thresholds {
    Dtype dtype;
    std::vector<float> values;
  };
  constexpr float kHuge = std::numeric_limits<float>::max();
  for (const auto& [dtype, values] :
       {Thresholds{Dtype::kF16, {0.0F, 0x1p-24F, 0.0312F, 65504.0F, kHuge}},
        Thresholds{Dtype::kBF16, {0.0F, 0x1p-133F, 0.0312F, 0x1.FEp127F, kHuge}},
        Thresholds{Dtype::kI16, {0.0F, 0.5F, 1.0F, 22936.7F, 32767.0F, 32768.0F, kHuge}}}) {
    for (const float threshold : values) {
      encode_checked(*device_, dtype, data, kPatterns / kCols, kCols, threshold);
      if (HasFailure()) return;
    }
  }
}

TEST_P(EncoderDriverTest, Float32CornersAndRandom) {
  std::vector<std::uint32_t> words;
  for (const float threshold :
       {0.0F, 0x1p-149F, 0.0312F, 1.0F, std::numeric_limits<float>::max()}) {
    words.clear();
    const std::uint32_t bits = threshold_bits(Dtype::kF32, threshold);
    for (std::uint32_t exponent = 0; exponent < 256; ++exponent) {
      for (const std::uint32_t mantissa : {0U, 1U, 0x400000U, 0x7FFFFFU}) {
        for (const std::uint32_t sign : {0U, 0x80000000U}) {
          words.push_back(sign | exponent << 23 | mantissa);
        }
      }
    }
    // Also bits that only one half of the word has.
    for (const std::uint32_t near : {bits - 1, bits, bits + 1, bits ^ 0x10000U, bits ^ 0x8000U}) {
      words.insert(words.end(), {near & 0x7FFFFFFFU, near | 0x80000000U});
    }
    while (words.size() < 33 * 200) words.push_back(static_cast<std::uint32_t>(generator_()));
    std::vector<std::byte> data(4 * words.size());
    std::memcpy(data.data(), words.data(), data.size());
    encode_checked(*device_, Dtype::kF32, data, 33, 200, threshold);
    if (HasFailure()) return;
  }
}

TEST_P(EncoderDriverTest, RaggedRows) {
  for (const Dtype dtype : kDtypes) {
    const std::size_t beat = 4 * device_->lanes() / size_of(dtype);
    for (std::size_t cols = 1; cols <= 2 * beat + 3; ++cols) {
      const float threshold = dtype == Dtype::kI16 ? 9000.5F : 0.7F;
      const std::size_t rows = 1 + cols % 4;
      encode_checked(
          *device_, dtype,
          random_latents(dtype, rows * cols, threshold_bits(dtype, threshold), generator_), rows,
          cols, threshold);
      if (HasFailure()) return;
    }
  }
}

TEST_P(EncoderDriverTest, UnalignedData) {
  std::vector<std::byte> data = random_latents(Dtype::kF32, 51, 0, generator_);
  data.insert(data.begin(), std::byte{0xFF});
  EncoderDriver driver(*device_);
  const EncodedTensor shifted = driver.encode(Dtype::kF32, data.data() + 1, 3, 17, 0.5F);
  data.erase(data.begin());
  EXPECT_EQ(shifted.codes, driver.encode(Dtype::kF32, data.data(), 3, 17, 0.5F).codes);
}

TEST_P(EncoderDriverTest, EmptyTensors) {
  EncoderDriver driver(*device_);
  const std::uint64_t before = device_->cycle();
  for (const auto& [rows, cols] : {std::pair<std::size_t, std::size_t>{0, 0}, {0, 7}, {7, 0}}) {
    const EncodedTensor encoded = driver.encode(Dtype::kF16, nullptr, rows, cols, 1.0F);
    EXPECT_EQ(encoded.codes, PackedCodes(rows, cols));
    EXPECT_EQ(encoded.nan_count, 0U);
    EXPECT_EQ(encoded.cycles, 0U);
  }
  EXPECT_EQ(device_->cycle(), before);
  EXPECT_EQ(device_->read_register(encoder::kLatentCount), 0U);
}

TEST_P(EncoderDriverTest, NansAreCountedAndReported) {
  EncoderDriver driver(*device_);
  const std::uint16_t halves[] = {0x7C01, 0x3C00, 0xFE00, 0x7C00, 0xFC00, 0xFFFF, 0x7FFF};
  std::vector<std::byte> data(sizeof(halves));
  std::memcpy(data.data(), halves, sizeof(halves));
  const std::vector<Code> codes = {Code::kPlusOne, Code::kZeroPlus, Code::kMinusOne,
                                   Code::kPlusOne, Code::kMinusOne, Code::kMinusOne,
                                   Code::kPlusOne};
  EXPECT_FALSE(device_->irq());
  ASSERT_TRUE(device_->write_register(encoder::kControl, encoder::kControlIrqEnable.mask()));
  for (std::uint32_t round = 1; round <= 2; ++round) {
    const EncodedTensor encoded = driver.encode(Dtype::kF16, data.data(), 1, 7, 65504.0F);
    EXPECT_EQ(encoded.codes.unpack(), codes);
    EXPECT_EQ(encoded.nan_count, 4U);
    EXPECT_EQ(device_->read_register(encoder::kNanCount), 4 * round);
    EXPECT_EQ(device_->read_register(encoder::kLatentCount), 7 * round);
    EXPECT_EQ(device_->read_register(encoder::kStatus), encoder::kStatusNan.mask());
    EXPECT_TRUE(device_->irq());
  }
  // Only a 1 acknowledges.
  EXPECT_TRUE(device_->write_register(encoder::kStatus, ~encoder::kStatusNan.mask()));
  EXPECT_EQ(device_->read_register(encoder::kStatus), encoder::kStatusNan.mask());
  EXPECT_TRUE(device_->irq());
  EXPECT_TRUE(device_->write_register(encoder::kControl, 0));
  EXPECT_EQ(device_->read_register(encoder::kControl), 0U);
  EXPECT_FALSE(device_->irq());
  EXPECT_TRUE(device_->write_register(encoder::kControl, encoder::kControlIrqEnable.mask()));
  EXPECT_EQ(device_->read_register(encoder::kControl), encoder::kControlIrqEnable.mask());
  EXPECT_TRUE(device_->irq());
  EXPECT_TRUE(device_->write_register(encoder::kStatus, encoder::kStatusNan.mask()));
  EXPECT_EQ(device_->read_register(encoder::kStatus), 0U);
  EXPECT_FALSE(device_->irq());
  // A tensor without NaNs leaves it so, whatever lies beyond the end of its row.
  EXPECT_EQ(driver.encode(Dtype::kF16, data.data() + 2, 1, 1, 0.0F).nan_count, 0U);
  EXPECT_EQ(device_->read_register(encoder::kStatus), 0U);
  // One half of an fp32 may look like a NaN.
  const std::uint32_t word = 0x3F80FFFF;
  EXPECT_EQ(
      driver.encode(Dtype::kF32, reinterpret_cast<const std::byte*>(&word), 1, 1, 0).nan_count, 0U);
}

TEST_P(EncoderDriverTest, RegistersAfterReset) {
  EXPECT_EQ(device_->read_register(encoder::kId), encoder::kIdValue);
  EXPECT_EQ(device_->read_register(encoder::kVersion), kVersionValue);
  EXPECT_EQ(device_->read_register(encoder::kConfig), device_->lanes());
  for (const std::uint32_t address :
       {encoder::kControl, encoder::kStatus, encoder::kFormat, encoder::kThreshold,
        encoder::kLatentCount, encoder::kNanCount}) {
    EXPECT_EQ(device_->read_register(address), 0U) << address;
  }
}

TEST_P(EncoderDriverTest, RefusedAccessesChangeNothing) {
  ASSERT_TRUE(device_->write_register(encoder::kFormat, 2));
  ASSERT_TRUE(device_->write_register(encoder::kThreshold, 0x89ABCDEF));
  const auto everything = [&] {
    std::vector<std::optional<std::uint32_t>> values;
    for (std::uint32_t address = 0; address < 256; address += 4) {
      values.push_back(device_->read_register(address));
    }
    return values;
  };
  const std::vector<std::optional<std::uint32_t>> before = everything();
  for (std::uint32_t address = 0; address < 256; address += 4) {
    const bool mapped = address <= encoder::kNanCount;
    EXPECT_EQ(before[address / 4].has_value(), mapped) << address;
    const bool writable = address == encoder::kControl || address == encoder::kStatus ||
                          address == encoder::kFormat || address == encoder::kThreshold;
    if (!writable) {
      EXPECT_FALSE(device_->write_register(address, 0xFFFFFFFF)) << address;
    }
  }
  for (const std::uint32_t format : {4U, 0x100U, 0x80000000U, 0xFFFFFFFFU}) {
    EXPECT_FALSE(device_->write_register(encoder::kFormat, format));
  }
  EXPECT_EQ(everything(), before);
  // An address's two low bits are ignored.
  EXPECT_TRUE(device_->write_register(encoder::kFormat + 3, 1));
  EXPECT_EQ(device_->read_register(encoder::kFormat + 2), 1U);
  EXPECT_FALSE(device_->write_register(encoder::kNanCount + 5, 0));
  EXPECT_FALSE(device_->read_register(0x100).has_value());
  EXPECT_FALSE(device_->write_register(0x100 + encoder::kFormat, 2));
}

// A soft reset between beats, the rest of its row, and the next row.
TEST_P(EncoderDriverTest, SoftResetDropsTheRow) {
  const std::size_t beat = 4 * device_->lanes();
  const std::vector<std::byte> ones(2 * beat, std::byte{0x3F});
  std::vector<std::uint8_t> codes(1024);
  ASSERT_TRUE(device_->write_register(encoder::kFormat, 1));
  const auto quiet = [&] {
    for (int i = 0; i < 20; ++i) device_->advance(1);
  };
  for (const bool flush : {false, true}) {
    SCOPED_TRACE(flush ? "FLUSH" : "TLAST");
    ASSERT_EQ(device_->push_latents(ones, false), 2U);
    quiet();
    const PoppedCodes head = device_->pop_codes(codes);
    EXPECT_EQ(head.bytes, device_->lanes());
    EXPECT_FALSE(head.last);
    EXPECT_EQ(device_->read_register(encoder::kStatus), encoder::kStatusBusy.mask());
    EncoderDriver driver(*device_);
    EXPECT_THAT([&] { driver.encode(Dtype::kF32, ones.data(), 1, 1, 0); },
                ThrowsMessage<DeviceError>(HasSubstr("a row is in hand")));
    ASSERT_TRUE(device_->write_register(encoder::kControl, encoder::kControlSoftReset.mask()));
    EXPECT_EQ(device_->read_register(encoder::kControl), 0U);
    EXPECT_EQ(device_->read_register(encoder::kStatus), encoder::kStatusDiscard.mask());
    if (flush) {
      ASSERT_TRUE(device_->write_register(encoder::kControl, encoder::kControlFlush.mask()));
    } else {
      ASSERT_EQ(device_->push_latents(std::span(ones).first(beat), false), 1U);
      quiet();
      EXPECT_EQ(device_->read_register(encoder::kStatus), encoder::kStatusDiscard.mask());
      ASSERT_EQ(device_->push_latents(std::span(ones).first(2), true), 1U);
      quiet();
    }
    EXPECT_EQ(device_->read_register(encoder::kStatus), 0U);
    const PoppedCodes dropped = device_->pop_codes(codes);
    EXPECT_EQ(dropped.bytes, 0U);
    EXPECT_FALSE(dropped.last);
    encode_checked(*device_, Dtype::kF16, random_latents(Dtype::kF16, 57, 0x3C00, generator_), 3,
                   19, 1.0F);
    ASSERT_TRUE(device_->write_register(encoder::kStatus, encoder::kStatusSticky));
  }
}

TEST_P(EncoderDriverTest, CancelledPushesAreForgotten) {
  const std::size_t beat = 4 * device_->lanes();
  EXPECT_TRUE(device_->cancel_pushes());
  ASSERT_EQ(device_->push_latents(std::vector<std::byte>(9 * beat), true), 9U);
  device_->advance(1);
  while (!device_->cancel_pushes()) device_->advance(1);
  for (int i = 0; i < 20; ++i) device_->advance(1);
  const std::optional<std::uint32_t> latents = device_->read_register(encoder::kLatentCount);
  ASSERT_TRUE(latents.has_value());
  EXPECT_LT(*latents, 9 * device_->lanes());
  EXPECT_EQ(*latents % device_->lanes(), 0U);
}

TEST_P(EncoderDriverTest, BadInputIsNamed) {
  EncoderDriver driver(*device_);
  const std::byte data[4] = {};
  EXPECT_THAT([&] { driver.encode(Dtype::kI8, data, 1, 1, 0); },
              ThrowsMessage<InputError>(HasSubstr("not I8; widen it to I16")));
  for (const float threshold :
       {-1.0F, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    EXPECT_THAT([&] { driver.encode(Dtype::kF32, data, 1, 1, threshold); },
                ThrowsMessage<InputError>(HasSubstr("threshold")));
  }
  EXPECT_THAT([&] { device_->push_latents(data, false); },
              ThrowsMessage<InputError>(HasSubstr("a beat is")));
}

TEST(EncoderDevice, LanesThatAreNotBuiltAreRefused) {
  for (const std::size_t lanes : {0U, 1U, 3U, 6U, 128U}) {
    EXPECT_THAT([&] { make_encoder_model(lanes); },
                ThrowsMessage<InputError>(HasSubstr("power of two")));
  }
  EXPECT_THAT([] { make_encoder_rtl(8); }, ThrowsMessage<InputError>(HasSubstr("not built")));
}

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

// ---- Devices that misbehave, and what the driver says.

class BrokenEncoder : public EncoderDevice {
 public:
  std::string_view name() const override { return "broken"; }
  std::size_t lanes() const override { return inner_->lanes(); }
  bool write_register(std::uint32_t address, std::uint32_t value) override {
    if (address == refused_write) return false;
    return inner_->write_register(address, value);
  }
  std::optional<std::uint32_t> read_register(std::uint32_t address) override {
    if (address == patched_read) return patch;
    return inner_->read_register(address);
  }
  bool irq() const override { return inner_->irq(); }
  std::size_t push_latents(std::span<const std::byte> bytes, bool last) override {
    return deaf ? 0 : inner_->push_latents(bytes, last);
  }
  bool cancel_pushes() override { return inner_->cancel_pushes(); }
  PoppedCodes pop_codes(std::span<std::uint8_t> bytes) override {
    if (mute) return {};
    PoppedCodes popped = inner_->pop_codes(early ? bytes.first(lanes() / 2) : bytes);
    if (popped.last && padded) bytes[popped.bytes - 1] |= 0xC0;
    if (popped.last && shortened) --popped.bytes;
    if (popped.bytes != 0 && early) popped.last = true;
    return popped;
  }
  std::uint64_t advance(std::uint64_t max_cycles) override { return inner_->advance(max_cycles); }
  std::uint64_t cycle() const override { return inner_->cycle(); }
  std::string describe() const override { return inner_->describe(); }

  std::uint32_t refused_write = ~0U, patched_read = ~0U;
  std::optional<std::uint32_t> patch;
  bool deaf = false, mute = false, padded = false, shortened = false, early = false;

 private:
  std::unique_ptr<EncoderDevice> inner_ = make_encoder_rtl(4);
};

TEST(EncoderDriver, ChecksWhatItDrives) {
  BrokenEncoder device;
  const auto construct = [&] { EncoderDriver driver(device); };
  device.patched_read = encoder::kId;
  device.patch = 0x12345678;
  EXPECT_THAT(construct, ThrowsMessage<DeviceError>(HasSubstr("ID is 0x12345678")));
  device.patch = std::nullopt;
  EXPECT_THAT(construct, ThrowsMessage<DeviceError>(HasSubstr("reading ID answers SLVERR")));
  device.patched_read = encoder::kVersion;
  device.patch = kVersionValue + encoder::kVersionMinor.make(1);
  EXPECT_THAT(construct, ThrowsMessage<DeviceError>(HasSubstr("VERSION is")));
  device.patch = kVersionValue ^ encoder::kVersionPatch.make(1);
  construct();
  device.patched_read = encoder::kConfig;
  device.patch = 8;
  EXPECT_THAT(construct, ThrowsMessage<DeviceError>(HasSubstr("CONFIG says 8 lanes, not 4")));
}

TEST(EncoderDriver, ReportsADeviceThatMisbehaves) {
  const std::vector<std::byte> data(4 * 4 * 1001, std::byte{0x12});
  const auto message = [&](auto break_it, std::uint64_t watchdog = 2000) {
    BrokenEncoder device;
    EncoderDriver driver(device, {.watchdog_cycles = watchdog});
    break_it(device);
    try {
      driver.encode(Dtype::kF32, data.data(), 4, 1001, 1.0F);
    } catch (const DeviceError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(message([](auto&) {}), "no error");
  EXPECT_THAT(message([](auto& d) { d.mute = true; }),
              AllOf(HasSubstr("hangs: no latents in and no codes out for 2000 cycles"),
                    HasSubstr("codes valid 1 ready 0")));
  EXPECT_THAT(message([](auto& d) { d.deaf = true; }),
              AllOf(HasSubstr("row 0 pushed to byte 0"), HasSubstr("latents valid 0 ready 1")));
  EXPECT_THAT(message([](auto& d) { d.shortened = true; }),
              HasSubstr("row 0 has ended after 250 bytes of codes, not 251"));
  EXPECT_THAT(message([](auto& d) { d.early = true; }),
              HasSubstr("row 0 has ended after 2 bytes of codes, not 251"));
  EXPECT_THAT(message([](auto& d) { d.padded = true; }), HasSubstr("padding"));
  EXPECT_THAT(message([](auto& d) { d.refused_write = encoder::kThreshold; }),
              HasSubstr("to THRESHOLD answers SLVERR"));
  EXPECT_THAT(message([](auto& d) {
                d.patched_read = encoder::kLatentCount;
                d.patch = 3;
              }),
              HasSubstr("LATENT_COUNT grew by 0, not 4004"));
  EXPECT_THAT(message([](auto& d) {
                d.patched_read = encoder::kStatus;
                d.patch = encoder::kStatusErrorKeep.mask();
              }),
              HasSubstr("TKEEP reported as wrong"));
}

// ---- The pins.

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

// A latent beat with these bytes kept, one character a byte ('1' kept), of finite numbers.
LatentBeat beat_of(const std::string& keep, bool last) {
  LatentBeat beat;
  for (const char c : keep) {
    beat.data.push_back(0x3F);
    beat.keep.push_back(c == '1');
  }
  beat.last = last;
  return beat;
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

// Everything at once, at random: any beats, settings, resets and accesses under any stalls.
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
