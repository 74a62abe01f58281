// SPDX-License-Identifier: Apache-2.0
// Exact clock cycles of the matmul core when no stream stalls.
//
// A command of T = k_tiles * n_tiles tiles takes (T - 1) * P + m + c cycles, P = max(m, rows,
// hops), from its first busy cycle to the acceptance of its last result, the first weight load
// included; hops is Configuration::hops(). Weights are loaded behind the running tile, so a tile
// costs the longest of its activations, its code beats and the time that the swap tag needs to
// cross the columns. With stalls the figure is a lower bound. The accumulator's hazard window never
// holds an unstalled command up, because there are at least as many rows. Derivation of c:
// rtl/README.md, "Timing".
#ifndef SZT_CYCLE_MODEL_H_
#define SZT_CYCLE_MODEL_H_

#include <cstdint>

#include "szt/code.h"
#include "szt/configuration.h"

namespace szt {

// What the core is told: m vectors of k_tiles * rows elements against n_tiles * cols outputs.
struct Command {
  std::uint32_t m;        // 1 .. acc_depth
  std::uint32_t k_tiles;  // 1 .. 2^24 - 1
  std::uint32_t n_tiles;  // 1 .. 2^24 - 1
  DecodeMode mode;        // does not change the time
};

// c above: the first weight load, the way through the array and the output pipeline.
std::uint64_t fill_cycles(const Configuration& configuration);

// A command that starts on an idle core.
std::uint64_t command_cycles(const Configuration& configuration, const Command& command);

// A command queued behind `previous` early enough that its weights load behind the previous tile:
// cycles from the acceptance of the previous command's last result to that of its own.
std::uint64_t queued_command_cycles(const Configuration& configuration, const Command& previous,
                                    const Command& command);

}  // namespace szt

#endif  // SZT_CYCLE_MODEL_H_
