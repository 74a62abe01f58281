// SPDX-License-Identifier: Apache-2.0
#include "szt/cycle_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "szt/configuration.h"
#include "szt/error.h"

namespace szt {
namespace {

Command command(std::uint32_t m, std::uint32_t k_tiles, std::uint32_t n_tiles,
                DecodeMode mode = DecodeMode::kForward) {
  return {m, k_tiles, n_tiles, mode};
}

std::uint64_t cycles(const char* name, const Command& c) {
  return command_cycles(find_configuration(name), c);
}

TEST(CycleModel, FillIsLiteral) {
  // 2 * rows + hops + 7, one more where the operand is registered.
  EXPECT_EQ(fill_cycles(find_configuration("tiny")), 21U);
  EXPECT_EQ(fill_cycles(find_configuration("small")), 33U);
  EXPECT_EQ(fill_cycles(find_configuration("medium")), 55U);
  EXPECT_EQ(fill_cycles(find_configuration("large")), 103U);
  EXPECT_EQ(fill_cycles(find_configuration("wide")), 30U);
  EXPECT_EQ(fill_cycles(find_configuration("tall")), 35U);  // two columns a hop: 3 hops
}

TEST(CycleModel, CommandIsLiteral) {
  EXPECT_EQ(cycles("medium", command(1, 1, 1)), 56U);
  EXPECT_EQ(cycles("medium", command(16, 1, 1)), 71U);
  EXPECT_EQ(cycles("medium", command(256, 24, 24)), 147511U);  // 575 * 256 + 256 + 55
  EXPECT_EQ(cycles("medium", command(1, 24, 24)), 9256U);      // 575 * 16 + 1 + 55
  EXPECT_EQ(cycles("medium", command(17, 2, 3)), 157U);        // 5 * 17 + 17 + 55
  EXPECT_EQ(cycles("wide", command(1, 1, 2)), 43U);            // 12 columns are the period
  EXPECT_EQ(cycles("tall", command(1, 2, 1)), 48U);            // 12 rows are
  EXPECT_EQ(cycles("tiny", command(64, 16777215, 16777215)),
            (16777215ULL * 16777215ULL - 1) * 64 + 64 + 21);
}

// One large product keeps the array at work: 256 vectors against [384, 384].
TEST(CycleModel, UtilisationIsNearlyOne) {
  const Configuration& medium = find_configuration("medium");
  const double macs = 256.0 * 384.0 * 384.0;
  const auto taken = static_cast<double>(command_cycles(medium, command(256, 24, 24)));
  const double utilisation = macs / (taken * medium.rows * medium.cols);
  EXPECT_GE(utilisation, 0.99);
  EXPECT_LT(utilisation, 1.0);
}

TEST(CycleModel, FillIsBoundedInEveryConfiguration) {
  ASSERT_GE(configurations().size(), 4U);
  for (const Configuration& c : configurations()) {
    SCOPED_TRACE(c.name);
    // At least until the last weight row is there and the first result is through rows and columns.
    EXPECT_GE(fill_cycles(c), static_cast<std::uint64_t>(2 * c.rows + c.hops()));
    EXPECT_LE(fill_cycles(c), static_cast<std::uint64_t>(2 * (c.rows + c.cols) + 32));
    EXPECT_GE(c.rows, 4);  // the accumulator's hazard window
  }
}

// Tile after tile: each starts when its predecessor has issued its vectors, its own weights are
// loaded, and the swap tag has crossed; the last vector then takes the way through.
TEST(CycleModel, EqualsAWalkOverTheTiles) {
  for (const Configuration& c : configurations()) {
    for (const std::uint32_t m : {1U, 2U, 4U, 5U, 8U, 12U, 13U, 16U, 17U}) {
      for (const std::uint32_t k_tiles : {1U, 2U, 5U}) {
        for (const std::uint32_t n_tiles : {1U, 3U}) {
          std::uint64_t start = 0;
          for (std::uint32_t tile = 1; tile < k_tiles * n_tiles; ++tile) {
            std::uint64_t next = start + m;
            next = std::max(next, start + static_cast<std::uint64_t>(c.rows));
            next = std::max(next, start + static_cast<std::uint64_t>(c.hops()));
            start = next;
          }
          const std::uint64_t expected = start + m + fill_cycles(c);
          for (const DecodeMode mode : kAllDecodeModes) {
            ASSERT_EQ(command_cycles(c, command(m, k_tiles, n_tiles, mode)), expected)
                << c.name << ", m " << m << ", tiles " << k_tiles << " x " << n_tiles;
          }
        }
      }
    }
  }
}

TEST(CycleModel, QueuedIsLiteral) {
  const Configuration& medium = find_configuration("medium");
  EXPECT_EQ(queued_command_cycles(medium, command(16, 1, 1), command(16, 1, 1)), 16U);
  EXPECT_EQ(queued_command_cycles(medium, command(256, 3, 3), command(16, 1, 1)), 16U);
  EXPECT_EQ(queued_command_cycles(medium, command(1, 1, 1), command(1, 1, 1)), 16U);
  EXPECT_EQ(queued_command_cycles(medium, command(1, 1, 1), command(20, 2, 2)), 95U);
  EXPECT_EQ(queued_command_cycles(medium, command(5, 7, 9), command(20, 1, 1)), 31U);
}

// A queued command hides the fill, and N commands queued behind each other take what one walk over
// all their tiles takes.
TEST(CycleModel, QueuedCommandsAreOneWalk) {
  for (const Configuration& c : configurations()) {
    const auto depth = static_cast<std::uint32_t>(c.acc_depth);
    for (const std::uint32_t m : {std::uint32_t{1}, std::uint32_t{4}, depth}) {
      const Command one = command(m, 2, 3);
      const Command three = command(m, 6, 3);
      EXPECT_EQ(command_cycles(c, one) + 2 * queued_command_cycles(c, one, one),
                command_cycles(c, three))
          << c.name << ", m " << m;
      EXPECT_LT(queued_command_cycles(c, one, one), command_cycles(c, one));
    }
  }
}

TEST(Configuration, IsFoundByNameOrRefusedWithTheKnownOnes) {
  for (const Configuration& c : configurations()) {
    EXPECT_EQ(&find_configuration(c.name), &c);
    EXPECT_GT(c.rows, 0);
    EXPECT_GT(c.cols, 0);
    EXPECT_GE(c.fifo_depth, c.rows + c.cols + 2) << c.name;
    EXPECT_EQ(c.act_width, 8);
    EXPECT_EQ(c.acc_width, 32);
  }
  const Configuration& medium = find_configuration("medium");
  EXPECT_EQ(medium.rows, 16);
  EXPECT_EQ(medium.cols, 16);
  EXPECT_EQ(medium.acc_depth, 256);
  try {
    find_configuration("Medium");
    FAIL() << "an unknown configuration was found";
  } catch (const InputError& error) {
    const std::string message = error.what();
    for (const char* known : {"'Medium'", "tiny", "small", "medium", "large"}) {
      EXPECT_NE(message.find(known), std::string::npos) << message;
    }
  }
}

}  // namespace
}  // namespace szt
