// SPDX-License-Identifier: Apache-2.0
// The C entry points of a Verilated configuration's shared library.
#ifndef SZT_SIM_SRC_RTL_LIBRARY_H_
#define SZT_SIM_SRC_RTL_LIBRARY_H_

#include "szt/sim/rtl_device.h"

extern "C" {
// A new device that the caller deletes. May throw InputError.
szt::sim::Device* szt_make_rtl_device(const szt::Configuration* configuration,
                                      const szt::sim::RtlOptions* options);
// The simulator's name and version.
const char* szt_rtl_simulator();
}

#endif  // SZT_SIM_SRC_RTL_LIBRARY_H_
