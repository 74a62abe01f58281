// SPDX-License-Identifier: Apache-2.0
// The signatures of rtl/boards/boards.json are those of the C++ model, and the pattern behind them
// covers what the core can be told to do.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "boards/pattern.h"

namespace szt::boards {
namespace {

nlohmann::json boards() {
  std::ifstream file(SZT_BOARDS_JSON);
  return nlohmann::json::parse(file);
}

TEST(Signature, IsTheModels) {
  const nlohmann::json signatures = boards().at("signatures");
  ASSERT_FALSE(signatures.empty());
  for (const auto& [config, stated] : signatures.items()) {
    EXPECT_EQ(stated, fmt::format("{:08X}", signature(find_configuration(config)))) << config;
  }
}

TEST(Signature, EveryBoardHasOne) {
  const nlohmann::json all = boards();
  for (const auto& [name, board] : all.at("boards").items()) {
    EXPECT_TRUE(all.at("signatures").contains(board.at("config").get<std::string>())) << name;
  }
}

TEST(Pattern, CoversCommands) {
  for (const auto& [config, stated] : boards().at("signatures").items()) {
    const Configuration& configuration = find_configuration(config);
    std::set<DecodeMode> modes;
    std::set<std::size_t> shapes, small;
    std::size_t largest = 0;
    for (const Command& command : commands(configuration)) {
      modes.insert(command.mode);
      shapes.insert(command.k_tiles * 2 + command.n_tiles);
      if (command.m < 4 && command.k_tiles > 1) small.insert(command.m);
      largest = std::max(largest, command.m);
    }
    EXPECT_EQ(modes.size(), kDecodeModeCount) << config;
    EXPECT_EQ(shapes.size(), 8U) << config << ": 1 to 4 K tiles, 1 or 2 N tiles";
    EXPECT_EQ(small.size(), 3U) << config << ": M within the accumulator's hazard window";
    EXPECT_GT(largest * 10, static_cast<std::size_t>(configuration.acc_depth) * 9) << config;
  }
}

}  // namespace
}  // namespace szt::boards
