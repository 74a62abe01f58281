// SPDX-License-Identifier: Apache-2.0
// The host's soft resets, and what it does behind them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <utility>

#include "cosim/stress_host.h"
#include "szt/sim/driver.h"

namespace szt::sim {
namespace {

constexpr std::uint32_t kAll = std::numeric_limits<std::uint32_t>::max();

}  // namespace

void StressHost::soft_reset() {
  codes_.misplace = activations_.misplace = false;
  for (const Queue* const queue : {&results_, &codes_.packets, &activations_.packets}) {
    for (const auto& started : *queue) lost_count_ |= started->misplaced;
  }
  const std::uint32_t way = lost_count_ ? 0 : random(8);
  bool start_too = false;
  do {
    start_too = way > 3 && random(3) == 0 && owed_ + results_.size() < kMostOwed;
    reset_once(start_too);
    // One reset upon the other, above all while a result is held.
    pass(random(2) == 0 ? 0 : 1 + random(results_.empty() ? 20 : 5));
  } while (random(4) < (results_.empty() ? 1U : 3U) && !testing::Test::HasFailure());
  if (testing::Test::HasFailure() || way > 2) return;
  if (way == 0) {
    Driver(*device_).recover();  // whatever the streams are at
    irq_ = matmul::kControlIrqEnable.mask();
    results_.clear();
    codes_.forget();
    activations_.forget();
    owed_ = 0;
    lost_count_ = false;
    errors_ = {};
  } else if (way == 1) {
    drop_the_rest();
  } else {
    send_the_rest();
  }
  read_status();
}

void StressHost::reset_once(bool start_too) {
  ++counts_.resets;
  if (owed_ != 0) ++counts_.resets_while_discarding;
  std::uint32_t bits = matmul::kControlSoftReset.mask() | irq_;
  std::optional<Beats> next;
  if (start_too) {
    next = make_beats(configuration_, random_command(), generator_);
    write_register(*device_, matmul::kM, next->command.m);
    write_register(*device_, matmul::kKTiles, next->command.k_tiles);
    write_register(*device_, matmul::kNTiles, next->command.n_tiles);
    write_register(*device_, matmul::kMode, static_cast<std::uint32_t>(next->command.mode));
    bits |= matmul::kControlStart.mask();
  }
  ended_ = false;
  write_register(*device_, matmul::kControl, bits);
  pop(kAll);  // accepted before the reset, but perhaps for the last of them
  const bool perhaps_held = ended_;
  for (const auto& started : results_) {
    if (started->dropped) continue;
    started->dropped = true;
    ++owed_;
    ++counts_.dropped;
    errors_.dropped(started->id);
  }
  // From here on at most one more may come. It was there at an earlier reset already: then it must.
  const bool must_come = !results_.empty() && results_.front()->held;
  if (!results_.empty()) {
    results_.resize(1);
    results_.front()->held = true;
  }
  if (must_come) ++counts_.resets_while_held;
  const std::uint32_t status = read_status();
  const bool held = matmul::kStatusResultHeld.get(status) != 0;
  if (pop(kAll) == 0) {
    EXPECT_TRUE(held || !must_come) << "a held result was forgotten";
    if (!held) results_.clear();
  }
  if (!start_too) {
    EXPECT_EQ(status & (matmul::kStatusBusy.mask() | matmul::kStatusQueue.mask()), 0U);
  }
  // A held result does not count as done, even if it was a command's last.
  const std::uint32_t count = read_register(*device_, matmul::kDoneCount);
  EXPECT_TRUE(count == done_ || (count + 1 == done_ && perhaps_held))
      << count << " done, " << done_ << " seen";
  done_ = count;
  if (next) hold(std::move(*next));
}

void StressHost::send_the_rest() {
  codes_.waits = activations_.waits = false;
  for (int guard = 0; guard < 20'000 && !testing::Test::HasFailure(); ++guard) {
    push(codes_, 1000);
    push(activations_, 1000);
    device_->advance(50);
    pop(1);
    read_status();
    if (owed_ == 0 && results_.empty()) {
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
  codes_.forget();
  activations_.forget();
  write_register(*device_, matmul::kControl, matmul::kControlFlush.mask() | irq_);
  owed_ = 0;
}

}  // namespace szt::sim
