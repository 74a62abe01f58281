// SPDX-License-Identifier: Apache-2.0
#include "szt/cycle_model.h"

#include <algorithm>

namespace szt {
namespace {

// Cycles from one tile's swap to the next tile's.
std::uint64_t tile_period(const Configuration& configuration, std::uint32_t m) {
  return static_cast<std::uint64_t>(
      std::max({static_cast<std::int64_t>(m), static_cast<std::int64_t>(configuration.rows),
                static_cast<std::int64_t>(configuration.hops())}));
}

std::uint64_t inner_cycles(const Configuration& configuration, const Command& command) {
  const std::uint64_t tiles = static_cast<std::uint64_t>(command.k_tiles) * command.n_tiles;
  return (tiles - 1) * tile_period(configuration, command.m) + command.m;
}

}  // namespace

std::uint64_t fill_cycles(const Configuration& configuration) {
  constexpr int kSequencerAndOutputStages = 7;
  return static_cast<std::uint64_t>(
      2 * configuration.rows + configuration.hops() + kSequencerAndOutputStages +
      (configuration.register_operand ? 1 : 0) + (configuration.split_add ? 1 : 0));
}

std::uint64_t command_cycles(const Configuration& configuration, const Command& command) {
  return inner_cycles(configuration, command) + fill_cycles(configuration);
}

std::uint64_t queued_command_cycles(const Configuration& configuration, const Command& previous,
                                    const Command& command) {
  return tile_period(configuration, previous.m) - previous.m + inner_cycles(configuration, command);
}

}  // namespace szt
