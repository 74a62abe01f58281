// SPDX-License-Identifier: Apache-2.0
// Commands through the registers: queueing, cycles, counters and TLAST rules, beat by beat.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "cosim/command_testing.h"
#include "cosim/cosim_util.h"
#include "szt/cycle_model.h"
#include "szt/error.h"
#include "szt/sim/model_device.h"
#include "szt/sim/registers.h"

namespace szt::sim {
namespace {

class ControlTest : public testing::TestWithParam<std::string> {
 protected:
  const Configuration& configuration() const { return find_configuration(GetParam()); }
  std::uint32_t rows() const { return static_cast<std::uint32_t>(configuration().rows); }
  std::uint32_t cols() const { return static_cast<std::uint32_t>(configuration().cols); }
  std::uint32_t depth() const { return static_cast<std::uint32_t>(configuration().acc_depth); }

  Beats beats_of(const Command& command) {
    return make_beats(configuration(), command, generator_);
  }

  // Runs `head`, which is long enough for the other two to be queued behind it in time.
  std::vector<std::uint64_t> run_queued(Device& device, const Command& head, const Command& second,
                                        const Command& third) {
    return busy_cycles(run_commands(device, {beats_of(head), beats_of(second), beats_of(third)}));
  }

  std::mt19937_64 generator_{test_seed()};
  testing::ScopedTrace trace_{__FILE__, __LINE__, fmt::format("SZT_TEST_SEED={}", test_seed())};
};

// Two commands of any size behind a long one; the counters agree with what the pins saw.
TEST_P(ControlTest, QueuedCommandsOfAnySizeAndModeTakeTheModelsCycles) {
  const std::unique_ptr<RtlDevice> device = make_rtl_device(configuration());
  const std::uint32_t edge = std::max(rows(), cols());
  const std::uint32_t sizes[] = {1, 2, 4, edge - 1, edge, edge + 1, depth()};
  const auto random_command = [&]() -> Command {
    return {std::min(depth(), sizes[generator_() % std::size(sizes)]),
            static_cast<std::uint32_t>(1 + generator_() % 4),
            static_cast<std::uint32_t>(1 + generator_() % 3),
            kAllDecodeModes[generator_() % kDecodeModeCount]};
  };
  std::uint64_t total = 0;
  for (std::uint32_t round = 0; round < 24; ++round) {
    SCOPED_TRACE(fmt::format("round {}", round));
    const Command head{1 + round % 4, 100, 1, DecodeMode::kForward};
    const Command second = random_command();
    const Command third = random_command();
    EXPECT_EQ(run_queued(*device, head, second, third),
              (std::vector<std::uint64_t>{command_cycles(configuration(), head),
                                          queued_command_cycles(configuration(), head, second),
                                          queued_command_cycles(configuration(), second, third)}));
    if (HasFailure()) return;
    total += command_cycles(configuration(), head) +
             queued_command_cycles(configuration(), head, second) +
             queued_command_cycles(configuration(), second, third);
    EXPECT_EQ(read_register(*device, matmul::kCycles), total);
    EXPECT_EQ(read_register(*device, matmul::kDoneCount), 3 * (round + 1));
    EXPECT_EQ(read_register(*device, matmul::kCodesStalls), 0U);
    EXPECT_EQ(read_register(*device, matmul::kActivationsStalls), 0U);
    EXPECT_EQ(read_register(*device, matmul::kResultsStalls), 0U);
  }
}

// When M covers the array there is no idle cycle between two commands.
TEST_P(ControlTest, NoBubbleBetweenCommands) {
  const std::unique_ptr<RtlDevice> device = make_rtl_device(configuration());
  const std::uint32_t m = std::max(rows(), cols());
  if (m > depth()) GTEST_SKIP() << "the accumulator is shallower than the array";
  const Command head{m, 20, 1, DecodeMode::kForward};
  const Command one{m, 1, 1, DecodeMode::kSign};
  EXPECT_EQ(run_queued(*device, head, one, one),
            (std::vector<std::uint64_t>{20 * m + fill_cycles(configuration()), m, m}));
}

TEST_P(ControlTest, QueuedCommandsUnderStalls) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(fmt::format("stall seed {}", seed));
    const std::unique_ptr<RtlDevice> device = make_rtl_device(
        configuration(), {.stalls = StreamStalls::all(StallPattern::burst(0.6, 20), seed),
                          .trace = {},
                          .initial_state = seed});
    std::vector<Beats> list;
    for (std::uint32_t i = 0; i < 12; ++i) {
      list.push_back(
          beats_of({std::min(depth(), 1 + i % 5), 1 + i % 3, 1 + i % 2, kAllDecodeModes[i % 3]}));
    }
    run_commands(*device, list);
    if (HasFailure()) return;
    // The stall counters count what the pins saw.
    EXPECT_EQ(read_register(*device, matmul::kCodesStalls), device->stall_counts().codes);
    EXPECT_EQ(read_register(*device, matmul::kActivationsStalls),
              device->stall_counts().activations);
    EXPECT_EQ(read_register(*device, matmul::kResultsStalls), device->stall_counts().results);
    EXPECT_GT(device->stall_counts().results, 0U);
  }
}

