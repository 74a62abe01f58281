// SPDX-License-Identifier: Apache-2.0
#include "boards/pattern.h"

#include <bit>
#include <deque>
#include <string_view>

#include "szt/matmul.h"
#include "szt/packed_codes.h"

namespace szt::boards {
namespace {

// The sequence of x^length + x^tap + 1 that begins with the bits of the seed, the lowest first.
class Sequence {
 public:
  // The seed in hexadecimal, of which the lowest `length` bits count.
  Sequence(std::size_t length, std::size_t tap, std::string_view seed) : tap_(tap) {
    for (auto digit = seed.rbegin(); digit != seed.rend(); ++digit) {
      const unsigned value =
          static_cast<unsigned>(*digit <= '9' ? *digit - '0' : *digit - 'A' + 10);
      for (unsigned bit = 0; bit < 4 && bits_.size() < length; ++bit) {
        bits_.push_back((value >> bit & 1U) != 0);
      }
    }
  }

  // The next bits, the first one lowest.
  std::uint32_t take(std::size_t count) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      value |= static_cast<std::uint32_t>(bits_[0]) << i;
      bits_.push_back(bits_[0] != bits_[tap_]);
      bits_.pop_front();
    }
    return value;
  }

 private:
  std::size_t tap_;
  std::deque<bool> bits_;
};

// x^32 + x^22 + x^2 + x + 1.
std::uint32_t misr(std::uint32_t state, std::int32_t word) {
  const std::uint32_t feedback = (state >> 31) != 0 ? 0x00400007U : 0;
  return (state << 1) ^ feedback ^ static_cast<std::uint32_t>(word);
}

}  // namespace

std::vector<Command> commands(const Configuration& configuration) {
  // M - 1 is drawn from the largest power of two that the accumulator holds.
  const auto bits =
      static_cast<std::size_t>(std::bit_width(static_cast<unsigned>(configuration.acc_depth)) - 1);
  Sequence sequence(17, 3, "13198");
  std::vector<Command> result;
  for (std::size_t i = 0; i < kCommands; ++i) {
    const std::uint32_t word = sequence.take(6 + bits);
    const std::uint32_t drawn = word >> 6;
    const std::uint32_t mode = word >> 3 & 3U;
    result.push_back({.m = ((word >> 5 & 1U) != 0 ? drawn & 3U : drawn) + 1,
                      .k_tiles = (word >> 1 & 3U) + 1,
                      .n_tiles = (word & 1U) + 1,
                      .mode = static_cast<DecodeMode>(mode == 3 ? 0 : mode)});
  }
  return result;
}

std::uint32_t signature(const Configuration& configuration) {
  const auto rows = static_cast<std::size_t>(configuration.rows);
  const auto cols = static_cast<std::size_t>(configuration.cols);
  const auto act_width = static_cast<std::size_t>(configuration.act_width);
  Sequence codes(31, 3, "243F6A88");
  Sequence activations(63, 31, "243F6A8885A308D3");
  std::uint32_t state = 0;
  for (const Command& command : commands(configuration)) {
    const std::size_t k = command.k_tiles * rows;
    // The activations are not sent again for the next N tile but are others: a product of its own.
    for (std::size_t n_tile = 0; n_tile < command.n_tiles; ++n_tile) {
      PackedCodes weights(cols, k);
      std::vector<std::int8_t> x(command.m * k);
      for (std::size_t k_tile = 0; k_tile < command.k_tiles; ++k_tile) {
        for (std::size_t row = 0; row < rows; ++row) {
          for (std::size_t col = 0; col < cols; ++col) {
            weights.set(col, k_tile * rows + row, static_cast<Code>(codes.take(2)));
          }
        }
        for (std::size_t m = 0; m < command.m; ++m) {
          for (std::size_t row = 0; row < rows; ++row) {
            x[m * k + k_tile * rows + row] = static_cast<std::int8_t>(activations.take(act_width));
          }
        }
      }
      std::vector<std::int32_t> y(command.m * cols);
      matmul_reference(x, command.m, weights, command.mode, y);
      for (const std::int32_t result : y) state = misr(state, result);
    }
  }
  return state;
}

}  // namespace szt::boards
