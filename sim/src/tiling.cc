// SPDX-License-Identifier: Apache-2.0
#include "tiling.h"

#include <algorithm>
#include <cstring>

namespace szt::sim {
namespace {

constexpr std::size_t kMaxKeptBytes = std::size_t{16} << 20;  // of a block's activations

std::size_t divide_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

}  // namespace

Tiling::Tiling(const MatmulJob& job, const Configuration& configuration)
    : rows(static_cast<std::size_t>(configuration.rows)),
      cols(static_cast<std::size_t>(configuration.cols)),
      k_tiles(divide_up(job.weights.cols(), rows)),
      n_tiles(divide_up(job.weights.rows(), cols)),
      blocks(divide_up(job.m, static_cast<std::size_t>(configuration.acc_depth))),
      m(job.m) {}

void Position::next(const Tiling& tiling) {
  if (++k_tile < tiling.k_tiles) return;
  k_tile = 0;
  if (++n_tile < tiling.n_tiles) return;
  n_tile = 0;
  ++block;
}

CodeStream::CodeStream(const MatmulJob& job, const Tiling& tiling,
                       const Configuration& configuration)
    : weights_(job.weights),
      tiling_(tiling),
      beat_bytes_(code_beat_bytes(configuration)),
      keep_(tiling.blocks > 1) {
  beats_.resize(tiling.rows * beat_bytes_ * (keep_ ? tiling.k_tiles * tiling.n_tiles : 1));
}

bool CodeStream::push(Device& device) {
  bool moved = false;
  while (!done()) {
    const std::size_t taken =
        device.push_codes(tile().subspan(sent_ * beat_bytes_), position_.ends_command(tiling_));
    moved = moved || taken != 0;
    sent_ += taken;
    beats_sent_ += taken;
    if (sent_ < tiling_.rows) break;
    sent_ = 0;
    position_.next(tiling_);
  }
  return moved;
}

std::span<const std::uint8_t> CodeStream::tile() {
  const std::size_t bytes = tiling_.rows * beat_bytes_;
  if (!keep_) {
    if (sent_ == 0) fill(beats_.data());
    return beats_;
  }
  const std::size_t index = position_.n_tile * tiling_.k_tiles + position_.k_tile;
  if (index >= kept_) {
    fill(&beats_[index * bytes]);
    kept_ = index + 1;
  }
  return std::span<const std::uint8_t>(beats_).subspan(index * bytes, bytes);
}

void CodeStream::fill(std::uint8_t* beats) const {
  std::fill_n(beats, tiling_.rows * beat_bytes_, std::uint8_t{0});
  const std::size_t first_n = position_.n_tile * tiling_.cols;
  const std::size_t first_k = position_.k_tile * tiling_.rows;
  const std::size_t columns = std::min(tiling_.cols, weights_.rows() - first_n);
  const std::size_t count = std::min(tiling_.rows, weights_.cols() - first_k);
  for (std::size_t c = 0; c < columns; ++c) {
    const std::uint8_t* const row = weights_.row_bytes(first_n + c).data();
    for (std::size_t b = 0; b < count; ++b) {
      const std::size_t k = first_k + b;
      const unsigned code = (static_cast<unsigned>(row[k / 4]) >> (2 * (k % 4))) & 3U;
      std::uint8_t& byte = beats[b * beat_bytes_ + c / 4];
      byte = static_cast<std::uint8_t>(byte | (code << (2 * (c % 4))));
    }
  }
}

ActivationStream::ActivationStream(const MatmulJob& job, const Tiling& tiling)
    : x_(job.x), k_(job.weights.cols()), tiling_(tiling) {
  const std::size_t bytes = tiling.block_size(0) * tiling.rows;  // the largest block's
  keep_ = tiling.n_tiles > 1 && bytes * tiling.k_tiles <= kMaxKeptBytes;
  beats_.resize(bytes * (keep_ ? tiling.k_tiles : 1));
}

bool ActivationStream::push(Device& device) {
  bool moved = false;
  while (!done()) {
    const std::size_t taken = device.push_activations(tile().subspan(sent_ * tiling_.rows),
                                                      position_.ends_command(tiling_));
    moved = moved || taken != 0;
    sent_ += taken;
    beats_sent_ += taken;
    if (sent_ < tiling_.block_size(position_.block)) break;
    sent_ = 0;
    position_.next(tiling_);
  }
  return moved;
}

std::span<const std::int8_t> ActivationStream::tile() {
  const std::size_t bytes = tiling_.block_size(position_.block) * tiling_.rows;
  std::int8_t* const beats = &beats_[keep_ ? position_.k_tile * bytes : 0];
  if (sent_ == 0 && (!keep_ || position_.n_tile == 0)) fill(beats);
  return {beats, bytes};
}

void ActivationStream::fill(std::int8_t* to) const {
  const std::size_t beats = tiling_.block_size(position_.block);
  const std::size_t first_row = tiling_.block_begin(position_.block);
  const std::size_t first_k = position_.k_tile * tiling_.rows;
  const std::size_t lanes = std::min(tiling_.rows, k_ - first_k);
  for (std::size_t i = 0; i < beats; ++i, to += tiling_.rows) {
    std::memcpy(to, &x_[(first_row + i) * k_ + first_k], lanes);
    std::fill_n(to + lanes, tiling_.rows - lanes, std::int8_t{0});
  }
}

}  // namespace szt::sim
