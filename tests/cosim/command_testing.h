// SPDX-License-Identifier: Apache-2.0
// Single commands with their beats, given to a device through its registers.
#ifndef SZT_TESTS_COSIM_COMMAND_TESTING_H_
#define SZT_TESTS_COSIM_COMMAND_TESTING_H_

#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "szt/configuration.h"
#include "szt/cycle_model.h"
#include "szt/sim/device.h"

namespace szt::sim {

// A command, its beats (whole tiles), and the lanes of its result beats in order.
struct Beats {
  Command command;
  std::vector<std::uint8_t> codes;
  std::vector<std::int8_t> activations;
  std::vector<std::int32_t> expected;
};

// Random beats and what they multiply to, straight from the definition of the streams.
Beats make_beats(const Configuration& configuration, const Command& command,
                 std::mt19937_64& generator);

// Registers; a refused access is a test failure.
void write_register(Device& device, std::uint32_t address, std::uint32_t value);
std::uint32_t read_register(Device& device, std::uint32_t address);

// M, K_TILES, N_TILES, MODE, then START with the other bits of CONTROL as given.
void start(Device& device, const Command& command, std::uint32_t control = 0);

// When a command began and ended: cycles of its START's response and of its last result.
struct Span {
  std::uint64_t started, ended;
};

// Runs the commands in order, each started as soon as the queue has room, and expects the results,
// TLAST at the end of each N tile, and no error in STATUS. Without stalls, the spans are exact.
std::vector<Span> run_commands(Device& device, const std::vector<Beats>& list);

// Each command's busy cycles, as the cycle model counts them.
std::vector<std::uint64_t> busy_cycles(const std::vector<Span>& spans);

}  // namespace szt::sim

#endif  // SZT_TESTS_COSIM_COMMAND_TESTING_H_
