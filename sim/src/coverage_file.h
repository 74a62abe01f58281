// SPDX-License-Identifier: Apache-2.0
// What a Verilated design has counted (SZT_COVERAGE in CMake), for scripts: one file a core.
#ifndef SZT_SIM_COVERAGE_FILE_H_
#define SZT_SIM_COVERAGE_FILE_H_

#include <unistd.h>
#include <verilated.h>
#if VM_COVERAGE
#include <verilated_cov.h>
#endif

#include <cstdlib>
#include <string>

namespace szt::sim {

// Into the folder that the environment names in SZT_COVERAGE_FOLDER, if it does and if anything is
// counted: Verilator's own format, PROCESS-NUMBER.dat.
inline void write_coverage([[maybe_unused]] VerilatedContext& context) {
#if VM_COVERAGE
  const char* folder = std::getenv("SZT_COVERAGE_FOLDER");
  static int number = 0;
  if (folder == nullptr) return;
  const std::string file = std::string(folder) + "/" + std::to_string(::getpid()) + "-" +
                           std::to_string(number++) + ".dat";
  context.coveragep()->write(file.c_str());
#endif
}

}  // namespace szt::sim

#endif  // SZT_SIM_COVERAGE_FILE_H_
