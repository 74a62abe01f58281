// SPDX-License-Identifier: Apache-2.0
// A matrix product as a device takes it: blocks of vectors, tiles, padded beats.
#ifndef SZT_SIM_SRC_TILING_H_
#define SZT_SIM_SRC_TILING_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "szt/sim/device.h"
#include "szt/sim/driver.h"

namespace szt::sim {

// The job as the array sees it; no dimension is 0.
struct Tiling {
  Tiling(const MatmulJob& job, const Configuration& configuration);

  // Each block of M is a command. Their sizes differ by at most one vector, larger ones first, so
  // that the size changes once.
  std::size_t block_begin(std::size_t block) const {
    return block * (m / blocks) + std::min(block, m % blocks);
  }
  std::size_t block_size(std::size_t block) const {
    return block_begin(block + 1) - block_begin(block);
  }
  Command command(std::size_t block, DecodeMode mode) const {
    return {static_cast<std::uint32_t>(block_size(block)), static_cast<std::uint32_t>(k_tiles),
            static_cast<std::uint32_t>(n_tiles), mode};
  }

  std::size_t rows, cols, k_tiles, n_tiles, blocks, m;
};

// Walks (block, N tile, K tile) in the order of the streams.
struct Position {
  std::size_t block = 0, n_tile = 0, k_tile = 0;

  void next(const Tiling& tiling);
  bool ends_command(const Tiling& tiling) const {
    return k_tile + 1 == tiling.k_tiles && n_tile + 1 == tiling.n_tiles;
  }
};

// A tile's code beats: beat b is k = k_tile * rows + b, column c is n = n_tile * cols + c, code 00
// beyond the edges. With several blocks the beats are made once and kept for all of them.
class CodeStream {
 public:
  CodeStream(const MatmulJob& job, const Tiling& tiling, const Configuration& configuration);

  bool done() const { return position_.block == tiling_.blocks; }
  // Offers what the device takes; whether it took anything.
  bool push(Device& device);
  std::uint64_t beats_sent() const { return beats_sent_; }

 private:
  void fill(std::uint8_t* beats) const;
  std::span<const std::uint8_t> tile();

  PackedCodesView weights_;
  const Tiling& tiling_;
  std::size_t beat_bytes_;
  std::vector<std::uint8_t> beats_;  // of a tile, or of all tiles
  bool keep_;
  std::size_t kept_ = 0;  // tiles
  Position position_;
  std::size_t sent_ = 0;  // of the tile
  std::uint64_t beats_sent_ = 0;
};

// A tile's activation beats: beat i is row i of the block, activation 0 beyond the edge. With
// several N tiles the beats of a block are made once and kept for all of them, if they are few.
class ActivationStream {
 public:
  ActivationStream(const MatmulJob& job, const Tiling& tiling);

  bool done() const { return position_.block == tiling_.blocks; }
  bool push(Device& device);
  std::uint64_t beats_sent() const { return beats_sent_; }

 private:
  void fill(std::int8_t* to) const;
  std::span<const std::int8_t> tile();

  std::span<const std::int8_t> x_;
  std::size_t k_;
  const Tiling& tiling_;
  bool keep_;
  std::vector<std::int8_t> beats_;  // of a tile, or of all tiles of the block
  Position position_;
  std::size_t sent_ = 0;
  std::uint64_t beats_sent_ = 0;
};

}  // namespace szt::sim

#endif  // SZT_SIM_SRC_TILING_H_
