// SPDX-License-Identifier: Apache-2.0
// Encodes whole tensors on an encoder block, a row a packet.
#ifndef SZT_SIM_ENCODER_DRIVER_H_
#define SZT_SIM_ENCODER_DRIVER_H_

#include <cstddef>
#include <cstdint>

#include "szt/latent.h"
#include "szt/packed_codes.h"
#include "szt/sim/encoder_device.h"

namespace szt::sim {

struct EncodedTensor {
  PackedCodes codes;        // [rows, cols]
  std::uint32_t nan_count;  // NaNs, modulo 2^32; each is encoded by its sign with magnitude 1
  std::uint64_t cycles;     // of the device, from the first latents pushed to the last codes popped
};

struct EncoderDriverOptions {
  // Cycles in which no beat goes in or comes out after which the block counts as hung.
  std::uint64_t watchdog_cycles = 100'000;
};

class EncoderDriver {
 public:
  // Throws DeviceError unless the block has the right ID, the release's major and minor VERSION,
  // and the lanes that the device says. The device must outlive the driver.
  explicit EncoderDriver(EncoderDevice& device, EncoderDriverOptions options = {});

  // Encodes data [rows, cols], row-major, contiguous, of any alignment: F32, F16, BF16 or I16. The
  // threshold is that of szt::threshold_bits(): float32, rounded toward zero into the latents' own
  // format. Acknowledges STATUS.NAN and ERROR_KEEP first and leaves them as the run leaves them.
  //
  // Throws InputError for another dtype, or a threshold that is negative or not finite. Throws
  // DeviceError, with the state of the handshakes, if the block is busy, hangs, or reports or makes
  // something that it should not; what it holds then is unknown.
  EncodedTensor encode(Dtype dtype, const std::byte* data, std::size_t rows, std::size_t cols,
                       float threshold);

 private:
  std::uint32_t read(std::uint32_t address, const char* name) const;
  void write(std::uint32_t address, const char* name, std::uint32_t value) const;

  EncoderDevice& device_;
  EncoderDriverOptions options_;
};

}  // namespace szt::sim

#endif  // SZT_SIM_ENCODER_DRIVER_H_
