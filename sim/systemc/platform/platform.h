// SPDX-License-Identifier: Apache-2.0
// The example platform, wired up: CPU, router, memory, DMA engine, accelerator.
#ifndef SZT_SIM_SYSTEMC_PLATFORM_PLATFORM_H_
#define SZT_SIM_SYSTEMC_PLATFORM_PLATFORM_H_

#include <cstdint>
#include <memory>
#include <systemc>

#include "cpu.h"
#include "dma.h"
#include "layer.h"
#include "memory.h"
#include "router.h"
#include "szt/systemc/target.h"

namespace szt::platform {

struct PlatformOptions {
  bool rtl = false;  // the accelerator is the RTL, not the model
  sc_core::sc_time clock_period;
  std::uint64_t memory_latency_cycles = 20;
  std::uint64_t memory_bytes_per_cycle = 64;
};

struct Platform {
  // Throws InputError if this build has no RTL of the configuration.
  Platform(const Configuration& configuration, const Layer& layer, const PlatformOptions& options);

  sc_core::sc_signal<bool> accelerator_irq{"accelerator_irq"}, dma_irq{"dma_irq"};
  Cpu cpu;
  Router router;
  Memory memory;
  DmaEngine dma;
  std::unique_ptr<systemc::Target> accelerator;
};

}  // namespace szt::platform

#endif  // SZT_SIM_SYSTEMC_PLATFORM_PLATFORM_H_
