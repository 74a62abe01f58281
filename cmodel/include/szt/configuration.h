// SPDX-License-Identifier: Apache-2.0
// The configurations of the array, generated from rtl/configs.json.
#ifndef SZT_CONFIGURATION_H_
#define SZT_CONFIGURATION_H_

#include <span>
#include <string_view>

namespace szt {

// One row of rtl/configs.json; each field is the RTL parameter of the same name.
struct Configuration {
  std::string_view name;
  int rows;               // array rows: K elements a tile
  int cols;               // array columns: N outputs a tile
  int act_width;          // bits of an activation
  int acc_width;          // bits of a result
  int acc_depth;          // vectors that the accumulator holds: the largest M of a command
  int fifo_depth;         // result beats that the output FIFO holds
  int act_reach;          // columns that an activation passes in a cycle
  bool register_operand;  // one more pipeline stage in every processing element
  bool split_add;         // one more pipeline stage in the accumulator
  std::string_view purpose;

  // Cycles that an activation takes across the array.
  int hops() const { return (cols + act_reach - 1) / act_reach; }
};

std::span<const Configuration> configurations();

// Throws InputError, naming the known ones, when there is none of that name.
const Configuration& find_configuration(std::string_view name);

}  // namespace szt

#endif  // SZT_CONFIGURATION_H_
