// SPDX-License-Identifier: Apache-2.0
// The handshakes of szt_matmul at its pins: a manager that breaks a rule is caught by the checkers
// in the RTL, a legal one is not; what AXI4-Lite and rtl/registers.json promise of every register;
// a soft reset in every cycle.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "bus.h"
#include "cosim/cosim_util.h"
#include "rtl_core.h"
#include "szt/sim/registers.h"
#include "szt/sim/stall.h"

namespace szt::sim {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr unsigned kOkay = 0, kSlvErr = 2;
constexpr std::uint32_t kDepth = 8, kRows = 4, kCols = 4;  // as built for this test
constexpr int kTimeout = 10'000;                           // cycles

struct Write {
  std::uint32_t address, data;
  unsigned strobes = 0xF;
};

struct Answer {
  unsigned response;
  std::uint32_t data;

  friend bool operator==(const Answer&, const Answer&) = default;
  friend void PrintTo(const Answer& answer, std::ostream* out) {
    *out << fmt::format("{:#x}{}", answer.data, answer.response == kOkay ? "" : " SLVERR");
  }
};

struct BusStalls {
  StallPattern aw, w, b, ar, r;
};

struct Traffic {
  std::vector<unsigned> writes;  // responses
  std::vector<Answer> reads;
  int cycles = 0;
};

// Offers the beats of whole packets, one after the other.
struct Sender {
  Pin valid, ready, last;
  int packet;         // beats
  int left;           // beats not accepted yet
  int delay = 0;      // cycles before the first
  bool stop = false;  // nothing but what is offered already

  void sample() { accepted = valid.high() && ready.high(); }  // before the edge
  void drive() {                                              // behind it
    if (accepted) {
      --left;
      valid.set(0);
    }
    if (valid.high() || stop || left == 0 || --delay > 0) return;
    valid.set(1);
    last.set((left - 1) % packet == 0 ? 1 : 0);
  }
  bool accepted = false;
};

class Bench {
 public:
  Bench() : core_(szt_make_rtl_core(nullptr, test_seed() | 1)), p(core_->pins()) {
    p.clk_i.set(0);
    reset();
    p.rst_ni.set(1);
    edge();
  }

  // Ends in reset: the next edge is the first out of it if rst_ni is 1 by then.
  void reset() {
    p.rst_ni.set(0);
    for (const Pin& pin :
         {p.s_axil_awvalid, p.s_axil_wvalid, p.s_axil_bready, p.s_axil_arvalid, p.s_axil_rready,
          p.s_axis_codes_tvalid, p.s_axis_activations_tvalid, p.m_axis_results_tready}) {
      pin.set(0);
    }
    for (const Pin& pin : {p.s_axis_codes_tkeep, p.s_axis_activations_tkeep}) pin.set(0);
    core_->eval();
    for (int i = 0; i < 3; ++i) {
      edge();
      for (const Pin& pin :
           {p.s_axil_awready, p.s_axil_wready, p.s_axil_bvalid, p.s_axil_arready, p.s_axil_rvalid,
            p.s_axis_codes_tready, p.s_axis_activations_tready, p.m_axis_results_tvalid, p.irq_o}) {
        EXPECT_FALSE(pin.high()) << "ready, valid or irq in reset";
      }
    }
  }

  void edge() {
    for (Sender& sender : senders) sender.sample();
    if (moves(p.m_axis_results_tvalid, p.m_axis_results_tready)) {
      results.push_back(p.m_axis_results_tdata.bytes[0]);
    }
    p.clk_i.set(1);
    core_->eval();
    p.clk_i.set(0);
    core_->eval();
    for (Sender& sender : senders) sender.drive();
    if (ready_every != 0) p.m_axis_results_tready.set(++cycle_ % ready_every == 0 ? 1 : 0);
  }

