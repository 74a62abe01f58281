// SPDX-License-Identifier: Apache-2.0
// What AXI4-Lite and rtl/registers.json promise of every register: reset values, strobes, SLVERR,
// the channels in every order, rate and back-pressure.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cosim/cosim_util.h"
#include "cosim/matmul_bench.h"
#include "cosim/protocol_registers_testing.h"
#include "szt/sim/registers.h"
#include "szt/sim/stall.h"

namespace szt::sim {
namespace {

struct Register {
  std::string name;
  bool writable;
  std::uint32_t reset;
};

// rtl/registers.json, by offset; what it leaves to the build is added here.
const std::map<std::uint32_t, Register>& register_map() {
  static const std::map<std::uint32_t, Register> list = [] {
    const std::map<std::string, std::uint32_t> built = {
        {"ID", matmul::kIdValue},
        {"VERSION", kVersionValue},
        {"CONFIG", matmul::kConfigRows.make(kRows) | matmul::kConfigCols.make(kCols) |
                       matmul::kConfigFormat.make(1) | matmul::kConfigBackward.make(1) |
                       matmul::kConfigActWidth.make(8) | matmul::kConfigAccWidth.make(32)},
        {"ACC_DEPTH", kDepth}};
    std::ifstream file(SZT_RTL_DIR "/registers.json");
    std::map<std::uint32_t, Register> map;
    const nlohmann::json json = nlohmann::json::parse(file);
    for (const auto& entry : json["matmul"]["registers"]) {
      const std::string name = entry["name"];
      map[entry["offset"]] = {
          name, entry["access"] == "rw",
          entry.contains("reset") ? entry["reset"].get<std::uint32_t>() : built.at(name)};
    }
    return map;
  }();
  return list;
}

TEST_F(RegistersTest, ResetValues) {
  std::vector<Answer> expected;
  for (const std::uint32_t address : all_words()) {
    const auto found = register_map().find(address);
    expected.push_back(found == register_map().end() ? Answer{kSlvErr, 0}
                                                     : Answer{kOkay, found->second.reset});
  }
  EXPECT_EQ(read_all(), expected);
  // Again after everything has changed.
  bench_.raise_all();
  bench_.set_command(1, 2, 3, 4);
  bench_.write(matmul::kIrqMask, 0x10000);
  bench_.control(matmul::kControlIrqEnable.mask());
  const std::vector<Answer> changed = read_all();
  for (const auto& [address, entry] : register_map()) {
    const bool fixed = address <= matmul::kAccDepth || address == matmul::kCyclesHigh;
    EXPECT_EQ(changed[address / 4].data == entry.reset, fixed) << entry.name;
  }
  bench_.reset();
  bench_.p.rst_ni.set(1);
  bench_.edge();
  EXPECT_EQ(read_all(), expected);
}

TEST_F(RegistersTest, RefusedAccessesChangeNothing) {
  bench_.set_command(0x12345678, 2, 3, 4);  // START would be reported
  const std::vector<Answer> before = read_all();
  for (const std::uint32_t address : all_words()) {
    const auto found = register_map().find(address);
    if (found != register_map().end() && found->second.writable) continue;
    SCOPED_TRACE(fmt::format("{:#x}", address));
    for (const std::uint32_t data : {0xFFFF'FFFFU, 0U, static_cast<std::uint32_t>(generator_())}) {
      const Traffic done = bench_.traffic({{address, data}}, {});
      EXPECT_EQ(done.writes, std::vector<unsigned>{kSlvErr});
      EXPECT_EQ(read_all(), before);
    }
  }
}

TEST_F(RegistersTest, StrobesWriteBytes) {
  std::map<std::uint32_t, std::uint32_t> values = reset_values();
  for (auto& [address, value] : values) {
    for (int round = 0; round < 4; ++round) {
      for (unsigned strobes = 0; strobes < 16; ++strobes) {
        const std::uint32_t data = harmless(address);
        SCOPED_TRACE(fmt::format("{} <- {:#x}, WSTRB {:04b}", register_map().at(address).name, data,
                                 strobes));
        bench_.write(address, data, strobes);
        value = written(address, value, data, strobes);
        for (const auto& [other, expected] : values) EXPECT_EQ(bench_.read(other), expected);
      }
    }
  }
}

TEST_F(RegistersTest, StrobesGuardTheBitsThatAct) {
  // CONTROL without its low byte: no START (which would be refused, and say so), no SOFT_RESET.
  bench_.set_command(0, 0, 0, 3);
  for (unsigned strobes = 0; strobes < 16; strobes += 2) {
    bench_.write(matmul::kControl, 0xFFFF'FFFF, strobes);
    EXPECT_EQ(bench_.status(), 0U);
    EXPECT_EQ(bench_.read(matmul::kControl), 0U);
  }
  // STATUS: a 1 clears, in the bytes that are written; a 0 does not.
  for (unsigned strobes = 0; strobes < 16; ++strobes) {
    SCOPED_TRACE(fmt::format("WSTRB {:04b}", strobes));
    bench_.raise_all();
    bench_.write(matmul::kStatus, 0, strobes);
    EXPECT_EQ(bench_.status(), matmul::kStatusSticky);
    bench_.write(matmul::kStatus, 0xFFFF'FFFF, strobes);
    EXPECT_EQ(bench_.status(), matmul::kStatusSticky & ~byte_mask(strobes));
    bench_.write(matmul::kStatus, matmul::kStatusSticky);
    EXPECT_EQ(bench_.status(), 0U);
  }
}

TEST_F(RegistersTest, LowBitsOfAnAddressAreIgnored) {
  std::map<std::uint32_t, std::uint32_t> values = reset_values();
  for (std::uint32_t low = 0; low < 4; ++low) {
    for (auto& [address, value] : values) {
      const std::uint32_t data = harmless(address);
      bench_.write(address + low, data);
      value = written(address, value, data, 0xF);
    }
    std::vector<std::uint32_t> addresses = all_words();
    for (std::uint32_t& address : addresses) address += low;
    EXPECT_EQ(bench_.traffic({}, addresses).reads, read_all());
    for (const auto& [address, expected] : values) EXPECT_EQ(bench_.read(address), expected);
  }
}

// The address up to 4 cycles before the data, with it, and up to 4 cycles behind it.
TEST_F(RegistersTest, AddressAndDataInAnyOrder) {
  const CorePins& p = bench_.p;
  std::uint32_t value = 1;
  for (const int response_after : {0, 1, 7}) {
    for (int lead = -4; lead <= 4; ++lead) {
      SCOPED_TRACE(
          fmt::format("address {} cycles before the data, BREADY after {}", lead, response_after));
      ++value;
      const int address_at = std::max(0, -lead), data_at = std::max(0, lead);
      const int both_at = std::max(address_at, data_at);
      int answered = -1;
      for (int cycle = 0; cycle < 30; ++cycle) {
        // The buffers are empty, so each is accepted at once.
        p.s_axil_awvalid.set(cycle == address_at ? 1 : 0);
        p.s_axil_awaddr.set(matmul::kM);
        p.s_axil_wvalid.set(cycle == data_at ? 1 : 0);
        p.s_axil_wdata.set(value);
        p.s_axil_wstrb.set(0xF);
        p.s_axil_bready.set(cycle >= both_at + response_after ? 1 : 0);
        EXPECT_TRUE(p.s_axil_awready.high() && p.s_axil_wready.high());
        if (p.s_axil_bvalid.high() && answered < 0) answered = cycle;
        bench_.edge();
      }
      EXPECT_EQ(answered, both_at + 2);
      EXPECT_EQ(bench_.read(matmul::kM), value);
    }
  }
}

TEST_F(RegistersTest, RandomTraffic) {
  const StallPattern patterns[] = {
      {}, StallPattern::random(0.5), StallPattern::burst(0.7, 12), StallPattern::periodic(5)};
  const auto pattern = [&] { return patterns[below(std::size(patterns))]; };
  std::map<std::uint32_t, std::uint32_t> values = reset_values();
  for (std::uint64_t round = 0; round < 200; ++round) {
    SCOPED_TRACE(fmt::format("round {}", round));
    const BusStalls stalls{pattern(), pattern(), pattern(), pattern(), pattern()};
    std::vector<Write> writes;
    std::vector<unsigned> responses;
    for (int i = 0; i < 25; ++i) {
      // Mostly registers that can be written, now and then any address.
      auto at = values.begin();
      std::advance(at, below(static_cast<std::uint32_t>(values.size())));
      const std::uint32_t address = below(4) == 0 ? 4 * below(64) : at->first;
      const Write write{address + below(4), harmless(address), below(16)};
      writes.push_back(write);
      const auto entry = register_map().find(address);
      const bool okay = entry != register_map().end() && entry->second.writable;
      responses.push_back(okay ? kOkay : kSlvErr);
      if (const auto found = values.find(address); found != values.end()) {
        found->second = written(address, found->second, write.data, write.strobes);
      }
    }
    // Reads of what no write changes go on meanwhile.
    std::vector<std::uint32_t> addresses;
    std::vector<Answer> answers;
    for (int i = 0; i < 25; ++i) {
      // ID .. ACC_DEPTH, or unmapped
      const std::uint32_t address = below(2) == 0 ? 4 * below(4) : 0x44 + 4 * below(47);
      const auto entry = register_map().find(address);
      addresses.push_back(address);
      answers.push_back(entry == register_map().end() ? Answer{kSlvErr, 0}
                                                      : Answer{kOkay, entry->second.reset});
    }
    const Traffic done = bench_.traffic(writes, addresses, stalls, test_seed() + 2 * round);
    EXPECT_EQ(done.writes, responses);
    EXPECT_EQ(done.reads, answers);
    addresses.clear();
    answers.clear();
    for (const auto& [address, value] : values) {
      addresses.push_back(address);
      answers.push_back({kOkay, value});
    }
    EXPECT_EQ(bench_.traffic({}, addresses, stalls, test_seed() + 2 * round + 1).reads, answers);
    if (HasFailure()) return;
  }
}

TEST_F(RegistersTest, PipelinedWritesKeepTheirOrder) {
  const std::uint32_t targets[] = {matmul::kM, matmul::kKTiles, matmul::kNTiles};
  for (std::uint32_t round = 0; round < 8; ++round) {
    std::vector<Write> writes;
    for (std::uint32_t i = 0; i < 9; ++i) writes.push_back({targets[i % 3], 100 * round + i});
    // Address and data at full rate, or one of them waiting for the other.
    BusStalls stalls;
    if (round % 4 == 1) stalls.aw = StallPattern::burst(0.7, 5);
    if (round % 4 == 2) stalls.w = StallPattern::burst(0.7, 5);
    if (round % 4 == 3) stalls.b = StallPattern::burst(0.7, 5);
    EXPECT_EQ(bench_.traffic(writes, {}, stalls, round + 1).writes,
              std::vector<unsigned>(9, kOkay));
    for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(bench_.read(targets[i]), 100 * round + 6 + i);
  }
}

TEST_F(RegistersTest, OneWriteAndOneReadACycle) {
  std::vector<Write> writes;
  for (std::uint32_t i = 0; i < 500; ++i) writes.push_back({matmul::kM + i % 4 * 4, i});
  const Traffic done = bench_.traffic(writes, std::vector<std::uint32_t>(500, matmul::kId));
  EXPECT_EQ(done.cycles, 500 + 2);  // into the buffer, carried out, answered
  EXPECT_EQ(done.writes, std::vector<unsigned>(500, kOkay));
  EXPECT_EQ(done.reads, std::vector<Answer>(500, {kOkay, matmul::kIdValue}));
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(bench_.read(writes[i].address), 496 + i);
}

// A counter that runs: what was read first stays at the pins, the next read is a later one.
TEST_F(RegistersTest, ReadDataStaysUnderBackPressure) {
  bench_.set_command(1, 1, 1, 0);
  bench_.control(matmul::kControlStart.mask());
  const CorePins& p = bench_.p;
  p.s_axil_arvalid.set(1);
  p.s_axil_araddr.set(matmul::kCycles);
  bench_.edge();
  bench_.edge();
  p.s_axil_arvalid.set(0);
  ASSERT_TRUE(p.s_axil_rvalid.high());
  const std::uint64_t first = p.s_axil_rdata.get();
  for (int i = 0; i < 50; ++i) {
    bench_.edge();
    ASSERT_TRUE(p.s_axil_rvalid.high());
    ASSERT_EQ(p.s_axil_rdata.get(), first);
    ASSERT_EQ(p.s_axil_rresp.get(), kOkay);
  }
  p.s_axil_rready.set(1);
  bench_.edge();
  ASSERT_TRUE(p.s_axil_rvalid.high());
  EXPECT_EQ(p.s_axil_rdata.get(), first + 51);
  bench_.edge();
  EXPECT_FALSE(p.s_axil_rvalid.high());
}

}  // namespace
}  // namespace szt::sim
