// SPDX-License-Identifier: Apache-2.0
// For benches that are linked with a Verilated core: here it is the loaded one of `tiny`.
#include "rtl_core.h"
#include "rtl_library.h"
#include "szt/configuration.h"

szt::sim::RtlCore* szt_make_rtl_core(const char* trace, std::uint64_t initial_state) {
  return szt::sim::rtl_library(szt::find_configuration("tiny")).make(trace, initial_state);
}
