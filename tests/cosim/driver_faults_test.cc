// SPDX-License-Identifier: Apache-2.0
// What the driver says of devices and hosts that are broken in one way.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cosim_util.h"
#include "szt/sim/device.h"
#include "szt/sim/driver.h"
#include "szt/sim/model_device.h"
#include "szt/sim/registers.h"
#include "szt/sim/rtl_device.h"

namespace szt::sim {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

enum class Fault {
  kNone,
  kNoResults,     // the host takes none
  kExtraResults,  // a beat more than came
  kLostTlast,     // of the results
  kExtraTlast,    // one beat early
  kNoCodes,       // the host offers none
  kNoActivations,
  kNoStart,      // START is lost on its way
  kNoInterrupt,  // irq is not wired
  kWrongId,
  kWrongVersion,
  kWrongRows,
  kWrongDepth,
  kRefusedRead,
  kRefusedWrite
};

class BrokenDevice final : public Device {
 public:
  BrokenDevice(Fault fault, std::unique_ptr<Device> inner)
      : fault_(fault), inner_(std::move(inner)) {}

  // ORed into what STATUS reads as.
  void raise(std::uint32_t status) { status_ = status; }
  // As a board's device, which sees no pins.
  void hide_pins() { hidden_ = true; }

  std::string_view name() const override { return "broken"; }
  const Configuration& configuration() const override { return inner_->configuration(); }
  bool write_register(std::uint32_t address, std::uint32_t value) override {
    if (fault_ == Fault::kRefusedWrite && address == matmul::kNTiles) return false;
    if (fault_ == Fault::kNoStart && address == matmul::kControl) {
      value &= ~matmul::kControlStart.mask();
    }
    return inner_->write_register(address, value);
  }
  std::optional<std::uint32_t> read_register(std::uint32_t address) override {
    if (fault_ == Fault::kRefusedRead && address == matmul::kCycles) return std::nullopt;
    const auto value = inner_->read_register(address);
    if (!value) return value;
    if (address == matmul::kStatus) return *value | status_;
    if (fault_ == Fault::kWrongId && address == matmul::kId) return 0xDEADBEEF;
    if (fault_ == Fault::kWrongVersion && address == matmul::kVersion) {
      return *value ^ matmul::kVersionMajor.make(2);
    }
    if (fault_ == Fault::kWrongRows && address == matmul::kConfig) {
      return *value ^ matmul::kConfigRows.make(1);
    }
    if (fault_ == Fault::kWrongDepth && address == matmul::kAccDepth) return *value + 1;
    return value;
  }
  bool irq() const override { return fault_ != Fault::kNoInterrupt && inner_->irq(); }
  std::size_t push_codes(std::span<const std::uint8_t> beats, bool last) override {
    return fault_ == Fault::kNoCodes ? 0 : inner_->push_codes(beats, last);
  }
  std::size_t push_activations(std::span<const std::int8_t> beats, bool last) override {
    return fault_ == Fault::kNoActivations ? 0 : inner_->push_activations(beats, last);
  }
  bool cancel_pushes() override { return inner_->cancel_pushes(); }
  Popped pop_results(std::span<std::int32_t> lanes) override {
    if (fault_ == Fault::kNoResults) return {};
    Popped popped = inner_->pop_results(lanes);
    if (fault_ == Fault::kExtraResults && popped.last) ++popped.beats;
    if (fault_ == Fault::kLostTlast) popped.last = false;
    if (fault_ == Fault::kExtraTlast && popped.beats > 1) {
      --popped.beats;
      popped.last = true;
    }
    return popped;
  }
  std::uint64_t advance(std::uint64_t cycles) override { return inner_->advance(cycles); }
  std::uint64_t cycle() const override { return inner_->cycle(); }
  std::string describe() const override { return "inside: " + inner_->describe(); }
  std::optional<StreamStates> stream_states() const override {
    return hidden_ ? std::nullopt : inner_->stream_states();
  }

