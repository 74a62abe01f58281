// SPDX-License-Identifier: Apache-2.0
#include "szt/sim/device.h"

#include <fmt/format.h>

#include "szt/error.h"

namespace szt::sim {

void check_command(const Configuration& configuration, const Command& command) {
  constexpr std::uint32_t kMaxTiles = (1U << 24) - 1;
  if (command.m < 1 || command.m > static_cast<std::uint32_t>(configuration.acc_depth)) {
    throw InputError(fmt::format("a command of {} vectors: configuration {} takes 1 to {}",
                                 command.m, configuration.name, configuration.acc_depth));
  }
  if (command.k_tiles < 1 || command.k_tiles > kMaxTiles || command.n_tiles < 1 ||
      command.n_tiles > kMaxTiles) {
    throw InputError(fmt::format("a command of {} K tiles and {} N tiles: each must be 1 to {}",
                                 command.k_tiles, command.n_tiles, kMaxTiles));
  }
}

}  // namespace szt::sim