// Many commands finish behind results that nobody takes: busy, done and the order must hold.
TEST_P(ControlTest, ManyTinyCommandsBehindBackPressure) {
  StreamStalls stalls;
  stalls.results = StallPattern::periodic(700);
  const std::unique_ptr<RtlDevice> device =
      make_rtl_device(configuration(), {.stalls = stalls, .trace = {}, .initial_state = 0});
  std::vector<Beats> list;
  for (std::uint32_t i = 0; i < 60; ++i)
    list.push_back(beats_of({1, 1, 1, kAllDecodeModes[i % 3]}));
  EXPECT_EQ(run_commands(*device, list).size(), list.size());
  EXPECT_EQ(read_register(*device, matmul::kDoneCount), 60U);
}

// Tile counters beyond 8 and 16 bits.
TEST_P(ControlTest, ManyTiles) {
  const std::unique_ptr<RtlDevice> device = make_rtl_device(configuration());
  for (const Command& command :
       {Command{1, 1, 300, DecodeMode::kForward}, Command{1, 300, 1, DecodeMode::kForward},
        Command{2, 17, 33, DecodeMode::kForward}, Command{1, 1, 66'000, DecodeMode::kForward}}) {
    EXPECT_EQ(busy_cycles(run_commands(*device, {beats_of(command)})),
              std::vector<std::uint64_t>{command_cycles(configuration(), command)});
    if (HasFailure()) return;
  }
}

// Both tile counts of several orders: on one configuration.
TEST(ControlLimits, TileCountsOfSeveralOrders) {
  const Configuration& configuration = find_configuration(test_configurations().front());
  const std::unique_ptr<RtlDevice> device = make_rtl_device(configuration);
  std::mt19937_64 generator(test_seed());
  for (const std::uint32_t k_tiles : {1U, 2U, 3U, 256U, 4'096U}) {
    for (const std::uint32_t n_tiles : {1U, 2U, 3U, 256U, 4'096U}) {
      if (k_tiles * n_tiles > 70'000) continue;
      SCOPED_TRACE(fmt::format("{} x {} tiles", k_tiles, n_tiles));
      const Command command{1, k_tiles, n_tiles, DecodeMode::kForward};
      EXPECT_EQ(busy_cycles(run_commands(*device, {make_beats(configuration, command, generator)})),
                std::vector<std::uint64_t>{command_cycles(configuration, command)});
      if (testing::Test::HasFailure()) return;
    }
  }
}

TEST_P(ControlTest, NothingIsAcceptedWithoutACommand) {
  const std::unique_ptr<RtlDevice> device = make_rtl_device(configuration());
  const Beats beats = beats_of({3, 2, 2, DecodeMode::kForward});
  device->push_codes(beats.codes, true);
  device->push_activations(beats.activations, true);
  for (int i = 0; i < 50; ++i) device->advance(10);
  EXPECT_EQ(device->handshakes(), 0U);
}

// Codes are taken at most two tiles ahead, and never for more than the commands at hand.
TEST_P(ControlTest, CodesOfTheNextCommandWaitForIt) {
  const std::unique_ptr<RtlDevice> device = make_rtl_device(configuration());
  const Beats one = beats_of({1, 1, 1, DecodeMode::kForward});
  const Beats next = beats_of({1, 1, 1, DecodeMode::kForward});
  device->push_codes(one.codes, true);
  device->push_codes(next.codes, true);
  start(*device, one.command);
  const std::uint64_t bus = 5 * 3;  // address, data and response of each write
  for (int i = 0; i < 200; ++i) device->advance(1);
  EXPECT_EQ(device->handshakes(), bus + rows());
}

class LastTest : public ControlTest {};

TEST_P(LastTest, MisplacedTlastIsReportedAndChangesNothing) {
  // On codes and on activations: a TLAST too many after each beat, and the right one missing.
  const Beats beats = beats_of({3, 2, 1, DecodeMode::kForward});
  const std::span<const std::uint8_t> codes(beats.codes);
  const std::span<const std::int8_t> activations(beats.activations);
  for (const bool on_codes : {true, false}) {
    const std::size_t total = on_codes ? 2 * rows() : 6;  // beats of the stream
    for (std::size_t cut = 1; cut <= total; ++cut) {
      SCOPED_TRACE(fmt::format("{}: TLAST {}", on_codes ? "codes" : "activations",
                               cut == total ? "missing" : fmt::format("after {} beats", cut)));
      const std::unique_ptr<RtlDevice> device = make_rtl_device(configuration());
      start(*device, beats.command);
      if (on_codes) {
        const std::size_t bytes = code_beat_bytes(configuration());
        device->push_codes(codes.first(cut * bytes), cut < total);
        if (cut < total) device->push_codes(codes.subspan(cut * bytes), true);
        device->push_activations(activations, true);
      } else {
        device->push_codes(codes, true);
        device->push_activations(activations.first(cut * rows()), cut < total);
        if (cut < total) device->push_activations(activations.subspan(cut * rows()), true);
      }
      for (int i = 0; i < 400; ++i) device->advance(1);
      std::vector<std::int32_t> lanes(beats.expected.size());
      EXPECT_EQ(device->pop_results(lanes).beats, 3U);
      EXPECT_EQ(lanes, beats.expected);
      const Field error =
          on_codes ? matmul::kStatusErrorCodesLast : matmul::kStatusErrorActivationsLast;
      EXPECT_EQ(read_register(*device, matmul::kStatus), error.mask() | matmul::kStatusDone.mask());
      EXPECT_EQ(read_register(*device, matmul::kDoneCount), 1U);
      if (HasFailure()) return;
    }
  }
}

// Each single byte, of one beat.
TEST_P(ControlTest, WrongTkeepIsReportedAndChangesNothing) {
  const std::unique_ptr<RtlDevice> device = make_rtl_device(configuration());
  const std::uint64_t all = ~std::uint64_t{0};
  for (const bool on_codes : {true, false}) {
    const std::size_t bytes =
        on_codes ? code_beat_bytes(configuration()) : activation_beat_bytes(configuration());
    const Field error =
        on_codes ? matmul::kStatusErrorCodesKeep : matmul::kStatusErrorActivationsKeep;
    for (std::size_t byte = 0; byte < bytes; ++byte) {
      SCOPED_TRACE(fmt::format("{} byte {}", on_codes ? "code" : "activation", byte));
      const Beats beats = beats_of({2, 1, 1, DecodeMode::kForward});
      const std::span<const std::uint8_t> codes(beats.codes);
      const std::span<const std::int8_t> activations(beats.activations);
      const std::uint64_t keep = ~(std::uint64_t{1} << byte);
      device->set_keep(on_codes ? keep : all, on_codes ? all : keep);
      device->push_codes(codes.first(code_beat_bytes(configuration())), false);
      device->push_activations(activations.first(rows()), false);
      device->set_keep(all, all);
      device->push_codes(codes.subspan(code_beat_bytes(configuration())), true);
      device->push_activations(activations.subspan(rows()), true);
      start(*device, beats.command);
      for (std::uint32_t i = 0; i < 4 * (rows() + cols()) + 20; ++i) device->advance(1);
      std::vector<std::int32_t> lanes(beats.expected.size());
      EXPECT_EQ(device->pop_results(lanes).beats, 2U);
      EXPECT_EQ(lanes, beats.expected);
      EXPECT_EQ(read_register(*device, matmul::kStatus), error.mask() | matmul::kStatusDone.mask());
      write_register(*device, matmul::kStatus, matmul::kStatusSticky);
      if (HasFailure()) return;
    }
  }
}

// More than 14 TLASTs owed are not counted: until FLUSH. Up to there, as many as are owed. The
// model agrees.
TEST_P(ControlTest, DiscardsOfManyCommands) {
  const std::uint32_t discards =
      matmul::kStatusDiscardCodes.mask() | matmul::kStatusDiscardActivations.mask();
  for (const int commands : {13, 14, 15, 16, 33}) {
    const std::unique_ptr<Device> rtl = make_rtl_device(configuration());
    const std::unique_ptr<Device> model = make_model_device(configuration());
    for (Device* const device : {rtl.get(), model.get()}) {
      SCOPED_TRACE(fmt::format("{}, {} commands", device->name(), commands));
      const Beats beats = beats_of({1, 1, 1, DecodeMode::kForward});
      for (int i = 0; i < commands; ++i) {
        start(*device, beats.command);
        write_register(*device, matmul::kControl, matmul::kControlSoftReset.mask());
      }
      for (int i = 0; i < commands; ++i) {
        EXPECT_EQ(read_register(*device, matmul::kStatus), discards) << i << " packets";
        device->push_codes(beats.codes, true);
        device->push_activations(beats.activations, true);
        for (std::uint32_t j = 0; j < rows() + 4; ++j) device->advance(1);
      }
      EXPECT_EQ(read_register(*device, matmul::kStatus), commands > 14 ? discards : 0U);
      write_register(*device, matmul::kControl, matmul::kControlFlush.mask());
      EXPECT_EQ(read_register(*device, matmul::kStatus), 0U);
      run_commands(*device, {beats});
    }
  }
}

// irq_o: a level, masked bit by bit, cleared by writing 1.
TEST_P(ControlTest, Interrupt) {
  const std::unique_ptr<RtlDevice> device = make_rtl_device(configuration());
  const std::uint32_t enable = matmul::kControlIrqEnable.mask();
  const auto settle = [&] {
    for (int i = 0; i < 4; ++i) device->advance(1);
    return device->irq();
  };
  write_register(*device, matmul::kControl, matmul::kControlStart.mask());  // M is 0
  EXPECT_FALSE(settle()) << "not enabled";
  write_register(*device, matmul::kControl, enable);
  EXPECT_TRUE(settle());
  for (unsigned bit = 0; bit < 32; ++bit) {
    write_register(*device, matmul::kIrqMask, ~(1U << bit));
    EXPECT_EQ(settle(), bit != matmul::kStatusErrorSize.lsb) << bit;
    EXPECT_EQ(read_register(*device, matmul::kIrqMask), ~(1U << bit) & matmul::kStatusSticky);
  }
  write_register(*device, matmul::kStatus, ~matmul::kStatusErrorSize.mask());
  EXPECT_TRUE(settle()) << "only a 1 clears";
  write_register(*device, matmul::kStatus, matmul::kStatusErrorSize.mask());
  EXPECT_FALSE(settle());
  EXPECT_EQ(read_register(*device, matmul::kStatus), 0U);
}

TEST_P(ControlTest, TraceIsWritten) {
  const std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) / fmt::format("szt_control_{}.fst", GetParam());
  {
    const std::unique_ptr<RtlDevice> device =
        make_rtl_device(configuration(), {.stalls = {}, .trace = path, .initial_state = 0});
    const Beats beats = beats_of({3, 2, 1, DecodeMode::kForward});
    // Tracing evaluates in other steps; the behaviour is the same.
    EXPECT_EQ(busy_cycles(run_commands(*device, {beats})),
              std::vector<std::uint64_t>{command_cycles(configuration(), beats.command)});
  }
  EXPECT_NO_THROW(check_trace(path));
  // A trace cut short is noticed.
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  EXPECT_THROW(check_trace(path), InputError);
  std::filesystem::remove(path);
  EXPECT_THROW(check_trace(path), InputError);
  EXPECT_THROW(make_rtl_device(configuration(),
                               {.stalls = {}, .trace = "/dev/null/trace.fst", .initial_state = 0}),
               InputError);
}

const auto kName = [](const auto& name) { return name.param; };
INSTANTIATE_TEST_SUITE_P(Rtl, ControlTest, testing::ValuesIn(test_configurations()), kName);
INSTANTIATE_TEST_SUITE_P(Rtl, LastTest, testing::ValuesIn(test_configurations()), kName);

}  // namespace
}  // namespace szt::sim
