// SPDX-License-Identifier: Apache-2.0
// The encoder block as a C++ model, by the contract of rtl/szt_encoder_stream.sv.
#include <fmt/format.h>

#include <array>
#include <cstring>

#include "encoder_queues.h"
#include "szt/encoder.h"
#include "szt/packed_codes.h"
#include "szt/sim/registers.h"

namespace szt::sim {
namespace {

// FORMAT.
enum Format : std::uint32_t { kFp32, kFp16, kBf16, kInt16 };
constexpr std::uint32_t kFormats = 4;

template <typename T>
T load(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

class EncoderModel final : public QueuedEncoder {
 public:
  explicit EncoderModel(std::size_t lanes) : QueuedEncoder(lanes) {}

  std::string_view name() const override { return "model"; }
  bool irq() const override { return irq_enable_ && sticky_ != 0; }

  bool write_register(std::uint32_t address, std::uint32_t value) override {
    step();
    switch (address & ~3U) {
      case encoder::kControl:
        irq_enable_ = (value & encoder::kControlIrqEnable.mask()) != 0;
        if ((value & encoder::kControlSoftReset.mask()) != 0) {
          discard_ = row_open_;
          place_ = 0;
          out_ = {};
        }
        if ((value & encoder::kControlFlush.mask()) != 0 && discard_) {
          discard_ = false;
          row_open_ = false;
        }
        return true;
      case encoder::kStatus:
        sticky_ &= ~value;
        return true;
      case encoder::kFormat:
        if (value >= kFormats) return false;
        format_ = value;
        return true;
      case encoder::kThreshold:
        threshold_ = value;
        return true;
      default:
        return false;
    }
  }

  std::optional<std::uint32_t> read_register(std::uint32_t address) override {
    step();
    switch (address & ~3U) {
      case encoder::kId:
        return encoder::kIdValue;
      case encoder::kVersion:
        return kVersionValue;
      case encoder::kConfig:
        return encoder::kConfigLanes.make(static_cast<std::uint32_t>(lanes_));
      case encoder::kControl:
        return encoder::kControlIrqEnable.make(irq_enable_ ? 1 : 0);
      case encoder::kStatus:
        return sticky_ | encoder::kStatusBusy.make(row_open_ && !discard_ ? 1 : 0) |
               encoder::kStatusDiscard.make(discard_ ? 1 : 0);
      case encoder::kFormat:
        return format_;
      case encoder::kThreshold:
        return threshold_;
      case encoder::kLatentCount:
        return latent_count_;
      case encoder::kNanCount:
        return nan_count_;
      default:
        return std::nullopt;
    }
  }

  bool cancel_pushes() override {
    latents_.clear();
    return true;
  }

  std::uint64_t advance(std::uint64_t max_cycles) override {
    std::uint64_t passed = 0;
    while (passed < max_cycles) {
      step();
      ++passed;
      if (latents_.empty() || codes_.size() >= kCapacity / 2) break;
    }
    return passed;
  }

  std::string describe() const override {
    return fmt::format("cycle {}: {} latent beats wait, {} code beats held", cycle_,
                       latents_.size(), codes_.size());
  }

 private:
  struct Encoded {
    Code code;
    bool nan;
  };

  void step() {
    ++cycle_;
    if (latents_.empty() || codes_.size() >= kCapacity) return;
    take(latents_.front());
    latents_.pop_front();
  }

  void take(const LatentBeat& beat) {
    if (!row_open_) {
      row_format_ = format_;
      row_threshold_ = threshold_;
    }
    row_open_ = !beat.last;
    if (discard_) {
      discard_ = !beat.last;
      return;
    }
    const std::size_t size = row_format_ == kFp32 ? 4 : 2;
    if (beat.kept % size != 0) sticky_ |= encoder::kStatusErrorKeep.mask();
    const std::size_t latents = beat.kept / size;
    for (std::size_t i = 0; i < latents; ++i) {
      const Encoded encoded = encode(&beat.bytes[i * size]);
      const auto bits = static_cast<unsigned>(encoded.code);
      std::uint8_t& byte = out_[place_ / kCodesPerByte];
      byte = static_cast<std::uint8_t>(byte | bits << (2 * (place_ % kCodesPerByte)));
      ++place_;
      ++latent_count_;
      if (encoded.nan) {
        ++nan_count_;
        sticky_ |= encoder::kStatusNan.mask();
      }
    }
    if (!beat.last && place_ < 2 * lanes_) return;
    codes_.push_back({out_, packed_stride(place_), beat.last});
    place_ = 0;
    out_ = {};
  }

  Encoded encode(const std::byte* bytes) const {
    if (row_format_ == kFp32) {
      const auto word = load<std::uint32_t>(bytes);
      return {encode_f32(word, row_threshold_), is_nan_f32(word)};
    }
    const auto half = load<std::uint16_t>(bytes);
    const std::uint32_t threshold = row_threshold_ & 0xFFFFU;
    if (row_format_ == kFp16) return {encode_f16(half, threshold), is_nan_f16(half)};
    if (row_format_ == kBf16) return {encode_bf16(half, threshold), is_nan_bf16(half)};
    return {encode_i16(static_cast<std::int16_t>(half), threshold), false};
  }

  bool irq_enable_ = false;
  std::uint32_t format_ = 0, threshold_ = 0;
  std::uint32_t sticky_ = 0;
  std::uint32_t latent_count_ = 0, nan_count_ = 0;

  bool row_open_ = false;  // the next beat continues a row
  bool discard_ = false;   // one that a soft reset dropped
  std::uint32_t row_format_ = 0, row_threshold_ = 0;
  std::size_t place_ = 0;  // codes in out_
  std::array<std::uint8_t, kMaxEncoderLanes / 2> out_{};
};

}  // namespace

std::unique_ptr<EncoderDevice> make_encoder_model(std::size_t lanes) {
  return std::make_unique<EncoderModel>(lanes);
}

}  // namespace szt::sim
