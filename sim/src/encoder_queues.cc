// SPDX-License-Identifier: Apache-2.0
#include "encoder_queues.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "szt/error.h"

namespace szt::sim {

QueuedEncoder::QueuedEncoder(std::size_t lanes) : lanes_(lanes) {
  if (lanes < 2 || lanes > kMaxEncoderLanes || !std::has_single_bit(lanes)) {
    throw InputError(fmt::format("an encoder of {} lanes: it must be a power of two, 2 to {}",
                                 lanes, kMaxEncoderLanes));
  }
}

std::size_t QueuedEncoder::push_latents(std::span<const std::byte> bytes, bool last) {
  if (!last && bytes.size() % latent_bytes() != 0) {
    throw InputError(fmt::format("{} bytes of latents that end no row: a beat is {} bytes",
                                 bytes.size(), latent_bytes()));
  }
  std::size_t taken = 0;
  for (; !bytes.empty() && latents_.size() < kCapacity; ++taken) {
    const std::size_t kept = std::min(bytes.size(), latent_bytes());
    LatentBeat& beat = latents_.emplace_back();
    std::copy_n(bytes.begin(), kept, beat.bytes.begin());
    bytes = bytes.subspan(kept);
    beat.kept = kept;
    beat.last = last && bytes.empty();
  }
  return taken;
}

PoppedCodes QueuedEncoder::pop_codes(std::span<std::uint8_t> bytes) {
  PoppedCodes popped;
  while (!codes_.empty() && !popped.last && bytes.size() - popped.bytes >= code_bytes()) {
    const CodeBeat& beat = codes_.front();
    std::copy_n(beat.bytes.begin(), beat.kept, &bytes[popped.bytes]);
    popped.bytes += beat.kept;
    popped.last = beat.last;
    codes_.pop_front();
  }
  return popped;
}

}  // namespace szt::sim
