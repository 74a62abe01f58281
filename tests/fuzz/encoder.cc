// SPDX-License-Identifier: Apache-2.0
// Any bytes as what a host does to the model of the encoder block: registers, beats, resets, and
// tensors through the driver, whose codes are the model's.
#include "szt/encoder.h"

#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>

#include "fuzz/target.h"
#include "szt/latent.h"
#include "szt/quantize.h"
#include "szt/sim/encoder_device.h"
#include "szt/sim/encoder_driver.h"
#include "szt/sim/registers.h"

namespace szt::fuzz {
namespace {

using namespace sim;

constexpr std::array kDtypes = {Dtype::kF32, Dtype::kF16, Dtype::kBF16, Dtype::kI16};

class Host {
 public:
  Host(std::size_t lanes, std::span<const std::uint8_t> choices)
      : lanes_(lanes), device_(make_encoder_model(lanes)), rest_(choices) {}

  bool done() const { return rest_.empty(); }

  void act() {
    switch (byte() % 6) {
      case 0: {
        const std::uint32_t address = byte(), value = byte() % 4 == 0 ? word() : byte();
        const bool taken = device_->write_register(address, value);
        const std::uint32_t place = address & ~3U;
        const bool writable = place == encoder::kControl || place == encoder::kStatus ||
                              (place == encoder::kFormat && value < kDtypes.size()) ||
                              place == encoder::kThreshold;
        require(taken == writable, "what can be written is written, nothing else");
        if (taken && (place == encoder::kFormat || place == encoder::kThreshold)) {
          require(read(place) == value, "a register reads what was written");
        }
        break;
      }
      case 1: {
        const bool last = byte() % 2 == 0;
        const std::vector<std::byte> bytes = take(last ? byte() : byte() % 8 * 4 * lanes_);
        require(device_->push_latents(bytes, last) * 4 * lanes_ <= bytes.size() + 4 * lanes_,
                "no more is taken than offered");
        break;
      }
      case 2: {
        std::vector<std::uint8_t> codes(byte());
        require(device_->pop_codes(codes).bytes <= codes.size(),
                "no more comes than there is room for");
        break;
      }
      case 3: {
        const std::uint64_t before = device_->cycle();
        const std::uint64_t passed = device_->advance(1 + byte());
        require(passed >= 1 && device_->cycle() == before + passed, "time passes");
        break;
      }
      case 4:
        require(device_->cancel_pushes(), "nothing stays on the wires of the model");
        break;
      default:
        recover();
        tensor();
    }
    const std::uint32_t status = read(encoder::kStatus);
    constexpr std::uint32_t kKnown =
        encoder::kStatusSticky | encoder::kStatusBusy.mask() | encoder::kStatusDiscard.mask();
    require((status & ~kKnown) == 0, "unused bits of STATUS are 0");
    require(!device_->irq() || (status & encoder::kStatusSticky) != 0, "an interrupt has a reason");
  }

  void recover() {
    device_->cancel_pushes();
    device_->write_register(encoder::kControl,
                            encoder::kControlSoftReset.mask() | encoder::kControlFlush.mask());
    std::vector<std::uint8_t> codes(4096);
    int pops = 0;
    const auto pop = [&] {
      require(++pops < 10'000, "codes end");
      const PoppedCodes popped = device_->pop_codes(codes);
      return popped.bytes != 0 || popped.last;  // an empty beat may end a row
    };
    while (pop()) {
    }
    device_->write_register(encoder::kStatus, encoder::kStatusSticky);
    require(read(encoder::kStatus) == 0, "nothing is left after recovery");
  }

  void tensor() {
    const Dtype dtype = kDtypes[byte() % kDtypes.size()];
    const std::size_t rows = byte() % 4, cols = byte() % 40;
    const auto threshold =
        static_cast<float>(std::ldexp(byte(), static_cast<int>(byte() % 32) - 24));
    const std::vector<std::byte> data = take(rows * cols * size_of(dtype));
    const EncodedTensor encoded =
        EncoderDriver(*device_).encode(dtype, data.data(), rows, cols, threshold);
    require(encoded.codes.rows() == rows && encoded.codes.cols() == cols, "the shape is the same");
    std::uint32_t nans = 0;
    for (std::size_t i = 0; i < rows * cols; ++i) {
      const float value = latent_value(dtype, data.data(), i);
      const Code code = encoded.codes.get(i / cols, i % cols);
      nans += std::isnan(value) ? 1U : 0U;
      require(sign_bit(code) == std::signbit(value), "a code has the sign of its latent");
      require(magnitude_bit(code) == (std::isnan(value) || std::fabs(value) > threshold),
              "a code is not 0 beyond the threshold");
    }
    require(encoded.nan_count == nans, "NaNs are counted");
    if (find_nonfinite(dtype, data.data(), rows * cols)) return;
    require(encoded.codes == encode_tensor("data", dtype, data.data(), rows, cols, threshold),
            "the driver's codes are the model's");
  }

 private:
  std::uint32_t byte() {
    if (rest_.empty()) return 0;
    const std::uint8_t value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }
  std::uint32_t word() { return byte() | byte() << 8 | byte() << 16 | byte() << 24; }
  std::vector<std::byte> take(std::size_t size) {
    std::vector<std::byte> bytes(size);
    for (std::byte& value : bytes) value = static_cast<std::byte>(byte());
    return bytes;
  }
  std::uint32_t read(std::uint32_t address) {
    const auto value = device_->read_register(address);
    require(value.has_value(), "a register of the map can be read");
    return *value;
  }

  std::size_t lanes_;
  std::unique_ptr<EncoderDevice> device_;
  std::span<const std::uint8_t> rest_;
};

}  // namespace
}  // namespace szt::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace szt::fuzz;
  constexpr std::array<std::size_t, 3> kLanes = {2, 4, 16};
  constexpr int kMostActions = 64;
  Host host(kLanes[size % kLanes.size()], {data, size});
  for (int i = 0; i < kMostActions && !host.done(); ++i) host.act();
  host.recover();
  host.tensor();
  return 0;
}
