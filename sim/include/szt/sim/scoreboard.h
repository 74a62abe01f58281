// SPDX-License-Identifier: Apache-2.0
// Compares every result lane of a device with the model and explains the first divergence.
#ifndef SZT_SIM_SCOREBOARD_H_
#define SZT_SIM_SCOREBOARD_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "szt/sim/driver.h"

namespace szt::sim {

struct Divergence {
  std::uint64_t cycle;  // of the device
  std::size_t row;      // m
  std::size_t col;      // n; past the last column: a padding lane
  std::size_t n_tile;
  std::size_t lane;  // column of the array
  std::int32_t expected;
  std::int32_t got;
};

// Expects the model's product, computed on construction; padding lanes are checked too.
class Scoreboard {
 public:
  Scoreboard(const MatmulJob& job, const Configuration& configuration);

  // An observer for Driver::matmul.
  void check(const ResultBeat& beat);

  std::uint64_t results_compared() const { return results_compared_; }  // lanes, padding included
  std::uint64_t mismatches() const { return mismatches_; }
  const std::optional<Divergence>& first() const { return first_; }
  std::span<const std::int32_t> expected() const { return expected_; }

  // Where, what was expected, what came, the operands, and what single fault would explain the
  // difference; a few lines. Empty if nothing diverged.
  std::string explain() const;

 private:
  std::int32_t expected_lane(std::size_t row, std::size_t col) const;

  MatmulJob job_;
  Configuration configuration_;
  std::vector<std::int32_t> expected_;
  std::vector<std::int32_t> padding_;  // a padding lane's sum, for each row
  std::uint64_t results_compared_ = 0;
  std::uint64_t mismatches_ = 0;
  std::optional<Divergence> first_;
};

}  // namespace szt::sim

#endif  // SZT_SIM_SCOREBOARD_H_