  // Carries out writes and reads, each in order, as fast as the stalls let them. No order between
  // the two.
  Traffic traffic(const std::vector<Write>& writes, const std::vector<std::uint32_t>& addresses,
                  const BusStalls& stalls = {}, std::uint64_t seed = 1) {
    StreamSource aw(stalls.aw, 8 * seed), w(stalls.w, 8 * seed + 1), ar(stalls.ar, 8 * seed + 2);
    StallGenerator b(stalls.b, 8 * seed + 3), r(stalls.r, 8 * seed + 4);
    std::size_t aw_sent = 0, w_sent = 0, ar_sent = 0;
    Traffic done;
    while (done.writes.size() < writes.size() || done.reads.size() < addresses.size()) {
      if (++done.cycles > kTimeout) {
        ADD_FAILURE() << fmt::format("hangs: {}, {} and {} of {} writes, {} and {} of {} reads",
                                     aw_sent, w_sent, done.writes.size(), writes.size(), ar_sent,
                                     done.reads.size(), addresses.size());
        break;
      }
      bool fresh = false;
      p.s_axil_awvalid.set(aw.offer(aw_sent < writes.size(), fresh) ? 1 : 0);
      if (fresh) p.s_axil_awaddr.set(writes[aw_sent].address);
      p.s_axil_wvalid.set(w.offer(w_sent < writes.size(), fresh) ? 1 : 0);
      if (fresh) {
        p.s_axil_wdata.set(writes[w_sent].data);
        p.s_axil_wstrb.set(writes[w_sent].strobes);
      }
      p.s_axil_arvalid.set(ar.offer(ar_sent < addresses.size(), fresh) ? 1 : 0);
      if (fresh) p.s_axil_araddr.set(addresses[ar_sent]);
      p.s_axil_bready.set(b.next() ? 0 : 1);
      p.s_axil_rready.set(r.next() ? 0 : 1);
      if (moves(p.s_axil_awvalid, p.s_axil_awready)) {
        aw.accept();
        ++aw_sent;
      }
      if (moves(p.s_axil_wvalid, p.s_axil_wready)) {
        w.accept();
        ++w_sent;
      }
      if (moves(p.s_axil_arvalid, p.s_axil_arready)) {
        ar.accept();
        ++ar_sent;
      }
      if (moves(p.s_axil_bvalid, p.s_axil_bready)) {
        done.writes.push_back(static_cast<unsigned>(p.s_axil_bresp.get()));
      }
      if (moves(p.s_axil_rvalid, p.s_axil_rready)) {
        done.reads.push_back({static_cast<unsigned>(p.s_axil_rresp.get()),
                              static_cast<std::uint32_t>(p.s_axil_rdata.get())});
      }
      edge();
    }
    for (const Pin& pin :
         {p.s_axil_awvalid, p.s_axil_wvalid, p.s_axil_arvalid, p.s_axil_bready, p.s_axil_rready}) {
      pin.set(0);
    }
    return done;
  }

  void write(std::uint32_t address, std::uint32_t data, unsigned strobes = 0xF) {
    EXPECT_EQ(traffic({{address, data, strobes}}, {}).writes, std::vector<unsigned>{kOkay})
        << fmt::format("write of {:#x} to {:#x}", data, address);
  }
  std::uint32_t read(std::uint32_t address) {
    const Traffic done = traffic({}, {address});
    if (done.reads.size() != 1 || done.reads[0].response != kOkay) {
      ADD_FAILURE() << fmt::format("read of {:#x}", address);
      return 0;
    }
    return done.reads[0].data;
  }
  std::uint32_t status() { return read(matmul::kStatus); }

  void set_command(std::uint32_t m, std::uint32_t k_tiles, std::uint32_t n_tiles,
                   std::uint32_t mode) {
    const Traffic done = traffic({{matmul::kM, m},
                                  {matmul::kKTiles, k_tiles},
                                  {matmul::kNTiles, n_tiles},
                                  {matmul::kMode, mode}},
                                 {});
    EXPECT_EQ(done.writes, std::vector<unsigned>(4, kOkay));
  }
  void control(std::uint32_t bits) { write(matmul::kControl, bits); }

