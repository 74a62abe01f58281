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

// Throws InputError if there is no such library or the trace cannot be written.
std::unique_ptr<Device> make_rtl_device(const Configuration& configuration,
                                        const RtlOptions& options = {});

// Throws InputError unless the trace that a device wrote is whole. The device must be gone: its
// trace appears at its end.
void check_trace(const std::filesystem::path& path);

// What the library was verilated with, as in "Verilator 5.006 2023-01-22".
std::string rtl_simulator_version(const Configuration& configuration);

}  // namespace szt::sim

#endif  // SZT_SIM_RTL_DEVICE_H_
