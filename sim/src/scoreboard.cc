// SPDX-License-Identifier: Apache-2.0
#include "szt/sim/scoreboard.h"

#include <fmt/format.h>

#include <algorithm>

#include "szt/matmul.h"

namespace szt::sim {
namespace {

constexpr std::size_t kOperandsShown = 8;

}  // namespace

Scoreboard::Scoreboard(const MatmulJob& job, const Configuration& configuration)
    : job_(job),
      configuration_(configuration),
      expected_(job.m * job.weights.rows()),
      padding_(job.m) {
  szt::matmul(job.x, job.m, job.weights, job.mode, expected_);
  // A padding column holds code 00 all the way down.
  const int weight = decode(Code::kZeroPlus, job.mode);
  const std::size_t k = job.weights.cols();
  for (std::size_t row = 0; row < job.m && weight != 0; ++row) {
    std::int32_t sum = 0;
    for (std::size_t i = 0; i < k; ++i) sum += job.x[row * k + i];
    padding_[row] = weight * sum;
  }
}

std::int32_t Scoreboard::expected_lane(std::size_t row, std::size_t col) const {
  const std::size_t n = job_.weights.rows();
  return col < n ? expected_[row * n + col] : padding_[row];
}

void Scoreboard::check(const ResultBeat& beat) {
  const std::size_t n = job_.weights.rows();
  const std::size_t real = beat.first_col < n ? std::min(beat.lanes.size(), n - beat.first_col) : 0;
  results_compared_ += beat.lanes.size();
  const bool equal =
      std::equal(beat.lanes.begin(), beat.lanes.begin() + static_cast<std::ptrdiff_t>(real),
                 expected_.begin() + static_cast<std::ptrdiff_t>(beat.row * n + beat.first_col)) &&
      std::all_of(beat.lanes.begin() + static_cast<std::ptrdiff_t>(real), beat.lanes.end(),
                  [&](std::int32_t lane) { return lane == padding_[beat.row]; });
  if (equal) return;
  for (std::size_t lane = 0; lane < beat.lanes.size(); ++lane) {
    const std::size_t col = beat.first_col + lane;
    const std::int32_t expected = expected_lane(beat.row, col);
    if (beat.lanes[lane] == expected) continue;
    ++mismatches_;
    if (!first_) {
      first_ =
          Divergence{beat.cycle, beat.row,        col, beat.first_col / beat.lanes.size(), lane,
                     expected,   beat.lanes[lane]};
    }
  }
}

std::string Scoreboard::explain() const {
  if (!first_) return {};
  const Divergence& d = *first_;
  const std::size_t k = job_.weights.cols();
  const std::size_t rows = static_cast<std::size_t>(configuration_.rows);
  const std::int64_t difference = static_cast<std::int64_t>(d.got) - d.expected;
  std::string text = fmt::format(
      "first divergence at cycle {}: row m = {}, column n = {}{} (N tile {}, array column {})\n"
      "  expected {} ({:#010x}), got {} ({:#010x}), difference {}, bits that differ {:#010x}\n",
      d.cycle, d.row, d.col, d.col < job_.weights.rows() ? "" : " (padding)", d.n_tile, d.lane,
      d.expected, static_cast<std::uint32_t>(d.expected), d.got, static_cast<std::uint32_t>(d.got),
      difference, static_cast<std::uint32_t>(d.expected) ^ static_cast<std::uint32_t>(d.got));
  text += fmt::format("  {} of {} results differ in all\n", mismatches_, results_compared_);
  if (d.col >= job_.weights.rows()) return text;

  const auto term = [&](std::size_t i) {
    return job_.x[d.row * k + i] * decode(job_.weights.get(d.col, i), job_.mode);
  };
  text += "  operands (k: activation x weight):";
  for (std::size_t i = 0; i < std::min(k, kOperandsShown); ++i) {
    text += fmt::format(" {}: {} x {:+d}", i, job_.x[d.row * k + i],
                        decode(job_.weights.get(d.col, i), job_.mode));
  }
  text += k > kOperandsShown ? fmt::format(" ... {} in all\n", k) : std::string("\n");

  // A whole K tile, or one array row of one tile, that was lost, doubled or negated.
  std::int64_t tile_sum = 0;
  for (std::size_t i = 0; i < k; ++i) {
    const std::int64_t t = term(i);
    tile_sum = (i % rows == 0 ? 0 : tile_sum) + t;
    if (t != 0 && (difference == -t || difference == t || difference == -2 * t)) {
      text += fmt::format("  would fit: the term of k = {} (K tile {}, array row {}) {}\n", i,
                          i / rows, i % rows,
                          difference == -t  ? "lost"
                          : difference == t ? "added twice"
                                            : "negated");
      break;
    }
    if ((i % rows == rows - 1 || i + 1 == k) && tile_sum != 0 &&
        (difference == -tile_sum || difference == tile_sum)) {
      text += fmt::format("  would fit: K tile {} {}\n", i / rows,
                          difference == -tile_sum ? "lost" : "added twice");
      break;
    }
  }
  return text;
}

}  // namespace szt::sim
