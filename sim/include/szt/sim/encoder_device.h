// SPDX-License-Identifier: Apache-2.0
// What software sees of an encoder block (szt_encoder_stream), whatever it is made of: registers, a
// stream of latents in, a stream of codes out, an interrupt.
#ifndef SZT_SIM_ENCODER_DEVICE_H_
#define SZT_SIM_ENCODER_DEVICE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "szt/sim/stall.h"

namespace szt::sim {

// What a device handed out.
struct PoppedCodes {
  std::size_t bytes = 0;
  bool last =
      false;  // the final one of them ends its row (TLAST); with 0 bytes: an empty last beat
};

// A packet (up to TLAST) is one row of a tensor: latents little-endian and contiguous, codes four a
// byte as in szt/packed_codes.h. Pushes and pops never block: the caller interleaves them with
// advance(). One that pushes a whole tensor before it pops waits for ever.
class EncoderDevice {
 public:
  virtual ~EncoderDevice() = default;

  virtual std::string_view name() const = 0;  // "model", "rtl", ...
  // 32-bit words of a latent beat. The block's CONFIG says what it is.
  virtual std::size_t lanes() const = 0;

  // One bus transaction, finished on return; time may pass and streams may move meanwhile. The
  // address is a byte offset (szt/sim/registers.h). False or nullopt: the block answered SLVERR.
  virtual bool write_register(std::uint32_t address, std::uint32_t value) = 0;
  virtual std::optional<std::uint32_t> read_register(std::uint32_t address) = 0;
  virtual bool irq() const = 0;

  // Offers latents: whole beats of 4 * lanes() bytes. Where `last`, the final one ends its row and
  // may be short, its bytes being those that TKEEP keeps. Returns how many beats were taken, from
  // the front. Throws InputError for a short beat without `last`.
  virtual std::size_t push_latents(std::span<const std::byte> bytes, bool last) = 0;

  // Forgets the beats that were pushed and not taken yet. A beat that is on the wires already must
  // stay there: false while there is one, to be called again after time has passed.
  virtual bool cancel_pushes() = 0;

  // Takes the bytes that TKEEP keeps of code beats, as many beats as wait while there is room for a
  // whole one (lanes() / 2 bytes), but none behind a TLAST.
  virtual PoppedCodes pop_codes(std::span<std::uint8_t> bytes) = 0;

  // Lets at most max_cycles pass; returns early, after at least one, when the device has no beat of
  // latents left or holds so many codes that they want popping. Throws DeviceError.
  virtual std::uint64_t advance(std::uint64_t max_cycles) = 0;

  // Clock cycles since the device came to be.
  virtual std::uint64_t cycle() const = 0;

  // The state of every handshake that the device can see, for the message of a watchdog.
  virtual std::string describe() const = 0;
};

// Beat for beat what the block makes, in C++; a beat takes a cycle. Throws InputError unless
// `lanes` is a power of two, 2 to 64.
std::unique_ptr<EncoderDevice> make_encoder_model(std::size_t lanes = 4);

struct EncoderRtlOptions {
  StallPattern latents;             // idle gaps
  StallPattern codes;               // back-pressure
  StallPattern bus;                 // on each of the five channels of AXI4-Lite
  std::uint64_t seed = 1;           // of the patterns
  std::uint64_t initial_state = 0;  // 0: registers start at 0; else the seed of random ones
};

// The Verilated block, clock cycle by clock cycle. It is in the library szt_encoder_rtl, not in
// szt_sim. Throws InputError unless `lanes` is 2, 4 or 16: these are built.
std::unique_ptr<EncoderDevice> make_encoder_rtl(std::size_t lanes = 4,
                                                const EncoderRtlOptions& options = {});

}  // namespace szt::sim

#endif  // SZT_SIM_ENCODER_DEVICE_H_
