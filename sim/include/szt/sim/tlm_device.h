// SPDX-License-Identifier: Apache-2.0
// The loosely timed SystemC model as a device: every access is a TLM-2.0 transaction.
//
// SystemC is in a shared library of its own, libszt_tlm.so, found as the RTL's are (rtl_device.h):
// what uses this function does not link SystemC. Any number of devices may live at a time, each
// with a kernel of its own; all of them belong to one thread.
#ifndef SZT_SIM_TLM_DEVICE_H_
#define SZT_SIM_TLM_DEVICE_H_

#include <memory>

#include "szt/sim/device.h"

namespace szt::sim {

// Throws InputError if there is no such library. An error that SystemC reports becomes a
// DeviceError.
std::unique_ptr<Device> make_tlm_device(const Configuration& configuration);

}  // namespace szt::sim

#endif  // SZT_SIM_TLM_DEVICE_H_
