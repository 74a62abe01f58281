// SPDX-License-Identifier: Apache-2.0
// Devices that misbehave, and what the encoder's driver says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "szt/error.h"
#include "szt/sim/device.h"
#include "szt/sim/encoder_device.h"
#include "szt/sim/encoder_driver.h"
#include "szt/sim/registers.h"

namespace szt::sim {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

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

}  // namespace
}  // namespace szt::sim
