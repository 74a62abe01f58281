// SPDX-License-Identifier: Apache-2.0
// The device as a C++ model: exact results, cycle counts from the cycle model, no simulator.
//
// It has no time between two calls, so that START cannot be refused in the RTL's cycle. It is
// refused only where the RTL would refuse it however late it came: with three commands whose codes,
// or five whose activations, have not all been pushed. STATUS.QUEUE counts the first kind.
#ifndef SZT_SIM_MODEL_DEVICE_H_
#define SZT_SIM_MODEL_DEVICE_H_

#include <memory>

#include "szt/sim/device.h"

namespace szt::sim {

std::unique_ptr<Device> make_model_device(const Configuration& configuration);

}  // namespace szt::sim

#endif  // SZT_SIM_MODEL_DEVICE_H_
