// SPDX-License-Identifier: Apache-2.0
// Pieces of an initiator's program.
#ifndef SZT_TESTS_SYSTEMC_PROGRAM_H_
#define SZT_TESTS_SYSTEMC_PROGRAM_H_

#include <cstdint>
#include <span>
#include <vector>

#include "cosim/command_testing.h"
#include "cosim/cosim_util.h"
#include "systemc/bench.h"

namespace szt::systemc {

std::span<const std::uint8_t> bytes_of(const std::vector<std::int8_t>& activations);

// The beats of a product that one command can do, padded at the ragged edges as the driver does it.
// `expected` is left empty.
sim::Beats beats_of(const sim::Work& work, const Configuration& configuration);

// All beats of a command, which must fit; a missing TLAST can be asked for.
void write_codes(Port& port, const Configuration& configuration, const sim::Beats& beats,
                 bool last = true);
void write_activations(Port& port, const Configuration& configuration, const sim::Beats& beats,
                       bool last = true);
void write_beats(Port& port, const Configuration& configuration, const sim::Beats& beats);

// M, K_TILES, N_TILES, MODE and START with the interrupt on. Returns the edge at which START's
// write ended.
std::uint64_t start(Port& port, const Command& command);

// Takes all beats that can be read now; true behind a TLAST.
bool read_results(Port& port, const Configuration& configuration, std::vector<std::int32_t>& got);

// Waits for the results of a command that was started, takes them, clears DONE.
std::vector<std::int32_t> collect(Port& port, const Configuration& configuration,
                                  const Command& command);

}  // namespace szt::systemc

#endif  // SZT_TESTS_SYSTEMC_PROGRAM_H_
