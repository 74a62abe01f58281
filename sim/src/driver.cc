// SPDX-License-Identifier: Apache-2.0
#include "szt/sim/driver.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "szt/error.h"
#include "szt/matmul.h"

namespace szt::sim {
namespace {

std::size_t divide_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

// The job as the array sees it.
struct Tiling {
  Tiling(const MatmulJob& job, const Configuration& configuration)
      : rows(static_cast<std::size_t>(configuration.rows)),
        cols(static_cast<std::size_t>(configuration.cols)),
        k_tiles(divide_up(job.weights.cols(), rows)),
        n_tiles(divide_up(job.weights.rows(), cols)),
        blocks(divide_up(job.m, static_cast<std::size_t>(configuration.acc_depth))),
        m(job.m) {}

  // Blocks differ by at most one vector.
  std::size_t block_begin(std::size_t block) const { return m * block / blocks; }
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

  void next(const Tiling& tiling) {
    if (++k_tile < tiling.k_tiles) return;
    k_tile = 0;
    if (++n_tile < tiling.n_tiles) return;
    n_tile = 0;
    ++block;
  }
  bool ends_command(const Tiling& tiling) const {
    return k_tile + 1 == tiling.k_tiles && n_tile + 1 == tiling.n_tiles;
  }
};

// Makes a tile's code beats: beat b is k = k_tile * rows + b, column c is n = n_tile * cols + c,
// code 00 beyond the edges.
class CodeStream {
 public:
  CodeStream(const MatmulJob& job, const Tiling& tiling, const Configuration& configuration)
      : weights_(job.weights),
        tiling_(tiling),
        beat_bytes_(code_beat_bytes(configuration)),
        beats_(tiling.rows * beat_bytes_) {}

  bool done() const { return position_.block == tiling_.blocks; }

  void push(Device& device) {
    while (!done()) {
      if (sent_ == 0) fill();
      const std::span<const std::uint8_t> rest(&beats_[sent_ * beat_bytes_],
                                               (tiling_.rows - sent_) * beat_bytes_);
      sent_ += device.push_codes(rest, position_.ends_command(tiling_));
      if (sent_ < tiling_.rows) return;
      sent_ = 0;
      position_.next(tiling_);
    }
  }

 private:
  void fill() {
    std::fill(beats_.begin(), beats_.end(), std::uint8_t{0});
    const std::size_t first_n = position_.n_tile * tiling_.cols;
    const std::size_t first_k = position_.k_tile * tiling_.rows;
    const std::size_t columns = std::min(tiling_.cols, weights_.rows() - first_n);
    const std::size_t beats = std::min(tiling_.rows, weights_.cols() - first_k);
    for (std::size_t c = 0; c < columns; ++c) {
      const std::uint8_t* const row = weights_.row_bytes(first_n + c).data();
      for (std::size_t b = 0; b < beats; ++b) {
        const std::size_t k = first_k + b;
        const unsigned code = (static_cast<unsigned>(row[k / 4]) >> (2 * (k % 4))) & 3U;
        std::uint8_t& byte = beats_[b * beat_bytes_ + c / 4];
        byte = static_cast<std::uint8_t>(byte | (code << (2 * (c % 4))));
      }
    }
  }

  PackedCodesView weights_;
  const Tiling& tiling_;
  std::size_t beat_bytes_;
  std::vector<std::uint8_t> beats_;  // of the tile
  Position position_;
  std::size_t sent_ = 0;
};

// Makes a tile's activation beats: beat i is row i of the block, activation 0 beyond the edge.
class ActivationStream {
 public:
  ActivationStream(const MatmulJob& job, const Tiling& tiling)
      : x_(job.x), k_(job.weights.cols()), tiling_(tiling) {}

  bool done() const { return position_.block == tiling_.blocks; }

  void push(Device& device) {
    while (!done()) {
      if (sent_ == 0) fill();
      const std::size_t beats = tiling_.block_size(position_.block);
      const std::span<const std::int8_t> rest(&beats_[sent_ * tiling_.rows],
                                              (beats - sent_) * tiling_.rows);
      sent_ += device.push_activations(rest, position_.ends_command(tiling_));
      if (sent_ < beats) return;
      sent_ = 0;
      position_.next(tiling_);
    }
  }

 private:
  void fill() {
    const std::size_t beats = tiling_.block_size(position_.block);
    const std::size_t first_row = tiling_.block_begin(position_.block);
    const std::size_t first_k = position_.k_tile * tiling_.rows;
    const std::size_t lanes = std::min(tiling_.rows, k_ - first_k);
    beats_.assign(beats * tiling_.rows, 0);
    for (std::size_t i = 0; i < beats; ++i) {
      std::memcpy(&beats_[i * tiling_.rows], &x_[(first_row + i) * k_ + first_k], lanes);
    }
  }

