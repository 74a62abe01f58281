// SPDX-License-Identifier: Apache-2.0
#include "platform.h"

#include "memory_map.h"
#include "szt/systemc/address_map.h"
#include "szt/systemc/model_target.h"
#include "szt/systemc/rtl_target.h"

namespace szt::platform {

Platform::Platform(const Configuration& configuration, const Layer& layer,
                   const PlatformOptions& options)
    : cpu("cpu", configuration, layer),
      router("router"),
      memory("memory", layer.memory(),
             {options.clock_period, options.memory_latency_cycles, options.memory_bytes_per_cycle}),
      dma("dma", configuration, options.clock_period) {
  if (options.rtl) {
    accelerator =
        std::make_unique<systemc::RtlTarget>("accelerator", configuration, options.clock_period);
  } else {
    accelerator =
        std::make_unique<systemc::ModelTarget>("accelerator", configuration, options.clock_period);
  }
  cpu.bus.bind(router.initiators);
  dma.bus.bind(router.initiators);
  router.map(kMemory, memory.contents().size(), memory.socket);
  router.map(kDma, kDmaSize, dma.socket);
  router.map(kAccelerator, systemc::kTargetSize, accelerator->socket);
  accelerator->irq(accelerator_irq);
  dma.irq(dma_irq);
  cpu.accelerator_irq(accelerator_irq);
  cpu.dma_irq(dma_irq);
}

}  // namespace szt::platform
