// SPDX-License-Identifier: Apache-2.0
// What rtl/boards/self_test.sv does, by the C++ model: the pattern of a run replayed, multiplied by
// szt::matmul and folded into the signature. Written from that module's header, not from its code.
#ifndef SZT_TESTS_BOARDS_PATTERN_H_
#define SZT_TESTS_BOARDS_PATTERN_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "szt/code.h"
#include "szt/configuration.h"

namespace szt::boards {

inline constexpr std::size_t kCommands = 64;  // of a run, the RTL's default

struct Command {
  std::size_t m, k_tiles, n_tiles;
  DecodeMode mode;
};

// The commands of a run.
std::vector<Command> commands(const Configuration& configuration);

// The signature of a run. Configurations with 32-bit results only (all are).
std::uint32_t signature(const Configuration& configuration);

}  // namespace szt::boards

#endif  // SZT_TESTS_BOARDS_PATTERN_H_