  // Offers beats (of zeros) until idle; TLAST and TKEEP as given on every one of them. Each stream
  // has to wait for the one before.
  void run_streams(bool last, bool keep) {
    for (const Pin& pin : {p.s_axis_codes_tlast, p.s_axis_activations_tlast}) pin.set(last ? 1 : 0);
    p.s_axis_codes_tkeep.set(keep ? 1 : 0);
    p.s_axis_activations_tkeep.set(keep ? 0xF : 0);
    p.m_axis_results_tready.set(0);
    for (const Pin& pin :
         {p.s_axis_codes_tvalid, p.s_axis_activations_tvalid, p.m_axis_results_tready}) {
      pin.set(1);
      for (int i = 0; i < 50; ++i) edge();
    }
    for (int i = 0; matmul::kStatusBusy.get(status()) != 0; ++i) ASSERT_LT(i, kTimeout);
    // What is offered now stays: until the next command or reset.
  }

  // From the next edge on, packets of so many beats each.
  void send(std::uint32_t codes, std::uint32_t activations, int packets) {
    p.s_axis_codes_tkeep.set(1);
    p.s_axis_activations_tkeep.set(0xF);
    const auto sender = [packets](const Pin& valid, const Pin& ready, const Pin& last,
                                  std::uint32_t beats) {
      const auto packet = static_cast<int>(beats);
      return Sender{valid, ready, last, packet, packets * packet};
    };
    senders = {sender(p.s_axis_codes_tvalid, p.s_axis_codes_tready, p.s_axis_codes_tlast, codes),
               sender(p.s_axis_activations_tvalid, p.s_axis_activations_tready,
                      p.s_axis_activations_tlast, activations)};
  }
  bool sent() const {
    return std::all_of(senders.begin(), senders.end(), [](const Sender& s) { return s.left == 0; });
  }

  // Sets every sticky bit of STATUS.
  void raise_all() {
    set_command(0, 1, 1, 3);
    control(matmul::kControlStart.mask());
    set_command(1, 1, 1, 0);
    traffic(std::vector<Write>(4, {matmul::kControl, matmul::kControlStart.mask()}), {});
    run_streams(false, false);
    ASSERT_EQ(status(), matmul::kStatusSticky);
  }

  static bool moves(const Pin& valid, const Pin& ready) { return valid.high() && ready.high(); }

 private:
  std::unique_ptr<RtlCore> core_;
  int cycle_ = 0;

 public:
  const CorePins p;
  std::vector<Sender> senders;
  int ready_every = 0;       // cycles, for results; 0: TREADY is left alone
  std::vector<int> results;  // low byte of each beat that was accepted
};

// ---- Rules of the manager.

struct Payload {
  const char* name;
  Pin CorePins::*pin;
  unsigned width;
};

// A channel that the host drives.
struct Channel {
  const char* name;
  const char* checker;
  Pin CorePins::*valid;
  Pin CorePins::*ready;
  std::vector<Payload> payload;
};

const std::vector<Channel>& channels() {
  static const std::vector<Channel> list = {
      {"AW",
       "u_axil_checker.u_aw",
       &CorePins::s_axil_awvalid,
       &CorePins::s_axil_awready,
       {{"AWADDR", &CorePins::s_axil_awaddr, 8}, {"AWPROT", &CorePins::s_axil_awprot, 3}}},
      {"W",
       "u_axil_checker.u_w",
       &CorePins::s_axil_wvalid,
       &CorePins::s_axil_wready,
       {{"WDATA", &CorePins::s_axil_wdata, 32}, {"WSTRB", &CorePins::s_axil_wstrb, 4}}},
      {"AR",
       "u_axil_checker.u_ar",
       &CorePins::s_axil_arvalid,
       &CorePins::s_axil_arready,
       {{"ARADDR", &CorePins::s_axil_araddr, 8}, {"ARPROT", &CorePins::s_axil_arprot, 3}}},
      {"Codes",
       "u_codes_checker",
       &CorePins::s_axis_codes_tvalid,
       &CorePins::s_axis_codes_tready,
       {{"TDATA", &CorePins::s_axis_codes_tdata, 8},
        {"TKEEP", &CorePins::s_axis_codes_tkeep, 1},
        {"TLAST", &CorePins::s_axis_codes_tlast, 1}}},
      {"Activations",
       "u_activations_checker",
       &CorePins::s_axis_activations_tvalid,
       &CorePins::s_axis_activations_tready,
       {{"TDATA", &CorePins::s_axis_activations_tdata, 32},
        {"TKEEP", &CorePins::s_axis_activations_tkeep, 4},
        {"TLAST", &CorePins::s_axis_activations_tlast, 1}}},
  };
  return list;
}

// Every stimulus comes twice: before the beat was accepted, which is illegal, and after it.
class ManagerTest : public testing::TestWithParam<Channel> {
 protected:
  const Pin& valid(const Bench& bench) const { return bench.p.*GetParam().valid; }
  const Pin& ready(const Bench& bench) const { return bench.p.*GetParam().ready; }

