// SPDX-License-Identifier: Apache-2.0
// Devices by the names that --device takes.
#ifndef SZT_TOOLS_DEVICES_H_
#define SZT_TOOLS_DEVICES_H_

#include <memory>
#include <string>

#include "szt/configuration.h"
#include "szt/sim/device.h"
#include "szt/sim/rtl_device.h"

namespace szt::tools {

inline constexpr char kDeviceHelp[] = "model (C++), tlm (SystemC) or rtl (Verilated)";

// `options` are for rtl. Throws InputError for an unknown name or a device that is not built.
std::unique_ptr<sim::Device> make_device(const std::string& name, const Configuration& config,
                                         const sim::RtlOptions& options = {});

}  // namespace szt::tools

#endif  // SZT_TOOLS_DEVICES_H_
