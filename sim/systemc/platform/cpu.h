// SPDX-License-Identifier: Apache-2.0
// A "CPU": the program that a driver on the platform's processor would be, on a blocking socket,
// running ahead of the simulation by at most the global quantum.
#ifndef SZT_SIM_SYSTEMC_PLATFORM_CPU_H_
#define SZT_SIM_SYSTEMC_PLATFORM_CPU_H_

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/tlm_quantumkeeper.h>

#include <cstdint>
#include <string>
#include <systemc>

#include "layer.h"
#include "szt/configuration.h"

namespace szt::platform {

class Cpu : public sc_core::sc_module {
 public:
  tlm_utils::simple_initiator_socket<Cpu> bus{"bus"};
  sc_core::sc_in<bool> accelerator_irq{"accelerator_irq"};
  sc_core::sc_in<bool> dma_irq{"dma_irq"};

  Cpu(const sc_core::sc_module_name& name, const Configuration& configuration, const Layer& layer);

  // After the run, which ends by sc_pause().
  struct Outcome {
    bool finished = false;
    std::string error;  // what went wrong; empty: nothing
    std::uint64_t busy_cycles = 0;
    std::uint64_t codes_stalls = 0, activations_stalls = 0, results_stalls = 0;
    std::uint64_t interrupts = 0;
    sc_core::sc_time begin, end;
  };
  const Outcome& outcome() const { return outcome_; }

 private:
  void run();
  void program();
  void check_identity();
  void start_dma(Channel channel);
  void start_command(const Command& command);
  void service();
  void wait_for_interrupt();

  std::uint32_t read(std::uint64_t address);
  void write(std::uint64_t address, std::uint32_t value);

  Configuration configuration_;
  const Layer& layer_;
  tlm_utils::tlm_quantumkeeper time_;
  Outcome outcome_;
  std::size_t started_ = 0;
  std::uint32_t dma_done_ = 0;
};

}  // namespace szt::platform

#endif  // SZT_SIM_SYSTEMC_PLATFORM_CPU_H_
