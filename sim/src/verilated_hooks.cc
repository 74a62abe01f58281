// SPDX-License-Identifier: Apache-2.0
// What a $stop, $fatal or failed check inside the simulated RTL does: throw, not end the process.
#include <verilated.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace {

// The file's name says enough, and the same on every machine.
std::string place(std::string_view file, int line) {
  return std::string(file.substr(file.rfind('/') + 1)) + ":" + std::to_string(line);
}

}  // namespace

void vl_stop(const char* file, int line, const char* /*hierarchy*/) {
  throw std::runtime_error("the RTL stopped the simulation at " + place(file, line));
}

void vl_fatal(const char* file, int line, const char* /*hierarchy*/, const char* message) {
  throw std::runtime_error(std::string(message) + " (" + place(file, line) + ")");
}
