// SPDX-License-Identifier: Apache-2.0
// The contract of a target, the same for the model's and the RTL's, on both TLM-2.0 interfaces.
#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "systemc/target_testing.h"
#include "szt/sim/registers.h"
#include "szt/systemc/address_map.h"

namespace szt::systemc {
namespace {

namespace registers = sim::matmul;
using sim::Beats;

TEST_P(TargetTest, RegistersReadAsTheMapSays) {
  run([&](Port& port) {
    EXPECT_EQ(port.read_ok(registers::kId), registers::kIdValue);
    EXPECT_EQ(port.read_ok(registers::kVersion), sim::kVersionValue);
    const std::uint32_t built = port.read_ok(registers::kConfig);
    EXPECT_EQ(registers::kConfigRows.get(built), 4U);
    EXPECT_EQ(registers::kConfigCols.get(built), 4U);
    EXPECT_EQ(port.read_ok(registers::kAccDepth),
              static_cast<std::uint32_t>(configuration_.acc_depth));
    EXPECT_EQ(port.read_ok(registers::kIrqMask), registers::kIrqMaskReset);
    for (const std::uint32_t address :
         {registers::kM, registers::kKTiles, registers::kNTiles, registers::kMode}) {
      port.write_ok(address, 0x8765'4321U + address);
    }
    for (const std::uint32_t address :
         {registers::kM, registers::kKTiles, registers::kNTiles, registers::kMode}) {
      EXPECT_EQ(port.read_ok(address), 0x8765'4321U + address);
    }
    port.write_ok(registers::kIrqMask, ~0U);
    EXPECT_EQ(port.read_ok(registers::kIrqMask), registers::kStatusSticky);
  });
}

TEST_P(TargetTest, EveryErrorHasItsResponse) {
  struct Wrong {
    const char* what;
    bool write;
    std::uint64_t address;
    std::size_t length;
    tlm::tlm_response_status expected;
  };
  const std::size_t c = code_bytes_, a = activation_bytes_, r = result_bytes_;
  const Wrong list[] = {
      {"read of no register", false, registers::kResultsStalls + 4, 4,
       tlm::TLM_ADDRESS_ERROR_RESPONSE},
      {"write of no register", true, registers::kResultsStalls + 4, 4,
       tlm::TLM_ADDRESS_ERROR_RESPONSE},
      {"write of ID", true, registers::kId, 4, tlm::TLM_COMMAND_ERROR_RESPONSE},
      {"write of RESULTS_STALLS", true, registers::kResultsStalls, 4,
       tlm::TLM_COMMAND_ERROR_RESPONSE},
      {"half a register", false, registers::kId, 2, tlm::TLM_BURST_ERROR_RESPONSE},
      {"two registers", false, registers::kId, 8, tlm::TLM_BURST_ERROR_RESPONSE},
      {"an unaligned register", false, registers::kId + 2, 4, tlm::TLM_BURST_ERROR_RESPONSE},
      {"nothing", false, registers::kId, 0, tlm::TLM_BURST_ERROR_RESPONSE},
      {"behind the registers", false, kRegistersSize, 4, tlm::TLM_ADDRESS_ERROR_RESPONSE},
      {"before the codes", true, kCodes - 4, 4, tlm::TLM_ADDRESS_ERROR_RESPONSE},
      {"read of codes", false, kCodes, c, tlm::TLM_COMMAND_ERROR_RESPONSE},
      {"read of activations", false, kActivations + kLast, a, tlm::TLM_COMMAND_ERROR_RESPONSE},
      {"write of results", true, kResults, r, tlm::TLM_COMMAND_ERROR_RESPONSE},
      {"part of an activation beat", true, kActivations, a + 1, tlm::TLM_BURST_ERROR_RESPONSE},
      {"part of a result beat", false, kResults, r - 4, tlm::TLM_BURST_ERROR_RESPONSE},
      {"more than a window", true, kActivations, kWindowSize + a, tlm::TLM_BURST_ERROR_RESPONSE},
      {"over a window's end", true, kActivations + kWindowSize - a, 2 * a,
       tlm::TLM_ADDRESS_ERROR_RESPONSE},
      {"over the end of one with TLAST", true, kActivations + kLast + kWindowSize - a, 2 * a,
       tlm::TLM_ADDRESS_ERROR_RESPONSE},
      {"write of the results' level", true, kResultsLevel, 4, tlm::TLM_COMMAND_ERROR_RESPONSE},
      {"behind the levels", false, kLevels + kLevelsSize, 4, tlm::TLM_ADDRESS_ERROR_RESPONSE},
      {"behind everything", false, kTargetSize, 4, tlm::TLM_ADDRESS_ERROR_RESPONSE},
      {"far away", true, ~std::uint64_t{0} - 3, 4, tlm::TLM_ADDRESS_ERROR_RESPONSE},
  };
  run([&](Port& port) {
    for (const Wrong& wrong : list) {
      std::vector<std::uint8_t> bytes(std::max<std::size_t>(wrong.length, 1));
      const auto command = wrong.write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND;
      const std::uint64_t before = port.edge();
      EXPECT_EQ(port.transport(command, wrong.address, std::span(bytes).first(wrong.length)),
                wrong.expected)
          << wrong.what;
      EXPECT_GE(port.edge() - before, 1U) << wrong.what;
    }
    std::uint8_t bytes[4] = {};
    EXPECT_EQ(port.transport(tlm::TLM_IGNORE_COMMAND, registers::kId, bytes),
              tlm::TLM_COMMAND_ERROR_RESPONSE);
    // None of it moved a beat.
    EXPECT_EQ(port.read_ok(kCodesLevel), kCapacity | kLevelEmpty);
    EXPECT_EQ(port.read_ok(kActivationsLevel), kCapacity | kLevelEmpty);
  });
}

TEST_P(TargetTest, AccessesTakeTheirCycles) {
  run([&](Port& port) {
    port.read_ok(kResultsLevel);  // past the reset
    const auto cost = [&port](const auto& access) {
      port.wait_cycles(2);  // the last response has ended
      const std::uint64_t before = port.edge();
      access();
      return port.edge() - before;
    };
    std::vector<std::uint8_t> beats(4 * activation_bytes_);
    EXPECT_EQ(cost([&] { port.read_ok(registers::kId); }), Target::kRegisterCycles);
    EXPECT_EQ(cost([&] { port.write_ok(registers::kM, 1); }), Target::kRegisterCycles);
    EXPECT_EQ(cost([&] { port.read_ok(kResultsLevel); }), 1U);
    EXPECT_EQ(cost([&] { port.write_beats(kActivations, activation_bytes_, beats, false); }), 0U);
    EXPECT_EQ(cost([&] {
                std::vector<std::uint8_t> bytes(result_bytes_);
                EXPECT_EQ(port.transport(tlm::TLM_READ_COMMAND, kResults, bytes),
                          tlm::TLM_INCOMPLETE_RESPONSE);
              }),
              1U);
  });
}

// The address in a window means nothing: a burst may increment it.
TEST_P(TargetTest, ACommandInSmallTransactionsAnywhereInTheWindows) {
  const Command command = {5, 2, 3, DecodeMode::kSign};
  const Beats beats = make_beats(command);
  run([&](Port& port) {
    start(port, command);
    std::size_t code = 0, activation = 0;
    const auto write = [&port](std::uint64_t window, std::size_t beat_bytes,
                               std::span<const std::uint8_t> all, std::size_t& at) {
      if (at == all.size()) return;
      std::vector<std::uint8_t> beat(all.begin() + static_cast<std::ptrdiff_t>(at),
                                     all.begin() + static_cast<std::ptrdiff_t>(at + beat_bytes));
      const std::uint64_t last = at + beat_bytes == all.size() ? kLast : 0;
      EXPECT_EQ(port.transport(tlm::TLM_WRITE_COMMAND, window + last + at, beat),
                tlm::TLM_OK_RESPONSE);
      at += beat_bytes;
      port.wait_cycles(1);
    };
    while (code < beats.codes.size() || activation < beats.activations.size()) {
      write(kCodes, code_bytes_, beats.codes, code);
      write(kActivations, activation_bytes_, bytes_of(beats.activations), activation);
    }
    EXPECT_EQ(collect(port, configuration_, command), beats.expected);
    EXPECT_EQ(port.read_ok(registers::kStatus), 0U);
  });
}

TEST_P(TargetTest, WhatDoesNotFitMovesNothing) {
  run([&](Port& port) {
    std::vector<std::uint8_t> beats(kCapacity * activation_bytes_);
    const auto write = [&](std::size_t count) {
      return port.transport(tlm::TLM_WRITE_COMMAND, kActivations,
                            std::span(beats).first(count * activation_bytes_));
    };
    EXPECT_EQ(write(kCapacity - 3), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(port.read_ok(kActivationsLevel), 3U);
    EXPECT_EQ(write(4), tlm::TLM_INCOMPLETE_RESPONSE);
    EXPECT_EQ(port.read_ok(kActivationsLevel), 3U);
    EXPECT_EQ(write(3), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(port.read_ok(kActivationsLevel), 0U);
    EXPECT_EQ(write(1), tlm::TLM_INCOMPLETE_RESPONSE);
    // A write to the level forgets them; the RTL has one on the wires, which has to stay.
    port.write_ok(kActivationsLevel, 0);
    const std::uint32_t level = port.read_ok(kActivationsLevel);
    EXPECT_GE(level & kLevelBeats, kCapacity - 1);
    EXPECT_EQ((level & kLevelEmpty) != 0, (level & kLevelBeats) == kCapacity);
    EXPECT_EQ((level & kLevelEmpty) != 0, std::get<0>(GetParam()) == Kind::kModel);
    EXPECT_EQ(port.read_ok(kCodesLevel), kCapacity | kLevelEmpty);
  });
}

TEST_P(TargetTest, ResultsAreReadWholeAndNeverBeyondATlast) {
  const Command command = {3, 1, 2, DecodeMode::kForward};
  const Beats beats = make_beats(command);
  run([&](Port& port) {
    write_beats(port, configuration_, beats);
    start(port, command);
    EXPECT_TRUE(port.wait_irq(1000));
    std::vector<std::uint8_t> bytes(6 * result_bytes_);
    const auto read = [&](std::size_t first, std::size_t count) {
      return port.transport(tlm::TLM_READ_COMMAND, kResults,
                            std::span(bytes).subspan(first * result_bytes_, count * result_bytes_));
    };
    EXPECT_EQ(port.read_ok(kResultsLevel), 3 | kLevelLast);
    EXPECT_EQ(read(0, 4), tlm::TLM_INCOMPLETE_RESPONSE);
    EXPECT_EQ(read(0, 2), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(port.read_ok(kResultsLevel), 1 | kLevelLast);
    EXPECT_EQ(read(2, 1), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(port.read_ok(kResultsLevel), 3 | kLevelLast);
    EXPECT_EQ(read(3, 3), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(port.read_ok(kResultsLevel), 0U);
    EXPECT_EQ(read(0, 1), tlm::TLM_INCOMPLETE_RESPONSE);
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(),
                           reinterpret_cast<const std::uint8_t*>(beats.expected.data())));
  });
}

TEST_P(TargetTest, MissingTlastIsReportedAndChangesNothingElse) {
  struct Missing {
    bool codes, activations;
    sim::Field error;
  };
  const Command command = {2, 2, 1, DecodeMode::kForward};
  for (const Missing& missing : {Missing{true, false, registers::kStatusErrorCodesLast},
                                 Missing{false, true, registers::kStatusErrorActivationsLast}}) {
    const Beats beats = make_beats(command);
    run([&](Port& port) {
      write_codes(port, configuration_, beats, !missing.codes);
      write_activations(port, configuration_, beats, !missing.activations);
      start(port, command);
      EXPECT_TRUE(port.wait_irq(1000));
      EXPECT_EQ(collect(port, configuration_, command), beats.expected);
      EXPECT_EQ(port.read_ok(registers::kStatus), missing.error.mask());
      port.write_ok(registers::kStatus, missing.error.mask());
      EXPECT_EQ(port.read_ok(registers::kStatus), 0U);
    });
  }
}

TEST_P(TargetTest, RefusedStartsRaiseTheInterrupt) {
  run([&](Port& port) {
    const auto refused = [&](const Command& command) {
      start(port, command);
      EXPECT_TRUE(port.wait_irq(1));
      const std::uint32_t status = port.read_ok(registers::kStatus);
      port.write_ok(registers::kStatus, status);
      port.wait_cycles(1);  // the wire falls with the write's end
      EXPECT_FALSE(port.wait_irq(1));
      return status;
    };
    const auto depth = static_cast<std::uint32_t>(configuration_.acc_depth);
    EXPECT_EQ(refused({0, 1, 1, DecodeMode::kForward}), registers::kStatusErrorSize.mask());
    EXPECT_EQ(refused({depth + 1, 1, 1, DecodeMode::kForward}), registers::kStatusErrorSize.mask());
    EXPECT_EQ(refused({1, 0, 1, DecodeMode::kForward}), registers::kStatusErrorSize.mask());
    EXPECT_EQ(refused({1, 1, 1U << 24, DecodeMode::kForward}), registers::kStatusErrorSize.mask());
    EXPECT_EQ(refused({1, 1, 1, static_cast<DecodeMode>(3)}), registers::kStatusErrorMode.mask());
    // Nothing was queued: a beat that is offered stays where it is.
    std::vector<std::uint8_t> beat(code_bytes_);
    port.write_beats(kCodes, code_bytes_, beat, false);
    port.wait_cycles(20);
    EXPECT_EQ(port.read_ok(kCodesLevel), kCapacity - 1);
    // The mask hides it; the wire follows the mask.
    port.write_ok(registers::kIrqMask, 0);
    start(port, {0, 1, 1, DecodeMode::kForward});
    EXPECT_FALSE(port.wait_irq(5));
    port.write_ok(registers::kIrqMask, registers::kStatusErrorSize.mask());
    EXPECT_TRUE(port.wait_irq(1));
  });
}

TEST_P(TargetTest, AFourthCommandIsRefused) {
  const Command command = {2, 1, 1, DecodeMode::kForward};
  run([&](Port& port) {
    for (int i = 0; i < 3; ++i) start(port, command);
    EXPECT_FALSE(port.wait_irq(5));
    start(port, command);
    EXPECT_TRUE(port.wait_irq(1));
    EXPECT_EQ(port.read_ok(registers::kStatus) & registers::kStatusSticky,
              registers::kStatusErrorQueue.mask());
    port.write_ok(registers::kStatus, registers::kStatusErrorQueue.mask());
    for (int i = 0; i < 3; ++i) {
      const Beats beats = make_beats(command);
      write_beats(port, configuration_, beats);
      EXPECT_EQ(collect(port, configuration_, command), beats.expected);
    }
    EXPECT_EQ(port.read_ok(registers::kStatus), 0U);
    EXPECT_EQ(port.read_ok(registers::kDoneCount), 3U);
  });
}

TEST_P(TargetTest, ResultsBeyondTheWindowWaitInTheCore) {
  const Command command = {64, 1, 40, DecodeMode::kForward};  // 2560 result beats
  const Beats beats = make_beats(command);
  run([&](Port& port) {
    start(port, command);
    std::size_t code = 0, activation = 0;
    const auto top_up = [&port](std::uint64_t window, std::uint64_t level, std::size_t beat_bytes,
                                std::span<const std::uint8_t> all, std::size_t& at) {
      const std::size_t count =
          std::min<std::size_t>(port.read_ok(level) & kLevelBeats, (all.size() - at) / beat_bytes);
      if (count == 0) return;
      port.write_beats(window, beat_bytes, all.subspan(at, count * beat_bytes),
                       at + count * beat_bytes == all.size());
      at += count * beat_bytes;
    };
    while (code < beats.codes.size() || activation < beats.activations.size()) {
      top_up(kCodes, kCodesLevel, code_bytes_, beats.codes, code);
      top_up(kActivations, kActivationsLevel, activation_bytes_, bytes_of(beats.activations),
             activation);
    }
    // The results window is full now, and the core waits.
    EXPECT_FALSE(port.wait_irq(20'000));
    EXPECT_EQ(registers::kStatusBusy.get(port.read_ok(registers::kStatus)), 1U);
    EXPECT_EQ(collect(port, configuration_, command), beats.expected);
    EXPECT_GT(port.read_ok(registers::kCycles), 20'000U);
    EXPECT_EQ(registers::kStatusBusy.get(port.read_ok(registers::kStatus)), 0U);
  });
}

TEST_P(TargetTest, DebugAccessTakesNoTimeAndChangesNothing) {
  const Command command = {2, 1, 1, DecodeMode::kForward};
  const Beats beats = make_beats(command);
  run([&](Port& port) {
    write_beats(port, configuration_, beats);
    start(port, command);
    port.wait_cycles(200);
  });
  bench_.outside([&](tlm::tlm_fw_transport_if<>& target) {
    const auto debug = [&target](tlm::tlm_command command_kind, std::uint64_t address,
                                 std::uint32_t& value) {
      std::uint8_t bytes[4] = {};
      tlm::tlm_generic_payload payload;
      payload.set_command(command_kind);
      payload.set_address(address);
      payload.set_data_ptr(bytes);
      payload.set_data_length(4);
      payload.set_streaming_width(4);
      const unsigned count = target.transport_dbg(payload);
      value = std::uint32_t{bytes[0]} | std::uint32_t{bytes[1]} << 8 |
              std::uint32_t{bytes[2]} << 16 | std::uint32_t{bytes[3]} << 24;
      return count;
    };
    const bool model = std::get<0>(GetParam()) == Kind::kModel;
    std::uint32_t value = 0;
    EXPECT_EQ(debug(tlm::TLM_READ_COMMAND, kResultsLevel, value), 4U);
    EXPECT_EQ(value, 2 | kLevelLast);
    EXPECT_EQ(debug(tlm::TLM_READ_COMMAND, registers::kStatus, value), model ? 4U : 0U);
    EXPECT_EQ(value, model ? registers::kStatusDone.mask() : 0U);
    EXPECT_EQ(debug(tlm::TLM_READ_COMMAND, registers::kResultsStalls + 4, value), 0U);
    EXPECT_EQ(debug(tlm::TLM_READ_COMMAND, kResults, value), 0U);
    EXPECT_EQ(debug(tlm::TLM_WRITE_COMMAND, registers::kM, value), 0U);
    tlm::tlm_generic_payload payload;
    tlm::tlm_dmi dmi;
    for (const std::uint64_t address : {kRegisters, kCodes, kActivations, kResults, kLevels}) {
      payload.set_address(address);
      EXPECT_FALSE(target.get_direct_mem_ptr(payload, dmi));
    }
  });
  run([&](Port& port) {
    EXPECT_EQ(port.read_ok(registers::kM), 2U);
    EXPECT_EQ(port.read_ok(kResultsLevel), 2 | kLevelLast);
  });
}

INSTANTIATE_TEST_SUITE_P(Both, TargetTest, every_target(), target_test_name);

}  // namespace
}  // namespace szt::systemc
