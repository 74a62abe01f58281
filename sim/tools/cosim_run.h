// SPDX-License-Identifier: Apache-2.0
// One matrix product on a device, every result and the cycles compared with the model.
#ifndef SZT_TOOLS_COSIM_RUN_H_
#define SZT_TOOLS_COSIM_RUN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "szt/configuration.h"
#include "szt/sim/driver.h"
#include "szt/sim/rtl_device.h"
#include "szt/sim/scoreboard.h"

namespace szt::tools {

struct CosimResult {
  std::uint64_t results_expected = 0;  // lanes, padding included
  std::uint64_t results_compared = 0;
  std::uint64_t mismatches = 0;
  std::optional<sim::Divergence> first;
  sim::MatmulReport report;
  double seconds = 0;           // of the simulation, the comparison included
  std::vector<std::int32_t> y;  // [m, n], as the device gave it
  // What differed, in a few lines; empty if nothing did.
  std::string failure;
};

// Compares: every lane of every result beat; that there were as many as there must be; y; and the
// busy cycles, of which the model is a lower bound where streams stall. Throws DeviceError if the
// device hangs.
CosimResult run_cosim(const std::string& device, const Configuration& configuration,
                      const sim::MatmulJob& job, const sim::RtlOptions& options,
                      const sim::Progress& progress);

}  // namespace szt::tools

#endif  // SZT_TOOLS_COSIM_RUN_H_