  // Offers beats until one has to wait, and lets that one wait.
  void wait_for_ready(Bench& bench) const {
    valid(bench).set(1);
    for (int i = 0; ready(bench).high(); ++i) {
      ASSERT_LT(i, kTimeout) << "always ready";
      bench.edge();
    }
    for (int i = 0; i < 5; ++i) bench.edge();
    ASSERT_FALSE(ready(bench).high());
  }

  // Makes the block accept the beat that waits.
  void let_it_go(Bench& bench) const {
    const std::string name = GetParam().name;
    if (name == "AW") bench.p.s_axil_wvalid.set(1);
    if (name == "W") bench.p.s_axil_awvalid.set(1);
    if (name == "Codes" || name == "Activations") {
      bench.set_command(1, 1, 1, 0);
      bench.control(matmul::kControlStart.mask());
      bench.p.s_axis_codes_tvalid.set(1);
    }
    bench.p.s_axil_bready.set(1);
    bench.p.s_axil_rready.set(1);
    for (int i = 0; !ready(bench).high(); ++i) {
      ASSERT_LT(i, kTimeout) << "never ready";
      bench.edge();
    }
    bench.edge();
  }

  // What the RTL printed when it ended the simulation in the next few cycles; empty: it went on.
  static std::string complaint(Bench& bench) {
    testing::internal::CaptureStdout();
    try {
      for (int i = 0; i < 20; ++i) bench.edge();
    } catch (const std::runtime_error&) {
      return testing::internal::GetCapturedStdout();
    }
    testing::internal::GetCapturedStdout();
    return "";
  }

  void expect_caught(Bench& bench, const std::string& rule) const {
    EXPECT_THAT(complaint(bench),
                HasSubstr(fmt::format("szt_matmul.{}.{} does not hold", GetParam().checker, rule)));
  }
};

TEST_P(ManagerTest, ValidStaysUntilReady) {
  {
    Bench bench;
    wait_for_ready(bench);
    valid(bench).set(0);
    expect_caught(bench, "ValidStaysUntilReady");
  }
  {
    Bench bench;
    wait_for_ready(bench);
    let_it_go(bench);
    valid(bench).set(0);
    EXPECT_THAT(complaint(bench), IsEmpty());
  }
}

TEST_P(ManagerTest, PayloadStaysUntilReady) {
  for (const Payload& payload : GetParam().payload) {
    for (unsigned bit = 0; bit < payload.width; ++bit) {
      SCOPED_TRACE(fmt::format("{}[{}]", payload.name, bit));
      const auto flip = [&](const Bench& bench) {
        const Pin& pin = bench.p.*payload.pin;
        pin.set(pin.get() ^ std::uint64_t{1} << bit);
      };
      {
        Bench bench;
        wait_for_ready(bench);
        flip(bench);
        expect_caught(bench, "PayloadStaysUntilReady");
      }
      {
        Bench bench;
        wait_for_ready(bench);
        let_it_go(bench);
        flip(bench);
        EXPECT_THAT(complaint(bench), IsEmpty());
      }
    }
  }
}

TEST_P(ManagerTest, ValidLowAfterReset) {
  {
    Bench bench;
    bench.reset();
    bench.p.rst_ni.set(1);
    valid(bench).set(1);
    expect_caught(bench, "ValidLowAfterReset");
  }
  {
    Bench bench;
    bench.reset();
    bench.p.rst_ni.set(1);
    bench.edge();
    valid(bench).set(1);
    EXPECT_THAT(complaint(bench), IsEmpty());
  }
}

INSTANTIATE_TEST_SUITE_P(Channels, ManagerTest, testing::ValuesIn(channels()),
                         [](const auto& channel) { return std::string(channel.param.name); });

// ---- The registers.

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

class RegistersTest : public testing::Test {
 protected:
  static std::vector<std::uint32_t> all_words() {
    std::vector<std::uint32_t> list;
    for (std::uint32_t address = 0; address < 0x100; address += 4) list.push_back(address);
    return list;
  }
  std::vector<Answer> read_all() { return bench_.traffic({}, all_words()).reads; }

