// SPDX-License-Identifier: Apache-2.0
#include "cpu.h"

#include <fmt/format.h>

#include <stdexcept>

#include "dma.h"
#include "memory_map.h"
#include "payload.h"
#include "szt/sim/registers.h"
#include "szt/systemc/kernel.h"

namespace szt::platform {
namespace {

namespace registers = sim::matmul;

constexpr std::uint32_t kAllDone = (kDmaDone << 0) | (kDmaDone << 1) | (kDmaDone << 2);
constexpr std::uint32_t kAnyError = (kDmaError << 0) | (kDmaError << 1) | (kDmaError << 2);

}  // namespace

Cpu::Cpu(const sc_core::sc_module_name& name, const Configuration& configuration,
         const Layer& layer)
    : sc_module(name), configuration_(configuration), layer_(layer) {
  systemc::spawn_thread("run", [this] { run(); });
}

void Cpu::run() {
  time_.reset();
  try {
    program();
  } catch (const std::runtime_error& error) {
    outcome_.error = error.what();
  }
  time_.sync();
  outcome_.finished = true;
  sc_core::sc_pause();
}

void Cpu::program() {
  check_identity();
  write(kDma + kDmaIrqEnable, kAllDone | kAnyError);
  write(kAccelerator + registers::kIrqMask, registers::kStatusSticky);
  write(kAccelerator + registers::kStatus, registers::kStatusSticky);
  write(kAccelerator + registers::kControl, registers::kControlIrqEnable.mask());
  for (const Channel channel : {Channel::kCodes, Channel::kActivations, Channel::kResults}) {
    start_dma(channel);
  }
  const std::uint32_t done_before = read(kAccelerator + registers::kDoneCount);
  const std::uint32_t cycles_before = read(kAccelerator + registers::kCycles);
  time_.sync();
  outcome_.begin = sc_core::sc_time_stamp();

  const auto commands = layer_.commands();
  while (dma_done_ != kAllDone ||
         read(kAccelerator + registers::kDoneCount) - done_before < commands.size()) {
    while (started_ < commands.size() &&
           registers::kStatusQueue.get(read(kAccelerator + registers::kStatus)) < 2) {
      start_command(commands[started_++]);
    }
    wait_for_interrupt();
    service();
  }
  outcome_.end = sc_core::sc_time_stamp();
  outcome_.busy_cycles = read(kAccelerator + registers::kCycles);
  outcome_.busy_cycles |= std::uint64_t{read(kAccelerator + registers::kCyclesHigh)} << 32;
  outcome_.busy_cycles -= cycles_before;
  outcome_.codes_stalls = read(kAccelerator + registers::kCodesStalls);
  outcome_.activations_stalls = read(kAccelerator + registers::kActivationsStalls);
  outcome_.results_stalls = read(kAccelerator + registers::kResultsStalls);
}

void Cpu::check_identity() {
  const std::uint32_t id = read(kAccelerator + registers::kId);
  const std::uint32_t built = read(kAccelerator + registers::kConfig);
  if (id == registers::kIdValue &&
      registers::kConfigRows.get(built) == static_cast<std::uint32_t>(configuration_.rows) &&
      registers::kConfigCols.get(built) == static_cast<std::uint32_t>(configuration_.cols)) {
    return;
  }
  throw std::runtime_error(fmt::format("no {} core at {:#x}: ID {:#x}, CONFIG {:#x}",
                                       configuration_.name, kAccelerator, id, built));
}

void Cpu::start_dma(Channel channel) {
  const Layer::List& list = layer_.list(channel);
  const std::uint64_t base = kDma + kDmaChannelStride * static_cast<std::uint64_t>(channel);
  write(base + kDmaListLow, static_cast<std::uint32_t>(list.address));
  write(base + kDmaListHigh, static_cast<std::uint32_t>(list.address >> 32));
  write(base + kDmaCount, list.count);
}

void Cpu::start_command(const Command& command) {
  write(kAccelerator + registers::kM, command.m);
  write(kAccelerator + registers::kKTiles, command.k_tiles);
  write(kAccelerator + registers::kNTiles, command.n_tiles);
  write(kAccelerator + registers::kMode, static_cast<std::uint32_t>(command.mode));
  write(kAccelerator + registers::kControl,
        registers::kControlStart.mask() | registers::kControlIrqEnable.mask());
}

void Cpu::wait_for_interrupt() {
  time_.sync();
  if (!accelerator_irq.read() && !dma_irq.read()) {
    sc_core::wait(accelerator_irq.posedge_event() | dma_irq.posedge_event());
  }
  ++outcome_.interrupts;
}

void Cpu::service() {
  const std::uint32_t status = read(kAccelerator + registers::kStatus) & registers::kStatusSticky;
  if (status != 0) write(kAccelerator + registers::kStatus, status);
  if ((status & ~registers::kStatusDone.mask()) != 0) {
    throw std::runtime_error(fmt::format("the accelerator reports errors: STATUS {:#x}", status));
  }
  const std::uint32_t events = read(kDma + kDmaEvents);
  if (events != 0) write(kDma + kDmaEvents, events);
  if ((events & kAnyError) != 0) {
    throw std::runtime_error(fmt::format("the DMA engine reports errors: {:#x}", events));
  }
  dma_done_ |= events;
  // The wires fall with the writes; only then is a high one a new interrupt.
  time_.sync();
  sc_core::wait(sc_core::SC_ZERO_TIME);
}

std::uint32_t Cpu::read(std::uint64_t address) {
  sc_core::sc_time local = time_.get_local_time();
  const std::uint32_t value = read_word(bus, address, local);
  time_.set(local);
  if (time_.need_sync()) time_.sync();
  return value;
}

void Cpu::write(std::uint64_t address, std::uint32_t value) {
  sc_core::sc_time local = time_.get_local_time();
  write_word(bus, address, value, local);
  time_.set(local);
  if (time_.need_sync()) time_.sync();
}

}  // namespace szt::platform
