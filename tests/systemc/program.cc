// SPDX-License-Identifier: Apache-2.0
#include "systemc/program.h"

#include <gtest/gtest.h>

#include <utility>

#include "beat_recorder.h"
#include "szt/sim/registers.h"
#include "szt/systemc/address_map.h"
#include "tiling.h"

namespace szt::systemc {

namespace registers = sim::matmul;

std::span<const std::uint8_t> bytes_of(const std::vector<std::int8_t>& activations) {
  return {reinterpret_cast<const std::uint8_t*>(activations.data()), activations.size()};
}

sim::Beats beats_of(const sim::Work& work, const Configuration& configuration) {
  const sim::MatmulJob job = work.job();
  const sim::Tiling tiling(job, configuration);
  EXPECT_EQ(tiling.blocks, 1U);
  BeatRecorder recorder(configuration);
  sim::CodeStream(job, tiling, configuration).push(recorder);
  sim::ActivationStream(job, tiling).push(recorder);
  return {
      tiling.command(0, work.mode), std::move(recorder.codes), std::move(recorder.activations), {}};
}

void write_codes(Port& port, const Configuration& configuration, const sim::Beats& beats,
                 bool last) {
  port.write_beats(kCodes, sim::code_beat_bytes(configuration), beats.codes, last);
}

void write_activations(Port& port, const Configuration& configuration, const sim::Beats& beats,
                       bool last) {
  port.write_beats(kActivations, sim::activation_beat_bytes(configuration),
                   bytes_of(beats.activations), last);
}

void write_beats(Port& port, const Configuration& configuration, const sim::Beats& beats) {
  write_codes(port, configuration, beats);
  write_activations(port, configuration, beats);
}

std::uint64_t start(Port& port, const Command& command) {
  port.write_ok(registers::kM, command.m);
  port.write_ok(registers::kKTiles, command.k_tiles);
  port.write_ok(registers::kNTiles, command.n_tiles);
  port.write_ok(registers::kMode, static_cast<std::uint32_t>(command.mode));
  port.write_ok(registers::kControl,
                registers::kControlStart.mask() | registers::kControlIrqEnable.mask());
  return port.edge();
}

bool read_results(Port& port, const Configuration& configuration, std::vector<std::int32_t>& got) {
  const std::uint32_t level = port.read_ok(kResultsLevel);
  const std::size_t lanes = (level & kLevelBeats) * sim::result_beat_lanes(configuration);
  if (lanes == 0) return false;
  const std::size_t before = got.size();
  got.resize(before + lanes);
  EXPECT_EQ(
      port.transport(tlm::TLM_READ_COMMAND, kResults,
                     {reinterpret_cast<std::uint8_t*>(&got[before]), lanes * sizeof(std::int32_t)}),
      tlm::TLM_OK_RESPONSE);
  return (level & kLevelLast) != 0;
}

std::vector<std::int32_t> collect(Port& port, const Configuration& configuration,
                                  const Command& command) {
  std::vector<std::int32_t> got;
  std::uint32_t packets = 0;
  const std::uint64_t limit = port.edge() + 50'000;
  while (packets < command.n_tiles && port.edge() < limit) {
    if (read_results(port, configuration, got)) ++packets;
  }
  EXPECT_EQ(packets, command.n_tiles);
  port.wait_cycles(3);  // DONE follows the last result
  port.write_ok(registers::kStatus, registers::kStatusDone.mask());
  return got;
}

}  // namespace szt::systemc
