// SPDX-License-Identifier: Apache-2.0
// What a $stop, $fatal or failed check inside the simulated RTL does: throw, not end the process.
#include <verilated.h>

#include <stdexcept>
#include <string>

void vl_stop(const char* file, int line, const char* /*hierarchy*/) {
  throw std::runtime_error(std::string("the RTL stopped the simulation at ") + file + ":" +
                           std::to_string(line));
}

void vl_fatal(const char* file, int line, const char* /*hierarchy*/, const char* message) {
  throw std::runtime_error(std::string(message) + " (" + file + ":" + std::to_string(line) + ")");
}
