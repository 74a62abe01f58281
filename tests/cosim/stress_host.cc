// SPDX-License-Identifier: Apache-2.0
#include "cosim/stress_host.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

namespace szt::sim {
namespace {

constexpr std::uint32_t kErrors = matmul::kStatusSticky & ~matmul::kStatusDone.mask();

}  // namespace

StressCounts& StressCounts::operator+=(const StressCounts& other) {
  commands += other.commands;
  dropped += other.dropped;
  resets += other.resets;
  resets_while_held += other.resets_while_held;
  resets_while_discarding += other.resets_while_discarding;
  starts_while_discarding += other.starts_while_discarding;
  bad_beats_certain += other.bad_beats_certain;
  return *this;
}

StressHost::StressHost(const Configuration& configuration, std::mt19937_64& generator)
    : configuration_(configuration),
      generator_(generator),
      device_(make_rtl_device(configuration, options())),
      cols_(result_beat_lanes(configuration)) {
  write_register(*device_, matmul::kControl, irq_);
}

void StressHost::run(int actions) {
  for (int i = 0; i < actions && !testing::Test::HasFailure(); ++i) {
    switch (random(24)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        start_command();
        break;
      case 5:
        bad_command();
        break;
      case 6:
        bad_access();
        break;
      case 7:
        if (random(3) == 0) soft_reset();
        break;
      case 8:
        if (random(4) == 0) random_stream().misplace = true;
        break;
      case 9:
        if (random(4) == 0) random_stream().bad_keep = true;
        break;
      case 10:
        acknowledge();
        break;
      case 11:
        for (Stream* const stream : {&codes_, &activations_}) stream->waits = random(6) == 0;
        break;
      default:
        push(codes_, random(40));
        push(activations_, random(40));
        pass(1 + random(60));
        pop(1 + random(12));
        break;
    }
  }
}

void StressHost::finish() {
  for (Stream* const stream : {&codes_, &activations_}) {
    stream->waits = stream->misplace = stream->bad_keep = false;
  }
  const std::uint32_t discards =
      matmul::kStatusDiscardCodes.mask() | matmul::kStatusDiscardActivations.mask();
  // Cycles, not turns: while an interrupt is up a turn is one cycle.
  constexpr std::uint64_t kLongest = 2'000'000;
  for (std::uint64_t cycles = 0; !testing::Test::HasFailure();) {
    push(codes_, 1000);
    push(activations_, 1000);
    cycles += device_->advance(200);
    pop(1000);
    if (results_.empty() && codes_.packets.empty() && activations_.packets.empty() &&
        (read_status() & discards) == 0) {
      break;
    }
    if (cycles > kLongest) FAIL() << "no end: " << device_->describe();
  }
  if (testing::Test::HasFailure()) return;
  pass(20);
  const std::uint32_t status = read_status();
  EXPECT_EQ(status & ~matmul::kStatusSticky, 0U) << "not idle";
  EXPECT_TRUE(device_->cancel_pushes()) << "beats are left";
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
  if (random(3) == 0) options.stalls.results = StallPattern::burst(0.9, 200);
  options.initial_state = generator_() % 1000;
  return options;
}

Command StressHost::random_command() {
  const auto depth = static_cast<std::uint32_t>(configuration_.acc_depth);
  const auto edge = static_cast<std::uint32_t>(std::max(configuration_.rows, configuration_.cols));
  const std::uint32_t m = std::min(depth, random(8) == 0 ? edge + 1 : 1 + random(6));
  const DecodeMode mode = kAllDecodeModes[random(3)];
  if (random(4) == 0) return {m, 1, 1, mode};  // many of these fit into the core at a time
  return {m, 1 + random(3), 1 + random(2), mode};
}

void StressHost::start_command() {
  const std::uint32_t status = read_status();
  if (owed_ + results_.size() >= kMostOwed) return;
  if (matmul::kStatusQueue.get(status) == 2) {
    if (random(4) == 0) start_on_full_queue();
    return;
  }
  if (owed_ != 0) ++counts_.starts_while_discarding;
  Beats beats = make_beats(configuration_, random_command(), generator_);
  start(*device_, beats.command, irq_);
  hold(std::move(beats));
}

void StressHost::start_on_full_queue() {
  const std::uint32_t bit = matmul::kStatusErrorQueue.mask();
  write_register(*device_, matmul::kStatus, bit);
  errors_.cleared(bit);
  const Command command = random_command();
  start(*device_, command, irq_);
  errors_.uncertain(bit);
  if ((read_status() & bit) != 0) {
    errors_.raised(bit);
  } else {
    errors_.cleared(bit);
    hold(make_beats(configuration_, command, generator_));
  }
}

void StressHost::hold(Beats beats) {
  const auto started = std::make_shared<Started>(Started{counts_.commands, std::move(beats)});
  results_.push_back(started);
  codes_.packets.push_back(started);
  activations_.packets.push_back(started);
  ++counts_.commands;
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
  const bool full = matmul::kStatusQueue.get(read_status()) == 2;
  write_register(*device_, matmul::kM, command.m);
  write_register(*device_, matmul::kKTiles, command.k_tiles);
  write_register(*device_, matmul::kNTiles, command.n_tiles);
  write_register(*device_, matmul::kMode, mode);
  write_register(*device_, matmul::kControl, matmul::kControlStart.mask() | irq_);
  errors_.raised(error);
  if (full) errors_.uncertain(matmul::kStatusErrorQueue.mask());
  read_status();
}

void StressHost::bad_access() {
  const std::uint32_t unmapped = matmul::kResultsStalls + 4 + 4 * random(40);
  EXPECT_FALSE(device_->write_register(unmapped, ~0U));
  EXPECT_FALSE(device_->read_register(unmapped).has_value());
  EXPECT_FALSE(device_->write_register(matmul::kId, 0));
  EXPECT_FALSE(device_->write_register(matmul::kDoneCount, ~0U));
}

void StressHost::acknowledge() {
  const std::uint32_t seen = read_status() & matmul::kStatusSticky;
  write_register(*device_, matmul::kStatus, seen);
  errors_.cleared(seen);
  if (random(4) == 0) irq_ ^= matmul::kControlIrqEnable.mask();
  // A flush when nothing is owed changes nothing.
  const std::uint32_t flush = owed_ == 0 ? matmul::kControlFlush.mask() : 0;
  write_register(*device_, matmul::kControl, irq_ | flush);
}

void StressHost::pass(std::uint32_t cycles) {
  const std::uint64_t end = device_->cycle() + cycles;
  while (device_->cycle() < end) device_->advance(end - device_->cycle());
}

void StressHost::push(Stream& stream, std::uint32_t beats) {
  const bool codes = stream.codes;
  const std::uint64_t all = ~std::uint64_t{0};
  const std::size_t bytes =
      codes ? code_beat_bytes(configuration_) : activation_beat_bytes(configuration_);
  while (!stream.waits && beats != 0 && !stream.packets.empty()) {
    Started& started = *stream.packets.front();
    const std::size_t size = codes ? started.beats.codes.size() : started.beats.activations.size();
    const std::size_t count = std::min<std::size_t>(beats, (size - stream.at) / bytes);
    // A packet that is discarded must keep its TLAST.
    const bool misplace = stream.misplace && !started.dropped;
    const bool last = (stream.at + count * bytes == size) != misplace;
    if (stream.bad_keep) {
      const std::uint64_t keep =
          random(2) == 0 ? 0 : ~(std::uint64_t{1} << random(static_cast<std::uint32_t>(bytes)));
      device_->set_keep(codes ? keep : all, codes ? all : keep);
    }
    const std::size_t taken =
        codes ? device_->push_codes(
                    std::span(started.beats.codes).subspan(stream.at, count * bytes), last)
              : device_->push_activations(
                    std::span(started.beats.activations).subspan(stream.at, count * bytes), last);
    device_->set_keep(all, all);
    if (stream.bad_keep && taken != 0) {
      stream.bad_keep = false;
      // What is discarded is not checked.
      if (!started.dropped) errors_.sent(stream.keep_error.mask(), started.id);
    }
    if (misplace && taken == count) {
      stream.misplace = false;
      started.misplaced = true;
      errors_.sent(stream.last_error.mask(), started.id);
    }
    stream.at += taken * bytes;
    beats -= static_cast<std::uint32_t>(taken);
    if (stream.at == size) {
      stream.at = 0;
      stream.packets.pop_front();
    }
    if (taken < count) return;
  }
}

std::size_t StressHost::pop(std::uint32_t beats) {
  std::vector<std::int32_t> lanes(cols_);
  for (std::size_t taken = 0;; ++taken) {
    if (taken == beats) return taken;
    const Popped popped = device_->pop_results(lanes);
    if (popped.beats == 0) return taken;
    if (results_.empty()) {
      ADD_FAILURE() << "a result without a command";
      return taken;
    }
    Started& started = *results_.front();
    const auto expected =
        started.beats.expected.begin() + static_cast<std::ptrdiff_t>(started.result * cols_);
    if (!std::equal(lanes.begin(), lanes.end(), expected)) {
      ADD_FAILURE() << "result beat " << started.result << " differs";
      return taken;
    }
    ++started.result;
    EXPECT_EQ(popped.last, started.result % started.beats.command.m == 0);
    const bool end = started.result * cols_ == started.beats.expected.size();
    ended_ = end && !started.held;
    if (end) {
      const std::uint32_t known = errors_.certain();
      errors_.done(started.id);
      counts_.bad_beats_certain += errors_.certain() != known ? 1U : 0U;
      for (const Stream* const stream : {&codes_, &activations_}) {
        if (stream->packets.empty() || stream->packets.front()->id > started.id) continue;
        ADD_FAILURE() << "a command ended before its beats were sent";
        return taken;
      }
    }
    if (ended_) ++done_;
    if (end || started.held) results_.pop_front();
  }
}

std::uint32_t StressHost::read_status() {
  const std::uint32_t status = read_register(*device_, matmul::kStatus);
  EXPECT_EQ(status & kErrors & ~errors_.possible(), 0U) << "an error that nobody made";
  EXPECT_EQ(errors_.certain() & ~status, 0U) << "an error that was not reported";
  bool discards = false;
  for (const Stream* const stream : {&codes_, &activations_}) {
    const bool discard = (status & stream->discard.mask()) != 0;
    EXPECT_TRUE(discard || !stream->owes() || lost_count_) << "not discarded";
    EXPECT_TRUE(!discard || owed_ != 0 || lost_count_) << "discards what is not owed";
    discards |= discard;
  }
  if (!discards) owed_ = 0;
  if (results_.empty() || !results_.front()->held) {
    EXPECT_EQ(matmul::kStatusResultHeld.get(status), 0U) << "a held result of no command";
  }
  const Queue& unsent = activations_.packets;
  if (!unsent.empty() && !unsent.back()->dropped) {
    EXPECT_EQ(matmul::kStatusBusy.get(status), 1U);
  }
  return status;
}

}  // namespace szt::sim
