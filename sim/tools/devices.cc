// SPDX-License-Identifier: Apache-2.0
#include "devices.h"

#include <fmt/format.h>

#include "szt/error.h"
#include "szt/printable.h"
#include "szt/sim/model_device.h"
#include "szt/sim/tlm_device.h"

namespace szt::tools {

std::unique_ptr<sim::Device> make_device(const std::string& name, const Configuration& config,
                                         const sim::RtlOptions& options) {
  if (name == "model") return sim::make_model_device(config);
  if (name == "tlm") return sim::make_tlm_device(config);
  if (name == "rtl") return sim::make_rtl_device(config, options);
  throw InputError(fmt::format("--device '{}' is unknown; use model, tlm or rtl", printable(name)));
}

}  // namespace szt::tools