  // What can be written and read back. STATUS, and the bits of CONTROL that act, are apart.
  static std::map<std::uint32_t, std::uint32_t> reset_values() {
    return {{matmul::kM, 0},    {matmul::kKTiles, 0},  {matmul::kNTiles, 0},
            {matmul::kMode, 0}, {matmul::kControl, 0}, {matmul::kIrqMask, matmul::kIrqMaskReset}};
  }
  static std::uint32_t implemented(std::uint32_t address) {
    return address == matmul::kControl   ? matmul::kControlIrqEnable.mask()
           : address == matmul::kIrqMask ? matmul::kStatusSticky
                                         : 0xFFFF'FFFFU;
  }
  static std::uint32_t byte_mask(unsigned strobes) {
    std::uint32_t mask = 0;
    for (unsigned i = 0; i < 4; ++i) mask |= (strobes >> i & 1U) != 0 ? 0xFFU << (8 * i) : 0;
    return mask;
  }
  static std::uint32_t written(std::uint32_t address, std::uint32_t old, std::uint32_t data,
                               unsigned strobes) {
    const std::uint32_t mask = byte_mask(strobes) & implemented(address);
    return (old & ~mask) | (data & mask);
  }
  std::uint32_t below(std::uint32_t limit) {
    return static_cast<std::uint32_t>(generator_() % limit);
  }
  // Data that, written to CONTROL, does not act.
  std::uint32_t harmless(std::uint32_t address) {
    const auto data = static_cast<std::uint32_t>(generator_());
    return address == matmul::kControl ? data & ~7U : data;
  }

