// SPDX-License-Identifier: Apache-2.0
#include "szt/sim/encoder_driver.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <vector>

#include "szt/encoder.h"
#include "szt/error.h"
#include "szt/sim/device.h"
#include "szt/sim/registers.h"

namespace szt::sim {
namespace {

// What FORMAT is for a dtype.
std::uint32_t format_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF32:
      return 0;
    case Dtype::kF16:
      return 1;
    case Dtype::kBF16:
      return 2;
    case Dtype::kI16:
      return 3;
    case Dtype::kI8:
      break;
  }
  throw InputError(fmt::format(
      "the encoder block takes F32, F16, BF16 or I16, not {}; widen it to I16", name(dtype)));
}

}  // namespace

EncoderDriver::EncoderDriver(EncoderDevice& device, EncoderDriverOptions options)
    : device_(device), options_(options) {
  const std::uint32_t id = read(encoder::kId, "ID");
  if (id != encoder::kIdValue) {
    throw DeviceError(fmt::format("{} device: ID is {:#010x}, not {:#010x}: not an encoder",
                                  device_.name(), id, encoder::kIdValue));
  }
  const std::uint32_t version = read(encoder::kVersion, "VERSION");
  if (encoder::kVersionMajor.get(version) != encoder::kVersionMajor.get(kVersionValue) ||
      encoder::kVersionMinor.get(version) != encoder::kVersionMinor.get(kVersionValue)) {
    throw DeviceError(fmt::format("{} device: VERSION is {:#x}, this driver is for {:#x}",
                                  device_.name(), version, kVersionValue));
  }
  const std::uint32_t lanes = encoder::kConfigLanes.get(read(encoder::kConfig, "CONFIG"));
  if (lanes != device_.lanes()) {
    throw DeviceError(fmt::format("{} device: CONFIG says {} lanes, not {}", device_.name(), lanes,
                                  device_.lanes()));
  }
}

std::uint32_t EncoderDriver::read(std::uint32_t address, const char* name) const {
  const std::optional<std::uint32_t> value = device_.read_register(address);
  if (!value) {
    throw DeviceError(fmt::format("{} device: reading {} answers SLVERR", device_.name(), name));
  }
  return *value;
}

void EncoderDriver::write(std::uint32_t address, const char* name, std::uint32_t value) const {
  if (!device_.write_register(address, value)) {
    throw DeviceError(
        fmt::format("{} device: writing {:#x} to {} answers SLVERR", device_.name(), value, name));
  }
}

EncodedTensor EncoderDriver::encode(Dtype dtype, const std::byte* data, std::size_t rows,
                                    std::size_t cols, float threshold) {
  const std::uint32_t format = format_of(dtype);
  const std::uint32_t threshold_word = threshold_bits(dtype, threshold);
  std::vector<std::uint8_t> codes(packed_size(rows, cols));
  if (codes.empty()) return {PackedCodes(rows, cols), 0, 0};

  const auto fail = [&](const std::string& what) {
    throw DeviceError(fmt::format("{} device: {}; {}", device_.name(), what, device_.describe()));
  };
  constexpr std::uint32_t kUnready = encoder::kStatusBusy.mask() | encoder::kStatusDiscard.mask();
  if ((read(encoder::kStatus, "STATUS") & kUnready) != 0) {
    fail("a row is in hand or being discarded; soft reset it first");
  }
  write(encoder::kStatus, "STATUS", encoder::kStatusSticky);
  write(encoder::kFormat, "FORMAT", format);
  write(encoder::kThreshold, "THRESHOLD", threshold_word);
  const std::uint32_t latents_before = read(encoder::kLatentCount, "LATENT_COUNT");
  const std::uint32_t nans_before = read(encoder::kNanCount, "NAN_COUNT");

  const std::size_t row_bytes = cols * size_of(dtype);
  const std::size_t beat_bytes = 4 * device_.lanes();
  const std::size_t stride = packed_stride(cols);
  std::size_t in_row = 0, in_byte = 0;    // next to push
  std::size_t out_row = 0, out_byte = 0;  // next to pop
  // Pops are of at least a beat, which the end of a row need not have room for.
  std::vector<std::uint8_t> popped_bytes(64 * device_.lanes());
  const std::uint64_t start = device_.cycle();
  std::uint64_t last_moved = start;

  while (out_row < rows) {
    bool moved = false;
    while (in_row < rows) {
      const std::span rest(data + in_row * row_bytes + in_byte, row_bytes - in_byte);
      const std::size_t beats = device_.push_latents(rest, true);
      moved = moved || beats != 0;
      in_byte += beats * beat_bytes;
      if (in_byte < row_bytes) break;
      in_byte = 0;
      ++in_row;
    }
    device_.advance(options_.watchdog_cycles);
    while (true) {
      const PoppedCodes popped = device_.pop_codes(popped_bytes);
      if (popped.bytes == 0 && !popped.last) break;
      moved = true;
      if (out_row == rows) fail("more codes than rows");
      if (popped.bytes > stride - out_byte || popped.last != (out_byte + popped.bytes == stride)) {
        fail(fmt::format("row {} has {} {} bytes of codes, not {}", out_row,
                         popped.last ? "ended after" : "more than", out_byte + popped.bytes,
                         stride));
      }
      std::copy_n(popped_bytes.begin(), popped.bytes, &codes[out_row * stride + out_byte]);
      out_byte += popped.bytes;
      if (popped.last) {
        out_byte = 0;
        ++out_row;
      }
    }
    if (moved) {
      last_moved = device_.cycle();
    } else if (device_.cycle() - last_moved >= options_.watchdog_cycles) {
      fail(
          fmt::format("hangs: no latents in and no codes out for {} cycles, with row {} pushed to "
                      "byte {} and row {} popped to byte {}",
                      device_.cycle() - last_moved, in_row, in_byte, out_row, out_byte));
    }
  }
  const std::uint64_t cycles = device_.cycle() - start;

  const std::uint32_t latents = read(encoder::kLatentCount, "LATENT_COUNT") - latents_before;
  const std::uint32_t nans = read(encoder::kNanCount, "NAN_COUNT") - nans_before;
  const std::uint32_t status = read(encoder::kStatus, "STATUS");
  if ((status & kUnready) != 0) fail(fmt::format("STATUS is {:#x} after the last row", status));
  if (encoder::kStatusErrorKeep.get(status) != 0) fail("TKEEP reported as wrong");
  if (latents != static_cast<std::uint32_t>(rows * cols)) {
    fail(fmt::format("LATENT_COUNT grew by {}, not {}", latents, rows * cols));
  }
  if (nans != 0 && encoder::kStatusNan.get(status) == 0) fail("NaNs counted but not reported");
  try {
    return {PackedCodes(PackedCodesView(device_.name(), codes, rows, cols)), nans, cycles};
  } catch (const InputError& error) {  // padding bits
    fail(error.what());
    throw;
  }
}

}  // namespace szt::sim