 private:
  Fault fault_;
  std::unique_ptr<Device> inner_;
  std::uint32_t status_ = 0;
  bool hidden_ = false;
};

const Shape kSmallShape = {3, 1, 1};
// More beats of each stream than any host queue of a device holds.
const Shape kLargeShape = {64, 64, 400};

std::unique_ptr<Device> make_device(bool rtl) {
  const Configuration& configuration = find_configuration("tiny");
  return rtl ? std::unique_ptr<Device>(make_rtl_device(configuration))
             : make_model_device(configuration);
}

// Of a run of the shape, empty if there was none.
std::string failure_of(BrokenDevice& device, const Shape& shape, DriverOptions options = {}) {
  const Work work = constant_work(shape, 1, Code::kPlusOne);
  std::vector<std::int32_t> y(work.m * work.weights.rows());
  try {
    Driver(device, std::move(options)).matmul(work.job(), y);
  } catch (const DeviceError& error) {
    return error.what();
  }
  return "";
}

std::string failure_of(Fault fault, const Shape& shape = kSmallShape, bool rtl = false) {
  BrokenDevice device(fault, make_device(rtl));
  return failure_of(device, shape);
}

TEST(DriverFaults, AWorkingDeviceHasNone) {
  for (const bool rtl : {false, true}) EXPECT_EQ(failure_of(Fault::kNone, kLargeShape, rtl), "");
}

TEST(DriverFaults, TheWatchdogSaysHowFarEachStreamWas) {
  EXPECT_THAT(failure_of(Fault::kNoResults),
              AllOf(HasSubstr("broken device: hangs: no beat for"),
                    HasSubstr("1 of 1 commands started; 4 code, 3 activation beats handed over "
                              "(all); 0 of 3 result beats came"),
                    HasSubstr("inside: cycle")));
}

TEST(DriverFaults, TheWatchdogNamesTheHandshakeThatStops) {
  const auto stuck = [](const char* what) {
    return HasSubstr(fmt::format("stuck handshake: {};", what));
  };
  for (const bool rtl : {false, true}) {
    SCOPED_TRACE(rtl ? "rtl" : "model");
    EXPECT_THAT(failure_of(Fault::kNoResults, kLargeShape, rtl),
                stuck("results are offered, not taken"));
    EXPECT_THAT(failure_of(Fault::kNoCodes, kLargeShape, rtl),
                stuck("codes are waited for, not offered"));
    EXPECT_THAT(failure_of(Fault::kNoActivations, kLargeShape, rtl),
                stuck("activations are waited for, not offered"));
    for (const Shape& shape : {kSmallShape, kLargeShape}) {
      EXPECT_THAT(failure_of(Fault::kNoStart, shape, rtl),
                  stuck("codes are offered, not taken, activations are offered, not taken"));
    }
  }
}

TEST(DriverFaults, WithoutPinsTheWatchdogNamesWhatIsUnfinished) {
  const auto failure = [](Fault fault, const Shape& shape) {
    BrokenDevice device(fault, make_device(false));
    device.hide_pins();
    return failure_of(device, shape);
  };
  EXPECT_THAT(failure(Fault::kNoResults, kSmallShape), HasSubstr("stuck handshake: results;"));
  EXPECT_THAT(failure(Fault::kNoCodes, kSmallShape),
              HasSubstr("stuck handshake: codes or results;"));
  EXPECT_THAT(failure(Fault::kNoActivations, kLargeShape),
              HasSubstr("stuck handshake: codes activations or results;"));
}

TEST(DriverFaults, PollingHasAWatchdogToo) {
  BrokenDevice device(Fault::kNoCodes, make_device(false));
  EXPECT_THAT(failure_of(device, kSmallShape,
                         {.watchdog_cycles = 500,
                          .completion = Completion::kPolling,
                          .poll_cycles = 10,
                          .progress = {}}),
              HasSubstr("hangs: no beat for 50"));
}

// Results tell the end of a command as well.
TEST(DriverFaults, AnInterruptThatIsNotWiredCostsTimeOnly) {
  for (const bool rtl : {false, true}) {
    EXPECT_EQ(failure_of(Fault::kNoInterrupt, kLargeShape, rtl), "");
  }
}

TEST(DriverFaults, StickyErrorsAreExplained) {
  const std::pair<Field, const char*> kErrors[] = {
      {matmul::kStatusErrorSize, "START refused: M, K_TILES or N_TILES out of range"},
      {matmul::kStatusErrorMode, "START refused: the decode mode is not built"},
      {matmul::kStatusErrorQueue, "START refused: the queue is full"},
      {matmul::kStatusErrorCodesLast, "TLAST of the codes misplaced"},
      {matmul::kStatusErrorActivationsLast, "TLAST of the activations misplaced"},
      {matmul::kStatusErrorCodesKeep, "TKEEP of the codes not all ones"},
      {matmul::kStatusErrorActivationsKeep, "TKEEP of the activations not all ones"}};
  std::uint32_t all = 0;
  for (const auto& [field, text] : kErrors) {
    all |= field.mask();
    for (const Completion completion : {Completion::kInterrupt, Completion::kPolling}) {
      BrokenDevice device(Fault::kNone, make_device(false));
      device.raise(field.mask());
      EXPECT_THAT(failure_of(device, kSmallShape, {.completion = completion, .progress = {}}),
                  AllOf(HasSubstr(fmt::format("broken device: {};", text)), HasSubstr("commands")));
    }
  }
  // Every sticky bit but DONE is one of them.
  EXPECT_EQ(all | matmul::kStatusDone.mask(), matmul::kStatusSticky);
  BrokenDevice device(Fault::kNoStart, make_device(true));
  device.raise(matmul::kStatusErrorSize.mask() | matmul::kStatusErrorMode.mask());
  EXPECT_THAT(failure_of(device, kSmallShape),
              AllOf(HasSubstr("out of range; START refused: the decode"), Not(HasSubstr("hangs"))));
}

TEST(DriverFaults, ResultsThatAreNotTheJobsAreRefused) {
  EXPECT_THAT(failure_of(Fault::kExtraResults), HasSubstr("TLAST is missing"));
  EXPECT_THAT(failure_of(Fault::kLostTlast), HasSubstr("TLAST is missing"));
  EXPECT_THAT(failure_of(Fault::kExtraTlast), HasSubstr("TLAST on a result that does not end"));
}

TEST(DriverFaults, AnotherDeviceIsRefused) {
  EXPECT_THAT(failure_of(Fault::kWrongId), HasSubstr("ID 0xdeadbeef is not a matmul core's"));
  EXPECT_THAT(failure_of(Fault::kWrongVersion), HasSubstr(", this driver is for 0x"));
  EXPECT_THAT(failure_of(Fault::kWrongRows), HasSubstr("its registers say 5x4"));
  EXPECT_THAT(failure_of(Fault::kWrongDepth), HasSubstr("65 vectors; configuration tiny is 4x4"));
  EXPECT_THAT(failure_of(Fault::kRefusedRead), HasSubstr("a read of register 0x"));
  EXPECT_THAT(failure_of(Fault::kRefusedWrite), HasSubstr("a write to register 0x"));
}

// What another program left in IRQ_MASK does not keep the driver waiting.
TEST(DriverFaults, TheInterruptMaskIsTheDriversOwn) {
  BrokenDevice device(Fault::kNone, make_device(true));
  ASSERT_TRUE(device.write_register(matmul::kIrqMask, 0));
  EXPECT_EQ(failure_of(device, kSmallShape), "");
  EXPECT_EQ(device.read_register(matmul::kIrqMask), matmul::kIrqMaskReset);
}

}  // namespace
}  // namespace szt::sim
