// SPDX-License-Identifier: Apache-2.0
// Finds and loads the shared library of a configuration.
#ifndef SZT_SIM_SRC_RTL_LIBRARY_H_
#define SZT_SIM_SRC_RTL_LIBRARY_H_

#include "rtl_core.h"
#include "szt/configuration.h"

namespace szt::sim {

struct RtlLibrary {
  decltype(szt_make_rtl_core)* make;
  decltype(szt_rtl_simulator)* simulator;
};

// Throws InputError, saying where it looked, if there is none.
const RtlLibrary& rtl_library(const Configuration& configuration);

}  // namespace szt::sim

#endif  // SZT_SIM_SRC_RTL_LIBRARY_H_
