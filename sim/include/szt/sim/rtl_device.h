// SPDX-License-Identifier: Apache-2.0
// The Verilated RTL as a device, clock cycle by clock cycle.
//
// Each configuration is a shared library of its own, libszt_rtl_NAME.so, found by name in the
// directories of $SZT_RTL_PATH (colon-separated), else beside the program (../lib, .).
#ifndef SZT_SIM_RTL_DEVICE_H_
#define SZT_SIM_RTL_DEVICE_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "szt/sim/device.h"
#include "szt/sim/stall.h"

namespace szt::sim {

struct RtlOptions {
  StreamStalls stalls;              // gaps and back-pressure; none by default
  std::filesystem::path trace;      // FST file to write, a regular one; empty: none
  std::uint64_t initial_state = 0;  // 0: registers start at 0; else the seed of random ones
};

// Cycles in which a stream stalled at the pins: TREADY without TVALID on an input, TVALID without
// TREADY on the results. Beats that are discarded count too.
struct StreamStallCounts {
  std::uint64_t codes = 0, activations = 0, results = 0;
};

// What only a simulation can do, for tests.
class RtlDevice : public Device {
 public:
  // With write strobes: bit i writes byte i.
  virtual bool write_register_bytes(std::uint32_t address, std::uint32_t value,
                                    unsigned strobes) = 0;
  // TKEEP of the input beats that are pushed from now on, bit i for byte i; all ones at first.
  virtual void set_keep(std::uint64_t codes, std::uint64_t activations) = 0;
  // Since reset, of all channels.
  virtual std::uint64_t handshakes() const = 0;
  virtual const StreamStallCounts& stall_counts() const = 0;
};

// Throws InputError if there is no such library or the trace cannot be written.
std::unique_ptr<RtlDevice> make_rtl_device(const Configuration& configuration,
                                           const RtlOptions& options = {});

// Throws InputError unless the trace that a device wrote is whole. The device must be gone: its
// trace appears at its end.
void check_trace(const std::filesystem::path& path);

// What the library was verilated with, as in "Verilator 5.006 2023-01-22".
std::string rtl_simulator_version(const Configuration& configuration);

}  // namespace szt::sim

#endif  // SZT_SIM_RTL_DEVICE_H_
