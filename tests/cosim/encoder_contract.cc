// SPDX-License-Identifier: Apache-2.0
#include "cosim/encoder_contract.h"

#include <cstring>

#include "szt/encoder.h"
#include "szt/sim/registers.h"

namespace szt::sim {

void EncoderContract::accept(const LatentBeat& beat) {
  if (!row_open_) {
    row_format_ = format;
    row_threshold_ = threshold;
  }
  row_open_ = !beat.last;
  if (discard_) {
    discard_ = !beat.last;
    return;
  }
  const std::size_t size = latent_size(row_format_);
  const std::size_t full = 4 * lanes_ / size;
  std::size_t there = 0;
  for (std::size_t i = 0; i < full; ++i) {
    bool whole = true;
    for (std::size_t b = 0; b < size; ++b) whole = whole && beat.keep[i * size + b];
    if (whole) there = i + 1;
  }
  bool right = there != 0 && (beat.last || there == full);
  for (std::size_t b = 0; b < beat.keep.size(); ++b) {
    right = right && beat.keep[b] == (b < there * size);
  }
  if (!right) sticky |= encoder::kStatusErrorKeep.mask();
  codes_.resize(lanes_ / 2);
  for (std::size_t i = 0; i < there; ++i) {
    bool nan = false;
    const auto code = static_cast<unsigned>(encode(&beat.data[i * size], nan));
    const std::size_t place = places_ + i;
    codes_[place / 4] = static_cast<std::uint8_t>(codes_[place / 4] | code << (2 * (place % 4)));
    if (!nan) continue;
    ++nans;
    sticky |= encoder::kStatusNan.mask();
  }
  latents += static_cast<std::uint32_t>(there);
  places_ += beat.last ? there : full;
  if (!beat.last && places_ < 2 * lanes_) return;
  expected.push_back({codes_, (std::uint64_t{1} << ((places_ + 3) / 4)) - 1, beat.last});
  forget_codes();
}

bool EncoderContract::write(std::uint32_t address, std::uint32_t value, unsigned strobes,
                            bool held) {
  std::uint32_t bits = 0;
  for (unsigned i = 0; i < 4; ++i) bits |= (strobes >> i & 1U) != 0 ? 0xFFU << (8 * i) : 0;
  const std::uint32_t ones = value & bits;
  switch (address & ~3U) {
    case encoder::kControl:
      if ((bits & encoder::kControlIrqEnable.mask()) != 0) {
        irq_enable = encoder::kControlIrqEnable.get(value) != 0;
      }
      if (encoder::kControlSoftReset.get(ones) != 0) {
        expected.resize(held ? 1 : 0);
        forget_codes();
        discard_ = row_open_;
        exact = false;
      }
      if (encoder::kControlFlush.get(ones) != 0 && discard_) discard_ = row_open_ = false;
      return true;
    case encoder::kStatus:
      sticky &= ~ones;
      return true;
    case encoder::kFormat:
      if (ones > 3) return false;
      if ((bits & 3) != 0) format = ones;
      return true;
    case encoder::kThreshold:
      threshold = (threshold & ~bits) | ones;
      return true;
    default:
      return false;
  }
}

Code EncoderContract::encode(const std::uint8_t* bytes, bool& nan) const {
  std::uint32_t word = 0;
  std::memcpy(&word, bytes, latent_size(row_format_));
  const auto half = static_cast<std::uint16_t>(word);
  switch (row_format_) {
    case kFp32:
      nan = is_nan_f32(word);
      return encode_f32(word, row_threshold_);
    case kFp16:
      nan = is_nan_f16(half);
      return encode_f16(half, row_threshold_ & 0xFFFFU);
    case kBf16:
      nan = is_nan_bf16(half);
      return encode_bf16(half, row_threshold_ & 0xFFFFU);
    default:
      return encode_i16(static_cast<std::int16_t>(half), row_threshold_ & 0xFFFFU);
  }
}

void EncoderContract::forget_codes() {
  codes_.assign(lanes_ / 2, 0);
  places_ = 0;
}

}  // namespace szt::sim