  Bench bench_;
  std::mt19937_64 generator_{test_seed()};
  testing::ScopedTrace trace_{__FILE__, __LINE__, fmt::format("SZT_TEST_SEED={}", test_seed())};
};

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

TEST_F(RegistersTest, StartIsChecked) {
  struct Start {
    std::uint32_t m, k_tiles, n_tiles, mode, errors;
  };
  const std::uint32_t size = matmul::kStatusErrorSize.mask();
  const std::uint32_t mode = matmul::kStatusErrorMode.mask();
  std::vector<Start> list = {{0, 0, 0, 3, size | mode}, {kDepth + 1, 1, 1, 3, size | mode}};
  for (const std::uint32_t m : {0U, kDepth + 1, kDepth + 2, 2 * kDepth, 16U * kDepth + 1, 0x101U,
                                0x8000'0001U, 0xFFFF'FFFFU}) {
    list.push_back({m, 1, 1, 0, size});
  }
  for (const std::uint32_t m : {1U, 2U, kDepth - 1, kDepth}) list.push_back({m, 1, 1, 0, 0});
  for (const std::uint32_t tiles : {0U, 0x100'0000U, 0x100'0001U, 0x8000'0001U, 0xFFFF'FFFFU}) {
    list.push_back({1, tiles, 1, 0, size});
    list.push_back({1, 1, tiles, 0, size});
  }
  for (const std::uint32_t tiles : {1U, 2U, 0x10000U, 0xFF'FFFFU}) {
    list.push_back({1, tiles, 1, 0, 0});
    list.push_back({1, 1, tiles, 0, 0});
  }
  for (const std::uint32_t bad : {3U, 4U, 5U, 6U, 0x100U, 0x8000'0000U, 0xFFFF'FFFFU}) {
    list.push_back({1, 1, 1, bad, mode});
  }
  for (const std::uint32_t good : {0U, 1U, 2U}) list.push_back({1, 1, 1, good, 0});
  for (const Start& start : list) {
    SCOPED_TRACE(fmt::format("M {:#x}, K_TILES {:#x}, N_TILES {:#x}, MODE {:#x}", start.m,
                             start.k_tiles, start.n_tiles, start.mode));
    bench_.set_command(start.m, start.k_tiles, start.n_tiles, start.mode);
    bench_.control(matmul::kControlStart.mask());
    for (int i = 0; i < 5; ++i) bench_.edge();
    EXPECT_EQ(bench_.status(), start.errors != 0 ? start.errors : matmul::kStatusBusy.mask());
    bench_.control(matmul::kControlSoftReset.mask() | matmul::kControlFlush.mask());
    EXPECT_EQ(bench_.status(), start.errors);
    bench_.write(matmul::kStatus, start.errors);
    EXPECT_EQ(bench_.status(), 0U);
  }
}

// One is loaded, two wait: in the core, and in front of it. What is written later changes neither.
TEST_F(RegistersTest, QueueOfTwo) {
  std::uint32_t m = 1;
  bench_.set_command(m, 1, 1, 0);
  const std::uint32_t busy = matmul::kStatusBusy.mask();
  const std::uint32_t full = matmul::kStatusErrorQueue.mask();
  const std::uint32_t expected[] = {busy, busy | matmul::kStatusQueue.make(1),
                                    busy | matmul::kStatusQueue.make(2),
                                    busy | matmul::kStatusQueue.make(2) | full};
  for (const std::uint32_t status : expected) {
    bench_.control(matmul::kControlStart.mask());
    bench_.edge();
    EXPECT_EQ(bench_.status(), status);
    bench_.set_command(++m, 1, 1, 0);
  }
  bench_.run_streams(true, true);
  EXPECT_EQ(bench_.read(matmul::kDoneCount), 3U);
  EXPECT_EQ(bench_.results.size(), 1U + 2 + 3);
}

// As many commands as fit behind results that nobody takes: BUSY until the last one is gone.
TEST_F(RegistersTest, BusyWhileACommandIsHeld) {
  bench_.set_command(1, 1, 1, 0);
  bench_.send(kRows, 1, 100);
  std::uint32_t held = 0;
  while (matmul::kStatusQueue.get(bench_.status()) < 2) {
    bench_.control(matmul::kControlStart.mask());
    ++held;
    for (int i = 0; i < 40; ++i) bench_.edge();
    EXPECT_EQ(matmul::kStatusBusy.get(bench_.status()), 1U) << held << " commands";
    ASSERT_LT(held, 100U);
  }
  EXPECT_GT(held, 18U);  // more than the output FIFO holds
  for (std::uint32_t left = held; left > 0; --left) {
    EXPECT_EQ(matmul::kStatusBusy.get(bench_.status()), 1U) << left << " commands";
    bench_.p.m_axis_results_tready.set(1);
    bench_.edge();
    bench_.p.m_axis_results_tready.set(0);
    for (int i = 0; i < 40; ++i) bench_.edge();
  }
  EXPECT_EQ(bench_.results.size(), held);
  EXPECT_EQ(bench_.status(), matmul::kStatusDone.mask());
  EXPECT_EQ(bench_.read(matmul::kDoneCount), held);
}

TEST_F(RegistersTest, TileCountsBeyondAByte) {
  bench_.ready_every = 1;
  for (const auto& [k_tiles, n_tiles] : {std::pair{1, 300}, std::pair{300, 1}}) {
    bench_.results.clear();
    bench_.set_command(1, static_cast<std::uint32_t>(k_tiles), static_cast<std::uint32_t>(n_tiles),
                       0);
    bench_.send(300 * kRows, 300, 1);
    bench_.control(matmul::kControlStart.mask());
    for (int i = 0; matmul::kStatusBusy.get(bench_.status()) != 0; ++i) ASSERT_LT(i, kTimeout);
    EXPECT_EQ(bench_.results.size(), static_cast<std::size_t>(n_tiles));
    EXPECT_TRUE(bench_.sent());
    EXPECT_EQ(bench_.status(), matmul::kStatusDone.mask());
  }
}

// Writes go on, one a cycle, around a soft reset: the queue is empty for the first one behind it.
TEST_F(RegistersTest, StartsRightBehindASoftReset) {
  const std::uint32_t start = matmul::kControlStart.mask();
  const std::uint32_t reset = matmul::kControlSoftReset.mask() | matmul::kControlFlush.mask();
  bench_.set_command(1, 1, 1, 0);
  for (const bool at_once : {false, true}) {
    SCOPED_TRACE(at_once ? "in the same write" : "in the next write");
    for (std::size_t before = 0; before <= 4; ++before) {
      std::vector<Write> writes(before, {matmul::kControl, start});
      writes.push_back({matmul::kControl, at_once ? reset | start : reset});
      writes.insert(writes.end(), at_once ? 2 : 3, {matmul::kControl, start});
      bench_.traffic(writes, {});
      EXPECT_EQ(bench_.status(), matmul::kStatusBusy.mask() | matmul::kStatusQueue.make(2) |
                                     (before == 4 ? matmul::kStatusErrorQueue.mask() : 0));
      bench_.control(reset);
      EXPECT_EQ(bench_.status(), before == 4 ? matmul::kStatusErrorQueue.mask() : 0U);
      bench_.write(matmul::kStatus, matmul::kStatusSticky);
    }
  }
}

TEST_F(RegistersTest, InterruptFollowsMaskAndEnable) {
  const std::uint32_t enable = matmul::kControlIrqEnable.mask();
  const auto irq = [this] {
    bench_.edge();
    bench_.edge();
    return bench_.p.irq_o.high();
  };
  for (std::uint32_t bit = 1; bit != 0; bit <<= 1) {
    if ((bit & matmul::kStatusSticky) == 0) continue;
    SCOPED_TRACE(fmt::format("STATUS {:#x}", bit));
    bench_.write(matmul::kIrqMask, matmul::kIrqMaskReset);
    bench_.control(0);
    bench_.raise_all();
    EXPECT_FALSE(irq());
    bench_.control(enable);
    EXPECT_TRUE(irq());
    bench_.write(matmul::kStatus, ~bit);
    EXPECT_EQ(bench_.status(), bit);
    EXPECT_TRUE(irq());
    bench_.write(matmul::kIrqMask, ~bit);
    EXPECT_FALSE(irq());
    bench_.write(matmul::kIrqMask, bit);
    EXPECT_TRUE(irq());
    bench_.control(0);
    EXPECT_FALSE(irq());
    bench_.control(enable);
    EXPECT_TRUE(irq());
    bench_.write(matmul::kStatus, bit);
    EXPECT_FALSE(irq());
  }
}

// ---- Soft reset: three commands, the reset, what the host does then, and a command behind it.
struct SoftReset {
  int at;           // cycles after the STARTs
  int ready_every;  // cycles; 1000: results wait
  int activations_after;
  bool flush;  // the host stops sending and says so; else it sends all that it had started
};

void check_soft_reset(const SoftReset& how) {
  constexpr std::uint32_t kM = 3, kTiles = 2, kResults = kM * kTiles;
  constexpr std::uint32_t kCodes = kRows * kTiles * kTiles, kActivations = kM * kTiles * kTiles;
  Bench bench;
  const CorePins& p = bench.p;
  const auto wait_for = [&](const auto& condition) {
    for (int i = 0; i < 300 && !condition(); ++i) bench.edge();
    return condition();
  };
  p.s_axis_codes_tdata.set(0x55);  // +1
  p.s_axis_activations_tdata.set(0x01010101);
  constexpr int kOld = kRows * kTiles * 1, kNew = kRows * kTiles * 3;
  bench.set_command(kM, kTiles, kTiles, 0);
  bench.send(kCodes, kActivations, 3);
  bench.senders[1].delay = how.activations_after;
  bench.ready_every = how.ready_every;
  bench.traffic(std::vector<Write>(3, {matmul::kControl, matmul::kControlStart.mask()}), {});

  for (int i = 0; i < how.at; ++i) bench.edge();
  p.s_axil_awaddr.set(matmul::kControl);
  p.s_axil_wdata.set(matmul::kControlSoftReset.mask());
  p.s_axil_wstrb.set(0xF);
  for (const Pin& pin : {p.s_axil_awvalid, p.s_axil_wvalid, p.s_axil_bready}) pin.set(1);
  bench.edge();
  for (const Pin& pin : {p.s_axil_awvalid, p.s_axil_wvalid}) pin.set(0);
  bench.edge();
  // The cycle of the response: everything is dropped but a result that waits.
  ASSERT_TRUE(p.s_axil_bvalid.high());
  const bool held = p.m_axis_results_tvalid.high() && !p.m_axis_results_tready.high();
  bench.edge();
  p.s_axil_bready.set(0);
  const std::size_t before = bench.results.size();
  const std::size_t done = before / kResults;
  if (how.ready_every == 1000) {
    EXPECT_EQ(matmul::kStatusResultHeld.get(bench.status()), held ? 1U : 0U);
  }

  if (how.flush) {
    for (Sender& sender : bench.senders) sender.stop = true;
    for (int i = 0; i < 2; ++i) bench.edge();
    ASSERT_FALSE(p.s_axis_codes_tvalid.high() || p.s_axis_activations_tvalid.high())
        << "not discarded";
    bench.control(matmul::kControlFlush.mask());
  } else {
    ASSERT_TRUE(wait_for([&] { return bench.sent(); })) << "not discarded";
  }
  bench.ready_every = 1;
  for (int i = 0; i < 50; ++i) bench.edge();
  EXPECT_EQ(bench.results, std::vector<int>(before + (held ? 1U : 0U), kOld));
  EXPECT_EQ(bench.status(), done != 0 ? matmul::kStatusDone.mask() : 0);
  EXPECT_EQ(bench.read(matmul::kDoneCount), done);

  bench.results.clear();
  p.s_axis_activations_tdata.set(0x03030303);
  bench.send(kCodes, kActivations, 1);
  bench.control(matmul::kControlStart.mask());
  ASSERT_TRUE(wait_for([&] { return bench.results.size() == kResults; })) << "the next command";
  EXPECT_TRUE(bench.sent());
  EXPECT_EQ(bench.results, std::vector<int>(kResults, kNew));
  EXPECT_EQ(bench.status(), matmul::kStatusDone.mask());
  EXPECT_EQ(bench.read(matmul::kDoneCount), done + 1);
}

TEST(SoftResetTest, AtEveryCycle) {
  for (const int ready_every : {1, 2, 3, 1000}) {
    for (const int activations_after : {0, 30}) {
      for (const bool flush : {false, true}) {
        for (int at = 0; at < 120; ++at) {
          SCOPED_TRACE(
              fmt::format("after {} cycles, results taken every {} cycles, activations "
                          "after {}, {}",
                          at, ready_every, activations_after, flush ? "flush" : "rest"));
          check_soft_reset({at, ready_every, activations_after, flush});
          if (testing::Test::HasFailure()) return;
        }
      }
    }
  }
}

// Up to 14 packets are counted; more are discarded until a flush.
TEST(SoftResetTest, DiscardsOf14PacketsAndMore) {
  for (const int packets : {3, 13, 14, 15, 16, 17, 30, 45}) {
    SCOPED_TRACE(fmt::format("{} packets", packets));
    Bench bench;
    bench.set_command(1, 1, 1, 0);
    for (int left = packets; left > 0; left -= 3) {
      std::vector<Write> writes(static_cast<std::size_t>(std::min(left, 3)),
                                {matmul::kControl, matmul::kControlStart.mask()});
      writes.push_back({matmul::kControl, matmul::kControlSoftReset.mask()});
      bench.traffic(writes, {});
    }
    const std::uint32_t discards =
        matmul::kStatusDiscardCodes.mask() | matmul::kStatusDiscardActivations.mask();
    bench.send(kRows, 1, packets);
    for (int i = 0; i < packets * static_cast<int>(kRows) + 2; ++i) bench.edge();
    EXPECT_TRUE(bench.sent());
    EXPECT_EQ(bench.status(), packets > 14 ? discards : 0);
    bench.control(matmul::kControlFlush.mask());
    EXPECT_EQ(bench.status(), 0U);
  }
}

}  // namespace
}  // namespace szt::sim
