// SPDX-License-Identifier: Apache-2.0
#include "cosim/stress_host.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

#include "szt/sim/driver.h"

namespace szt::sim {
namespace {

constexpr std::uint32_t kLastErrors =
    matmul::kStatusErrorCodesLast.mask() | matmul::kStatusErrorActivationsLast.mask();
constexpr std::uint32_t kKeepErrors =
    matmul::kStatusErrorCodesKeep.mask() | matmul::kStatusErrorActivationsKeep.mask();
constexpr std::uint32_t kErrors = matmul::kStatusSticky & ~matmul::kStatusDone.mask();

}  // namespace

StressHost::StressHost(const Configuration& configuration, std::mt19937_64& generator)
    : configuration_(configuration),
      generator_(generator),
      device_(make_rtl_device(configuration, options())),
      cols_(result_beat_lanes(configuration)) {
  write_register(*device_, matmul::kControl, irq_);
}

void StressHost::run(int actions) {
  for (int i = 0; i < actions && !testing::Test::HasFailure(); ++i) {
    switch (random(20)) {
      case 0:
      case 1:
      case 2:
      case 3:
        start_command();
        break;
      case 4:
        bad_command();
        break;
      case 5:
        bad_access();
        break;
      case 6:
        if (random(2) == 0) soft_reset();
        break;
      case 7:
        if (random(8) == 0) misplace_last_ = true;
        break;
      case 8:
        if (random(8) == 0) wrong_keep();
        break;
      case 9:
        acknowledge();
        break;
      default:
        push(true, random(40));
        push(false, random(40));
        device_->advance(1 + random(60));
        pop(1 + random(12));
        break;
    }
  }
}

void StressHost::finish() {
  misplace_last_ = false;
  for (int guard = 0; !commands_.empty() && !testing::Test::HasFailure(); ++guard) {
    push(true, 1000);
    push(false, 1000);
    device_->advance(200);
    pop(1000);
    if (guard == 20'000) FAIL() << "no end: " << device_->describe();
  }
  if (testing::Test::HasFailure()) return;
  for (int i = 0; i < 20; ++i) device_->advance(1);
  const std::uint32_t status = read_register(*device_, matmul::kStatus);
  EXPECT_EQ(status & ~matmul::kStatusSticky, 0U) << "not idle";
  check_errors(status);
  EXPECT_EQ(read_register(*device_, matmul::kDoneCount), done_);
  const bool due = (status & matmul::kStatusSticky) != 0 && irq_ != 0;
  EXPECT_EQ(device_->irq(), due);
  EXPECT_EQ(read_register(*device_, matmul::kResultsStalls), device_->stall_counts().results);
}

std::uint32_t StressHost::random(std::uint32_t below) {
  return static_cast<std::uint32_t>(generator_() % below);
}

StallPattern StressHost::pattern() {
  const double levels[] = {0, 0, 0.1, 0.3, 0.6, 0.9, 0.95};
  const double p = levels[random(std::size(levels))];
  return random(2) == 0 ? StallPattern::random(p) : StallPattern::burst(p, 1 + random(40));
}

RtlOptions StressHost::options() {
  RtlOptions options;
  options.stalls = {pattern(), pattern(), pattern(), pattern(), generator_()};
  options.initial_state = generator_() % 1000;
  return options;
}

Command StressHost::random_command() {
  const auto depth = static_cast<std::uint32_t>(configuration_.acc_depth);
  const auto edge = static_cast<std::uint32_t>(std::max(configuration_.rows, configuration_.cols));
  const std::uint32_t m = random(8) == 0 ? edge + 1 : 1 + random(6);
  return {std::min(depth, m), 1 + random(3), 1 + random(2), kAllDecodeModes[random(3)]};
}

void StressHost::start_command() {
  if (matmul::kStatusQueue.get(read_register(*device_, matmul::kStatus)) == 2) {
    if (random(4) == 0) start_on_full_queue();
    return;
  }
  begin(make_beats(configuration_, random_command(), generator_));
}

void StressHost::start_on_full_queue() {
  write_register(*device_, matmul::kStatus, matmul::kStatusErrorQueue.mask());
  certain_ &= ~matmul::kStatusErrorQueue.mask();
  const Command command = random_command();
  start(*device_, command, irq_);
  possible_ |= matmul::kStatusErrorQueue.mask();
  if (matmul::kStatusErrorQueue.get(read_register(*device_, matmul::kStatus)) != 0) {
    certain_ |= matmul::kStatusErrorQueue.mask();
  } else {
    hold(make_beats(configuration_, command, generator_));
  }
}

void StressHost::begin(Beats beats) {
  start(*device_, beats.command, irq_);
  hold(std::move(beats));
}

void StressHost::hold(Beats beats) {
  commands_.push_back({std::move(beats)});
  ++started_total_;
}

void StressHost::bad_command() {
  const auto depth = static_cast<std::uint32_t>(configuration_.acc_depth);
  Command command = random_command();
  std::uint32_t mode = static_cast<std::uint32_t>(command.mode);
  std::uint32_t error = matmul::kStatusErrorSize.mask();
  switch (random(8)) {
    case 0:
      command.m = 0;
      break;
    case 1:
      command.m = depth + 1;
      break;
    case 2:
      command.m |= 1U << 31;
      break;
    case 3:
      command.k_tiles = 0;
      break;
    case 4:
      command.k_tiles = 1U << 24;
      break;
    case 5:
      command.n_tiles = 0;
      break;
    case 6:
      command.n_tiles |= 1U << 24;
      break;
    default:
      mode = random(2) == 0 ? 3 : 4 + mode;
      error = matmul::kStatusErrorMode.mask();
      break;
  }
  const bool full = matmul::kStatusQueue.get(read_register(*device_, matmul::kStatus)) == 2;
  write_register(*device_, matmul::kM, command.m);
  write_register(*device_, matmul::kKTiles, command.k_tiles);
  write_register(*device_, matmul::kNTiles, command.n_tiles);
  write_register(*device_, matmul::kMode, mode);
  write_register(*device_, matmul::kControl, matmul::kControlStart.mask() | irq_);
  certain_ |= error;
  possible_ |= error | (full ? matmul::kStatusErrorQueue.mask() : 0);
  check_errors(read_register(*device_, matmul::kStatus), kLastErrors | kKeepErrors);
}

void StressHost::bad_access() {
  const std::uint32_t unmapped = matmul::kResultsStalls + 4 + 4 * random(40);
  EXPECT_FALSE(device_->write_register(unmapped, ~0U));
  EXPECT_FALSE(device_->read_register(unmapped).has_value());
  EXPECT_FALSE(device_->write_register(matmul::kId, 0));
  EXPECT_FALSE(device_->write_register(matmul::kDoneCount, ~0U));
}

void StressHost::wrong_keep() {
  const bool codes = random(2) == 0;
  device_->set_keep(codes ? 0 : ~std::uint64_t{0}, codes ? ~std::uint64_t{0} : 2);
  possible_ |=
      codes ? matmul::kStatusErrorCodesKeep.mask() : matmul::kStatusErrorActivationsKeep.mask();
  for (int i = 0; i < 8; ++i) {
    push(true, 4);
    push(false, 4);
    device_->advance(8);
    pop(8);
  }
  device_->set_keep(~std::uint64_t{0}, ~std::uint64_t{0});
}

void StressHost::push(bool codes, std::uint32_t beats) {
  std::size_t& list = codes ? code_list_ : act_list_;
  std::size_t& at = codes ? code_at_ : act_at_;
  const std::size_t bytes =
      codes ? code_beat_bytes(configuration_) : activation_beat_bytes(configuration_);
  while (beats != 0 && list < commands_.size()) {
    const Beats& held = commands_[list].beats;
    const std::size_t size = codes ? held.codes.size() : held.activations.size();
    std::size_t count = std::min<std::size_t>(beats, (size - at) / bytes);
    bool last = at + count * bytes == size;
    if (misplace_last_ && count != 0) {
      last = !last;
      misplace_last_ = false;
      possible_ |= kLastErrors;
      last_misplaced_ = true;
    }
    const std::size_t taken =
        codes ? device_->push_codes(std::span(held.codes).subspan(at, count * bytes), last)
              : device_->push_activations(std::span(held.activations).subspan(at, count * bytes),
                                          last);
    at += taken * bytes;
    beats -= static_cast<std::uint32_t>(taken);
    if (at == size) {
      at = 0;
      ++list;
    }
    if (taken < count) return;
  }
}

void StressHost::pop(std::uint32_t beats) {
  std::vector<std::int32_t> lanes(cols_);
  for (; beats != 0; --beats) {
    const Popped popped = device_->pop_results(lanes);
    if (popped.beats == 0) return;
    if (commands_.empty()) {
      ADD_FAILURE() << "a result without a command";
      return;
    }
    Held& held = commands_.front();
    const auto expected =
        held.beats.expected.begin() + static_cast<std::ptrdiff_t>(held.result * cols_);
    if (!std::equal(lanes.begin(), lanes.end(), expected)) {
      ADD_FAILURE() << "result beat " << held.result << " differs";
      return;
    }
    ++held.result;
    EXPECT_EQ(popped.last, held.result % held.beats.command.m == 0);
    if (held.result * cols_ < held.beats.expected.size()) continue;
    commands_.pop_front();
    ++done_;
    if (code_list_ == 0 || act_list_ == 0) {
      ADD_FAILURE() << "a command ended before its beats were sent";
      return;
    }
    --code_list_;
    --act_list_;
  }
}

void StressHost::soft_reset() {
  misplace_last_ = false;
  write_register(*device_, matmul::kControl, matmul::kControlSoftReset.mask() | irq_);
  // Results that had been accepted, and the one that was offered, still come, in order.
  const std::uint32_t done_before = done_;
  bool held = false;
  for (int guard = 0; guard < 3000; ++guard) {
    held = matmul::kStatusResultHeld.get(read_register(*device_, matmul::kStatus)) != 0;
    pop(100'000);
    if (!held) break;
    device_->advance(1);
  }
  EXPECT_FALSE(held) << "a held result never left";
  pop(100'000);
  // The held one does not count as done, even if it was a command's last.
  const std::uint32_t count = read_register(*device_, matmul::kDoneCount);
  EXPECT_TRUE(count == done_ || (count + 1 == done_ && done_ > done_before))
      << count << " done, " << done_ << " seen";
  done_ = count;
  if (last_misplaced_ || random(3) == 0) {
    Driver(*device_).recover();  // whatever the streams are at
    irq_ = matmul::kControlIrqEnable.mask();
    certain_ = 0;
  } else if (random(2) == 0) {
    drop_the_rest();
  } else {
    send_the_rest();
  }
  commands_.clear();
  code_list_ = act_list_ = code_at_ = act_at_ = 0;
  const std::uint32_t status = read_register(*device_, matmul::kStatus);
  EXPECT_EQ(status & ~matmul::kStatusSticky, 0U) << "not idle after a soft reset";
  check_errors(status);
  last_misplaced_ = false;
  acknowledge();
  certain_ = possible_ = 0;
  write_register(*device_, matmul::kStatus, kErrors);
}

void StressHost::send_the_rest() {
  for (int guard = 0; guard < 20'000; ++guard) {
    push(true, 1000);
    push(false, 1000);
    device_->advance(50);
    const std::uint32_t status = read_register(*device_, matmul::kStatus);
    if (matmul::kStatusDiscardCodes.get(status) == 0 &&
        matmul::kStatusDiscardActivations.get(status) == 0) {
      EXPECT_EQ(code_list_, commands_.size());
      EXPECT_EQ(act_list_, commands_.size());
      EXPECT_TRUE(device_->cancel_pushes()) << "beats are left";
      return;
    }
  }
  ADD_FAILURE() << "the discarding does not end: " << device_->describe();
}

void StressHost::drop_the_rest() {
  for (int guard = 0; !device_->cancel_pushes(); ++guard) {
    device_->advance(1);
    if (guard == 3000) {
      ADD_FAILURE() << "a beat does not leave the wires: " << device_->describe();
      return;
    }
  }
  if (random(2) == 0) {  // once more changes nothing
    write_register(*device_, matmul::kControl, matmul::kControlSoftReset.mask() | irq_);
  }
  write_register(*device_, matmul::kControl, matmul::kControlFlush.mask() | irq_);
}

void StressHost::check_errors(std::uint32_t status, std::uint32_t except) {
  const std::uint32_t errors = status & kErrors;
  EXPECT_EQ(errors & ~possible_ & ~except, 0U) << "an error that nobody made";
  EXPECT_EQ(certain_ & ~errors & ~except, 0U) << "an error that was not reported";
}

void StressHost::acknowledge() {
  const std::uint32_t status = read_register(*device_, matmul::kStatus);
  check_errors(status);
  const std::uint32_t seen = status & matmul::kStatusSticky;
  write_register(*device_, matmul::kStatus, seen);
  certain_ &= ~seen;  // possible ones may come again: their beats may be on the way
  if (random(4) == 0) {
    irq_ ^= matmul::kControlIrqEnable.mask();
    write_register(*device_, matmul::kControl, irq_);
  }
}

}  // namespace szt::sim
