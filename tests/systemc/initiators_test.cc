// SPDX-License-Identifier: Apache-2.0
// What initiators may do to a target beyond one transaction after the other: run ahead, pipeline,
// bring beats late, break the protocol.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <tlm_utils/simple_initiator_socket.h>

#include <algorithm>
#include <random>
#include <vector>

#include "cosim/cosim_util.h"
#include "systemc/bench.h"
#include "systemc/program.h"
#include "szt/error.h"
#include "szt/sim/registers.h"
#include "szt/systemc/address_map.h"
#include "szt/systemc/model_target.h"
#include "szt/systemc/rtl_target.h"

namespace szt::systemc {
namespace {

namespace registers = sim::matmul;
using sim::Beats;

constexpr std::uint64_t kResultToIrq = 2;

class InitiatorsTest : public testing::Test {
 protected:
  Beats make_beats(const Command& command) {
    return sim::make_beats(configuration_, command, generator_);
  }

  const Configuration& configuration_ = find_configuration("tiny");
  std::mt19937_64 generator_{test_seed()};
  testing::ScopedTrace trace_{__FILE__, __LINE__, fmt::format("SZT_TEST_SEED={}", test_seed())};
};

// Everything of a command is sent before the first response is waited for.
TEST_F(InitiatorsTest, PipelinedTransactionsEndInTheSameCycles) {
  const Command command = {9, 2, 2, DecodeMode::kForward};
  const Beats beats = make_beats(command);
  std::vector<std::uint64_t> ends[2];
  for (const Kind kind : {Kind::kModel, Kind::kRtl}) {
    for (const Style style : {Style::kNonBlocking, Style::kFourPhase}) {
      Bench bench(kind, style, configuration_);
      bench.run([&](Port& port) {
        std::vector<std::vector<std::uint8_t>> words;
        const auto word = [&words](std::uint32_t value) {
          words.emplace_back();
          for (unsigned i = 0; i < 4; ++i) {
            words.back().push_back(static_cast<std::uint8_t>(value >> (8 * i)));
          }
          return std::span(words.back());
        };
        std::vector<std::uint8_t> codes = beats.codes;
        std::vector<std::uint8_t> activations(bytes_of(beats.activations).begin(),
                                              bytes_of(beats.activations).end());
        words.reserve(8);
        std::vector<std::shared_ptr<Transaction>> sent;
        const auto send = [&](tlm::tlm_command kind_of, std::uint64_t address,
                              std::span<std::uint8_t> data) {
          sent.push_back(port.send(kind_of, address, data));
        };
        send(tlm::TLM_WRITE_COMMAND, registers::kM, word(command.m));
        send(tlm::TLM_WRITE_COMMAND, registers::kKTiles, word(command.k_tiles));
        send(tlm::TLM_WRITE_COMMAND, kCodes + kLast, codes);
        send(tlm::TLM_WRITE_COMMAND, registers::kNTiles, word(command.n_tiles));
        send(tlm::TLM_WRITE_COMMAND, registers::kControl,
             word(registers::kControlStart.mask() | registers::kControlIrqEnable.mask()));
        send(tlm::TLM_READ_COMMAND, registers::kStatus, word(0));
        send(tlm::TLM_WRITE_COMMAND, kActivations + kLast, activations);
        send(tlm::TLM_READ_COMMAND, kActivationsLevel, word(0));
        std::uint64_t started = 0;
        for (std::size_t i = 0; i < sent.size(); ++i) {
          std::uint64_t end = 0;
          EXPECT_EQ(port.finish(sent[i], end), tlm::TLM_OK_RESPONSE) << "transaction " << i;
          ends[kind == Kind::kRtl].push_back(end);
          if (i == 4) started = end;
        }
        EXPECT_EQ(words[4][0] & 1U, 1U) << "BUSY behind START";
        EXPECT_TRUE(port.wait_irq(1000));
        EXPECT_GE(port.edge(), started + command_cycles(configuration_, command) + kResultToIrq);
        ends[kind == Kind::kRtl].push_back(port.edge());
        EXPECT_EQ(collect(port, configuration_, command), beats.expected);
      });
    }
  }
  EXPECT_EQ(ends[0], ends[1]);
}

// Beats that come late delay the tile that they belong to, as in the RTL.
TEST_F(InitiatorsTest, LateBeatsDelayTheCommand) {
  const Command command = {6, 3, 2, DecodeMode::kForward};
  const Beats beats = make_beats(command);
  const std::uint64_t unstalled = command_cycles(configuration_, command);
  for (const bool late_codes : {false, true}) {
    for (const std::uint64_t gap : {0U, 5U, 20U, 33U, 47U, 60U, 200U}) {
      for (const std::size_t tiles_before : {0U, 1U, 3U, 5U}) {
        SCOPED_TRACE(fmt::format("{} of tile {} {} cycles late",
                                 late_codes ? "codes" : "activations", tiles_before, gap));
        std::uint64_t cycles[2] = {};
        for (const Kind kind : {Kind::kModel, Kind::kRtl}) {
          Bench bench(kind, Style::kNonBlocking, configuration_);
          bench.run([&](Port& port) {
            const std::size_t bytes =
                tiles_before * (late_codes ? sim::code_beat_bytes(configuration_) * 4
                                           : sim::activation_beat_bytes(configuration_) * 6);
            const auto late = late_codes ? std::span<const std::uint8_t>(beats.codes)
                                         : bytes_of(beats.activations);
            const std::uint64_t window = late_codes ? kCodes : kActivations;
            const std::size_t beat_bytes = late_codes ? sim::code_beat_bytes(configuration_)
                                                      : sim::activation_beat_bytes(configuration_);
            if (late_codes) {
              write_activations(port, configuration_, beats);
            } else {
              write_codes(port, configuration_, beats);
            }
            port.write_beats(window, beat_bytes, late.first(bytes), false);
            const std::uint64_t begin = start(port, command);
            port.wait_cycles(gap);
            port.write_beats(window, beat_bytes, late.subspan(bytes), true);
            EXPECT_TRUE(port.wait_irq(10'000));
            cycles[kind == Kind::kRtl] = port.edge() - begin - kResultToIrq;
            EXPECT_EQ(port.read_ok(registers::kCycles), cycles[kind == Kind::kRtl]);
            EXPECT_EQ(collect(port, configuration_, command), beats.expected);
          });
        }
        EXPECT_GE(cycles[1], unstalled);
        EXPECT_EQ(cycles[0], cycles[1]);
      }
    }
  }
}

// An initiator that runs ahead of the simulation, as b_transport lets it.
class Ahead : public sc_core::sc_module {
 public:
  tlm_utils::simple_initiator_socket<Ahead> socket{"socket"};
  sc_core::sc_in<bool> irq{"irq"};
  std::vector<sc_core::sc_time> irq_times;

  explicit Ahead(const sc_core::sc_module_name& name) : sc_module(name) {}
  void end_of_elaboration() override {
    spawn_method("watch", {&irq.value_changed_event()},
                 [this] { irq_times.push_back(sc_core::sc_time_stamp()); });
  }

  tlm::tlm_response_status transport(tlm::tlm_command command, std::uint64_t address,
                                     std::span<std::uint8_t> data, sc_core::sc_time& local) {
    tlm::tlm_generic_payload payload;
    payload.set_command(command);
    payload.set_address(address);
    payload.set_data_ptr(data.data());
    payload.set_data_length(static_cast<unsigned>(data.size()));
    payload.set_streaming_width(static_cast<unsigned>(data.size()));
    socket->b_transport(payload, local);
    return payload.get_response_status();
  }
  void write(std::uint64_t address, std::uint32_t value, sc_core::sc_time& local) {
    std::uint8_t bytes[4];
    for (unsigned i = 0; i < 4; ++i) bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
    EXPECT_EQ(transport(tlm::TLM_WRITE_COMMAND, address, bytes, local), tlm::TLM_OK_RESPONSE);
  }
  std::uint32_t read(std::uint64_t address, sc_core::sc_time& local) {
    std::uint8_t bytes[4] = {};
    EXPECT_EQ(transport(tlm::TLM_READ_COMMAND, address, bytes, local), tlm::TLM_OK_RESPONSE);
    return std::uint32_t{bytes[0]} | std::uint32_t{bytes[1]} << 8 | std::uint32_t{bytes[2]} << 16 |
           std::uint32_t{bytes[3]} << 24;
  }
};

TEST_F(InitiatorsTest, ALooselyTimedInitiatorMayRunAhead) {
  const Command command = {8, 2, 1, DecodeMode::kForward};
  const std::uint64_t cycles = command_cycles(configuration_, command);
  Beats beats = make_beats(command);
  Kernel kernel;
  const Kernel::Use use(kernel);
  const sc_core::sc_time period(10, sc_core::SC_NS);
  sc_core::sc_signal<bool> irq("irq");
  Ahead ahead("ahead");
  ModelTarget target("target", configuration_, period);
  ahead.socket.bind(target.socket);
  ahead.irq(irq);
  target.irq(irq);
  const Kernel::EndOfScope end(kernel);

  std::uint64_t irq_edge = 0;
  std::vector<std::int32_t> got(beats.expected.size());
  spawn_thread("program", [&] {
    sc_core::sc_time local = period * 50;
    ahead.write(registers::kM, command.m, local);
    EXPECT_EQ(local, period * 53);
    ahead.write(registers::kKTiles, command.k_tiles, local);
    ahead.write(registers::kNTiles, command.n_tiles, local);
    EXPECT_EQ(ahead.transport(tlm::TLM_WRITE_COMMAND, kCodes + kLast, beats.codes, local),
              tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(ahead.transport(tlm::TLM_WRITE_COMMAND, kActivations + kLast,
                              {reinterpret_cast<std::uint8_t*>(beats.activations.data()),
                               beats.activations.size()},
                              local),
              tlm::TLM_OK_RESPONSE);
    local += period / 4;  // between two edges: the next one counts
    ahead.write(registers::kControl,
                registers::kControlStart.mask() | registers::kControlIrqEnable.mask(), local);
    EXPECT_EQ(local, period * 63);
    irq_edge = 63 + cycles + kResultToIrq;
    EXPECT_EQ(ahead.read(registers::kStatus, local), registers::kStatusBusy.mask());
    local = period * static_cast<double>(irq_edge - 3);
    EXPECT_EQ(ahead.read(registers::kStatus, local), 0U);
    EXPECT_EQ(ahead.read(registers::kStatus, local), registers::kStatusDone.mask());
    EXPECT_EQ(ahead.read(kResultsLevel, local), 8 | kLevelLast);
    EXPECT_EQ(ahead.transport(tlm::TLM_READ_COMMAND, kResults,
                              {reinterpret_cast<std::uint8_t*>(got.data()), got.size() * 4}, local),
              tlm::TLM_OK_RESPONSE);
    // All that in no time of the simulation.
    EXPECT_EQ(sc_core::sc_time_stamp(), sc_core::SC_ZERO_TIME);
    // Who is behind the target's time is told so.
    local = period * 100;
    ahead.read(registers::kId, local);
    EXPECT_GT(local, period * static_cast<double>(irq_edge));
  });
  run_for(period * 1000);
  EXPECT_EQ(got, beats.expected);
  // The wire changed when it should.
  EXPECT_EQ(ahead.irq_times, std::vector<sc_core::sc_time>{period * static_cast<double>(irq_edge)});
}

// Two initiators at one local time: the second's access goes behind the first's on the bus.
TEST_F(InitiatorsTest, RegisterAccessesOfOneTimeFollowEachOther) {
  Kernel kernel;
  const Kernel::Use use(kernel);
  const sc_core::sc_time period(10, sc_core::SC_NS);
  sc_core::sc_signal<bool> irq("irq");
  Ahead ahead("ahead");
  ModelTarget target("target", configuration_, period);
  ahead.socket.bind(target.socket);
  ahead.irq(irq);
  target.irq(irq);
  const Kernel::EndOfScope end(kernel);
  spawn_thread("program", [&] {
    for (const int ends : {53, 56, 59}) {
      sc_core::sc_time local = period * 50;
      ahead.write(registers::kM, 7, local);
      EXPECT_EQ(local, period * ends);
    }
    sc_core::sc_time local = period * 57;
    EXPECT_EQ(ahead.read(registers::kM, local), 7U);
    EXPECT_EQ(local, period * 62);
    local = period * 57;
    ahead.read(kCodesLevel, local);  // not on that bus
    EXPECT_EQ(local, period * 61);   // but the target is at the read's edge by now
  });
  run_for(period);
}

// CYCLES_HIGH is of the last read of CYCLES; a debugger's does not count.
TEST_F(InitiatorsTest, ReadingCyclesKeepsTheirHighHalf) {
  Bench bench(Kind::kModel, Style::kBlocking, configuration_);
  std::uint64_t begin = 0;
  const auto busy_at = [&begin](std::uint64_t edge) {
    return static_cast<std::uint32_t>(edge + 1 - begin);  // an access reads after its first edge
  };
  bench.run([&](Port& port) {
    begin = start(port, {1, 1, 1, DecodeMode::kForward});
    // It runs, and waits for beats.
    port.wait_cycles((std::uint64_t{1} << 32) - 10);
    const std::uint64_t edge = port.edge();
    EXPECT_EQ(port.read_ok(registers::kCycles), busy_at(edge));
    EXPECT_GT(busy_at(edge), 0xFFFF'FFF0U);
    port.wait_cycles(100);
    EXPECT_EQ(port.read_ok(registers::kCyclesHigh), 0U);
  });
  bench.outside([](tlm::tlm_fw_transport_if<>& target) {
    std::uint8_t bytes[4] = {};
    tlm::tlm_generic_payload payload;
    payload.set_read();
    payload.set_address(registers::kCycles);
    payload.set_data_ptr(bytes);
    payload.set_data_length(4);
    payload.set_streaming_width(4);
    EXPECT_EQ(target.transport_dbg(payload), 4U);
  });
  bench.run([&](Port& port) {
    EXPECT_EQ(port.read_ok(registers::kCyclesHigh), 0U);
    const std::uint64_t edge = port.edge();
    EXPECT_EQ(port.read_ok(registers::kCycles), busy_at(edge));
    EXPECT_EQ(port.read_ok(registers::kCyclesHigh), 1U);
  });
}

TEST_F(InitiatorsTest, ABrokenProtocolIsReported) {
  for (const tlm::tlm_phase& wrong :
       {tlm::tlm_phase(tlm::END_RESP), tlm::tlm_phase(tlm::END_REQ)}) {
    Kernel kernel;
    const Kernel::Use use(kernel);
    sc_core::sc_signal<bool> irq("irq");
    Ahead ahead("ahead");
    ModelTarget target("target", configuration_, sc_core::sc_time(10, sc_core::SC_NS));
    ahead.socket.bind(target.socket);
    ahead.irq(irq);
    target.irq(irq);
    const Kernel::EndOfScope end(kernel);
    tlm::tlm_generic_payload payload;
    spawn_thread("program", [&] {
      tlm::tlm_phase phase = wrong;
      sc_core::sc_time delay;
      ahead.socket->nb_transport_fw(payload, phase, delay);
    });
    EXPECT_THROW(run_for(target.clock_period() * 1000), sc_core::sc_report);
  }
}

// SystemC 3.0 crashes in the destructor of a kernel that still has a thread.
TEST_F(InitiatorsTest, TheEndOfAKernelUnwindsItsThreads) {
  struct Guard {
    bool& unwound;
    ~Guard() { unwound = true; }
  };
  bool unwound[2] = {};
  for (bool& flag : unwound) {
    Kernel kernel;
    const Kernel::Use use(kernel);
    sc_core::sc_event never("never");
    spawn_thread("thread", [&] {
      const Guard guard{flag};
      sc_core::wait(never);
    });
    const Kernel::EndOfScope end(kernel);
    run_for(sc_core::sc_time(1, sc_core::SC_NS));
    EXPECT_FALSE(flag);
  }
  EXPECT_TRUE(unwound[0]);
  EXPECT_TRUE(unwound[1]);
}

TEST_F(InitiatorsTest, AnOddClockPeriodIsRefused) {
  Kernel kernel;
  const Kernel::Use use(kernel);
  EXPECT_THROW(ModelTarget("a", configuration_, sc_core::SC_ZERO_TIME), InputError);
  EXPECT_THROW(ModelTarget("b", configuration_, sc_core::sc_time(3, sc_core::SC_PS)), InputError);
}

TEST_F(InitiatorsTest, ConfigurationsThatAreNotBuiltAreNamed) {
  Configuration unknown = configuration_;
  unknown.name = "nonesuch";
  Kernel kernel;
  const Kernel::Use use(kernel);
  try {
    RtlTarget target("target", unknown, sc_core::sc_time(10, sc_core::SC_NS));
    FAIL();
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("nonesuch"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("tiny"), std::string::npos);
  }
}

// Other clock periods change nothing but the time.
TEST_F(InitiatorsTest, TheClockPeriodScalesTime) {
  const Command command = {5, 1, 1, DecodeMode::kForward};
  const Beats beats = make_beats(command);
  for (const Kind kind : {Kind::kModel, Kind::kRtl}) {
    for (const double nanoseconds : {0.002, 3.3, 1000.0}) {
      Bench bench(kind, Style::kBlocking, configuration_, nanoseconds);
      bench.run([&](Port& port) {
        write_beats(port, configuration_, beats);
        const std::uint64_t begin = start(port, command);
        EXPECT_TRUE(port.wait_irq(1000));
        EXPECT_EQ(port.edge(), begin + command_cycles(configuration_, command) + kResultToIrq);
        EXPECT_EQ(collect(port, configuration_, command), beats.expected);
      });
    }
  }
}

}  // namespace
}  // namespace szt::systemc
