// SPDX-License-Identifier: Apache-2.0
// Whole tensors through the driver, on the model's device and on the RTL, against the encoder of
// the model; and what both devices say of their registers.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "cosim/encoder_testing.h"
#include "seed.h"
#include "szt/encoder.h"
#include "szt/error.h"
#include "szt/sim/device.h"
#include "szt/sim/encoder_device.h"
#include "szt/sim/encoder_driver.h"
#include "szt/sim/registers.h"

namespace szt::sim {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

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

}  // namespace
}  // namespace szt::sim
