// SPDX-License-Identifier: Apache-2.0
#include "access.h"

#include <cstring>

#include "szt/sim/registers.h"

namespace szt::systemc {
namespace {

constexpr std::size_t kWordBytes = 4;

bool inside(std::uint64_t address, std::uint64_t begin, std::uint64_t size) {
  return address >= begin && address - begin < size;
}

}  // namespace

std::uint32_t Access::word() const {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < kWordBytes; ++i) value |= std::uint32_t{data[i]} << (8 * i);
  return value;
}

void Access::set_word(std::uint32_t value) const {
  for (std::size_t i = 0; i < kWordBytes; ++i)
    data[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

tlm::tlm_response_status parse(const tlm::tlm_generic_payload& payload,
                               const Configuration& configuration, Access& access) {
  const std::uint64_t address = payload.get_address();
  const std::size_t length = payload.get_data_length();
  std::size_t unit = kWordBytes;
  std::uint64_t begin = kRegisters, size = kRegistersSize;
  bool writable = true, readable = true;
  if (inside(address, kRegisters, kRegistersSize)) {
    access.region = Region::kRegister;
  } else if (inside(address, kLevels, kLevelsSize)) {
    access.region = Region::kLevelWord;
    begin = kLevels;
    size = kLevelsSize;
    writable = address >= kCodesLevel;
  } else if (inside(address, kCodes, kLast + kWindowSize)) {
    access.region = Region::kCodeWindow;
    access.last = address >= kCodes + kLast;
    unit = sim::code_beat_bytes(configuration);
    begin = access.last ? kCodes + kLast : kCodes;
    readable = false;
  } else if (inside(address, kActivations, kLast + kWindowSize)) {
    access.region = Region::kActivationWindow;
    access.last = address >= kActivations + kLast;
    unit = sim::activation_beat_bytes(configuration);
    begin = access.last ? kActivations + kLast : kActivations;
    readable = false;
  } else if (inside(address, kResults, kWindowSize)) {
    access.region = Region::kResultWindow;
    unit = sim::result_beat_lanes(configuration) * sizeof(std::int32_t);
    begin = kResults;
    writable = false;
  } else {
    return tlm::TLM_ADDRESS_ERROR_RESPONSE;
  }
  const bool window = access.region != Region::kRegister && access.region != Region::kLevelWord;
  if (window) size = kWindowSize;

  access.write = payload.is_write();
  if (!access.write && !payload.is_read()) return tlm::TLM_COMMAND_ERROR_RESPONSE;
  if (access.write ? !writable : !readable) return tlm::TLM_COMMAND_ERROR_RESPONSE;
  if (payload.get_byte_enable_ptr() != nullptr) return tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE;
  if (length == 0 || length % unit != 0 || length > size ||
      payload.get_streaming_width() < length) {
    return tlm::TLM_BURST_ERROR_RESPONSE;
  }
  if (!window && (length != kWordBytes || address % kWordBytes != 0)) {
    return tlm::TLM_BURST_ERROR_RESPONSE;
  }
  if (window && address - begin + length > size) return tlm::TLM_ADDRESS_ERROR_RESPONSE;
  access.address = static_cast<std::uint32_t>(address);
  access.beats = length / unit;
  access.data = {payload.get_data_ptr(), length};
  return tlm::TLM_OK_RESPONSE;
}

tlm::tlm_response_status register_error(const Access& access) {
  // A write is refused for a register that can only be read or for none at all; the map has no
  // gaps.
  const bool mapped = access.address - kRegisters <= sim::matmul::kResultsStalls;
  return access.write && mapped ? tlm::TLM_COMMAND_ERROR_RESPONSE : tlm::TLM_ADDRESS_ERROR_RESPONSE;
}

}  // namespace szt::systemc
