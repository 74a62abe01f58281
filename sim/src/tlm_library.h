// SPDX-License-Identifier: Apache-2.0
// What libszt_tlm.so hands out.
#ifndef SZT_SIM_SRC_TLM_LIBRARY_H_
#define SZT_SIM_SRC_TLM_LIBRARY_H_

#include "szt/configuration.h"
#include "szt/sim/device.h"

extern "C" {
// A new device that the caller deletes. Throws DeviceError.
szt::sim::Device* szt_make_tlm_device(const szt::Configuration& configuration);
}

#endif  // SZT_SIM_SRC_TLM_LIBRARY_H_
