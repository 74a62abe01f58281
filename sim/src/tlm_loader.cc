// SPDX-License-Identifier: Apache-2.0
#include "szt/sim/library_search.h"
#include "szt/sim/tlm_device.h"
#include "tlm_library.h"

namespace szt::sim {

std::unique_ptr<Device> make_tlm_device(const Configuration& configuration) {
  static auto* const make = SharedLibrary("libszt_tlm.so", "the SystemC model", "szt_tlm")
                                .find<decltype(szt_make_tlm_device)>("szt_make_tlm_device");
  return std::unique_ptr<Device>(make(configuration));
}

}  // namespace szt::sim
