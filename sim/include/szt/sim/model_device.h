// SPDX-License-Identifier: Apache-2.0
// The device as a C++ model: exact results, cycle counts from the cycle model, no simulator.
#ifndef SZT_SIM_MODEL_DEVICE_H_
#define SZT_SIM_MODEL_DEVICE_H_

#include <memory>

#include "szt/sim/device.h"

namespace szt::sim {

std::unique_ptr<Device> make_model_device(const Configuration& configuration);

}  // namespace szt::sim

#endif  // SZT_SIM_MODEL_DEVICE_H_
