// SPDX-License-Identifier: Apache-2.0
// The host's side of an encoder device: bounded queues of beats in front of it and behind it.
#ifndef SZT_SIM_SRC_ENCODER_QUEUES_H_
#define SZT_SIM_SRC_ENCODER_QUEUES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>

#include "szt/sim/encoder_device.h"

namespace szt::sim {

inline constexpr std::size_t kMaxEncoderLanes = 64;

class QueuedEncoder : public EncoderDevice {
 public:
  std::size_t lanes() const override { return lanes_; }
  std::size_t push_latents(std::span<const std::byte> bytes, bool last) override;
  PoppedCodes pop_codes(std::span<std::uint8_t> bytes) override;
  std::uint64_t cycle() const override { return cycle_; }

 protected:
  static constexpr std::size_t kCapacity = 256;  // beats of a stream

  struct LatentBeat {
    std::array<std::byte, 4 * kMaxEncoderLanes> bytes;
    std::size_t kept;  // bytes, from the first
    bool last;
  };
  struct CodeBeat {
    std::array<std::uint8_t, kMaxEncoderLanes / 2> bytes;
    std::size_t kept;
    bool last;
  };

  // Throws InputError for lanes that no block has.
  explicit QueuedEncoder(std::size_t lanes);

  // Bytes of a beat.
  std::size_t latent_bytes() const { return 4 * lanes_; }
  std::size_t code_bytes() const { return lanes_ / 2; }

  const std::size_t lanes_;
  std::deque<LatentBeat> latents_;
  std::deque<CodeBeat> codes_;
  std::uint64_t cycle_ = 0;
};

}  // namespace szt::sim

#endif  // SZT_SIM_SRC_ENCODER_QUEUES_H_