  std::span<const std::int8_t> x_;
  std::size_t k_;
  const Tiling& tiling_;
  std::vector<std::int8_t> beats_;  // of the tile
  Position position_;
  std::size_t sent_ = 0;
};

void check(const MatmulJob& job, std::span<const std::int32_t> y) {
  const std::size_t n = job.weights.rows();
  const std::size_t k = job.weights.cols();
  if (job.x.size() != job.m * k) {
    throw InputError(
        fmt::format("activations hold {} values, not {} x {}", job.x.size(), job.m, k));
  }
  if (y.size() != job.m * n) {
    throw InputError(fmt::format("results hold {} values, not {} x {}", y.size(), job.m, n));
  }
  if (k > kMaxExactK) {
    throw InputError(fmt::format("K = {}: int32 sums are exact up to {}", k, kMaxExactK));
  }
}

}  // namespace

Driver::Driver(Device& device, DriverOptions options)
    : device_(device), options_(std::move(options)) {}

MatmulReport Driver::matmul(const MatmulJob& job, std::span<std::int32_t> y,
                            const ResultObserver& observer) {
  check(job, y);
  const Configuration& configuration = device_.configuration();
  const std::size_t n = job.weights.rows();
  const std::size_t k = job.weights.cols();
  MatmulReport report;
  report.macs = static_cast<std::uint64_t>(job.m) * n * k;
  std::fill(y.begin(), y.end(), 0);
  if (report.macs == 0) return report;

  const Tiling tiling(job, configuration);
  for (std::size_t block = 0; block < tiling.blocks; ++block) {
    const Command command = tiling.command(block, job.mode);
    report.cycles_model +=
        block == 0
            ? command_cycles(configuration, command)
            : queued_command_cycles(configuration, tiling.command(block - 1, job.mode), command);
  }

  CodeStream codes(job, tiling, configuration);
  ActivationStream activations(job, tiling);
  std::size_t submitted = 0;
  std::size_t block = 0, n_tile = 0, row = 0;  // of the next result
  const std::uint64_t total_beats = static_cast<std::uint64_t>(job.m) * tiling.n_tiles;
  std::uint64_t beats_done = 0;
  std::uint64_t last_errors = device_.last_errors();
  std::uint64_t last_handshakes = device_.handshakes();
  std::uint64_t last_moved = device_.cycle();
  std::vector<std::int32_t> lanes(256 * tiling.cols);

  while (report.commands.size() < tiling.blocks) {
    while (submitted < tiling.blocks && device_.submit(tiling.command(submitted, job.mode))) {
      ++submitted;
    }
    codes.push(device_);
    activations.push(device_);
    device_.advance(options_.watchdog_cycles);

    while (const std::size_t beats = device_.pop_results(lanes)) {
      for (std::size_t i = 0; i < beats; ++i) {
        if (block == tiling.blocks) {
          throw DeviceError(fmt::format("{} device: more results than asked for; {}",
                                        device_.name(), device_.describe()));
        }
        const std::span<const std::int32_t> beat(&lanes[i * tiling.cols], tiling.cols);
        const std::size_t y_row = tiling.block_begin(block) + row;
        const std::size_t first_col = n_tile * tiling.cols;
        if (observer) observer({y_row, first_col, beat, device_.cycle()});
        std::copy_n(beat.begin(), std::min(tiling.cols, n - first_col), &y[y_row * n + first_col]);
        if (++row < tiling.block_size(block)) continue;
        row = 0;
        if (++n_tile < tiling.n_tiles) continue;
        n_tile = 0;
        ++block;
      }
      beats_done += beats;
    }
    if (options_.progress) options_.progress(beats_done, total_beats);
    while (const auto timing = device_.pop_timing()) {
      report.commands.push_back(*timing);
      report.cycles += timing->cycles;
    }

    if (device_.last_errors() != last_errors) {
      throw DeviceError(fmt::format("{} device: TLAST reported as misplaced; {}", device_.name(),
                                    device_.describe()));
    }
    if (device_.handshakes() != last_handshakes) {
      last_handshakes = device_.handshakes();
      last_moved = device_.cycle();
    } else if (device_.cycle() - last_moved >= options_.watchdog_cycles) {
      throw DeviceError(fmt::format("{} device hangs: no handshake for {} cycles; {}",
                                    device_.name(), device_.cycle() - last_moved,
                                    device_.describe()));
    }
  }
  if (beats_done != total_beats || device_.pop_results(lanes) != 0) {
    throw DeviceError(
        fmt::format("{} device: {} result beats before its last command ended, not {}; {}",
                    device_.name(), beats_done, total_beats, device_.describe()));
  }
  report.utilization = static_cast<double>(report.macs) / (static_cast<double>(report.cycles) *
                                                           configuration.rows * configuration.cols);
  return report;
}

}  // namespace szt::sim
