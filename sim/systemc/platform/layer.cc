// SPDX-License-Identifier: Apache-2.0
#include "layer.h"

#include <algorithm>
#include <cstring>

#include "beat_recorder.h"
#include "memory_map.h"
#include "szt/sim/device.h"
#include "szt/sim/driver.h"
#include "tiling.h"

namespace szt::platform {
namespace {

constexpr std::size_t kAlignment = 64;

}  // namespace

Layer::Layer(const LayerInput& input, const Configuration& configuration)
    : m_(input.m),
      n_(input.weights.rows()),
      cols_(static_cast<std::size_t>(configuration.cols)),
      macs_(std::uint64_t{input.m} * input.weights.rows() * input.weights.cols()) {
  const sim::MatmulJob job{input.x, input.m, input.weights, input.mode};
  const sim::Tiling tiling(job, configuration);
  systemc::BeatRecorder recorder(configuration);
  // The codes are the same for every block, and a block's activations for every N tile: both lie in
  // memory once and are fetched again.
  sim::MatmulJob one_block = job;
  one_block.m = 1;
  one_block.x = job.x.first(input.weights.cols());
  const sim::Tiling code_tiling(one_block, configuration);
  sim::CodeStream(one_block, code_tiling, configuration).push(recorder);
  const std::uint64_t codes = allocate(recorder.codes.size());
  std::memcpy(&memory_[codes], recorder.codes.data(), recorder.codes.size());

  sim::MatmulJob one_n_tile = job;
  one_n_tile.weights = input.weights.row_range(0, 1);
  const sim::Tiling activation_tiling(one_n_tile, configuration);
  sim::ActivationStream(one_n_tile, activation_tiling).push(recorder);
  const std::uint64_t activations = allocate(recorder.activations.size());
  std::memcpy(&memory_[activations], recorder.activations.data(), recorder.activations.size());

  const std::size_t result_bytes = cols_ * sizeof(std::int32_t);
  results_ = allocate(m_ * tiling.n_tiles * result_bytes);

  std::vector<Descriptor> code_list, activation_list, result_list;
  for (std::size_t block = 0; block < tiling.blocks; ++block) {
    commands_.push_back(tiling.command(block, input.mode));
    const std::uint64_t beats = std::uint64_t{commands_.back().m} * tiling.k_tiles;
    const std::uint64_t offset = tiling.block_begin(block) * tiling.k_tiles * tiling.rows;
    code_list.push_back({kMemory + codes, recorder.codes.size(), 1, 0});
    for (std::size_t n_tile = 0; n_tile < tiling.n_tiles; ++n_tile) {
      activation_list.push_back({kMemory + activations + offset, beats * tiling.rows,
                                 n_tile + 1 == tiling.n_tiles ? 1U : 0U, 0});
    }
    cycles_model_ +=
        block == 0 ? command_cycles(configuration, commands_[0])
                   : queued_command_cycles(configuration, commands_[block - 1], commands_[block]);
  }
  result_list.push_back({kMemory + results_, m_ * tiling.n_tiles * result_bytes, 0, 0});
  add_list(Channel::kCodes, code_list);
  add_list(Channel::kActivations, activation_list);
  add_list(Channel::kResults, result_list);
}

std::uint64_t Layer::allocate(std::size_t bytes) {
  const std::size_t begin = (memory_.size() + kAlignment - 1) / kAlignment * kAlignment;
  memory_.resize(begin + bytes);
  return begin;
}

void Layer::add_list(Channel channel, const std::vector<Descriptor>& descriptors) {
  const std::size_t bytes = descriptors.size() * sizeof(Descriptor);
  const std::uint64_t begin = allocate(bytes);
  std::memcpy(&memory_[begin], descriptors.data(), bytes);
  List& list = lists_[static_cast<std::size_t>(channel)];
  list = {kMemory + begin, static_cast<std::uint32_t>(descriptors.size()), 0};
  for (const Descriptor& descriptor : descriptors) list.bytes += descriptor.bytes;
}

std::vector<std::int32_t> Layer::results(std::span<const std::uint8_t> memory) const {
  std::vector<std::int32_t> y(m_ * n_);
  std::size_t row_begin = 0;
  const std::uint8_t* beat = memory.data() + results_;
  for (const Command& command : commands_) {
    for (std::size_t first_col = 0; first_col < n_; first_col += cols_) {
      for (std::size_t row = row_begin; row < row_begin + command.m; ++row) {
        std::memcpy(&y[row * n_ + first_col], beat,
                    std::min(cols_, n_ - first_col) * sizeof(std::int32_t));
        beat += cols_ * sizeof(std::int32_t);
      }
    }
    row_begin += command.m;
  }
  return y;
}

}  // namespace szt::platform
