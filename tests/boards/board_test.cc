// SPDX-License-Identifier: Apache-2.0
// A board's top as it is in the bitstream, seen from its pins: LEDs, and the text on the serial
// line, read by a receiver that knows only the clock and the baud rate. SZT_OUTCOME is what must
// come out: PASS, or of a faulty core FAIL or HUNG.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <verilated.h>

#include <string>
#include <string_view>

#include "boards/pattern.h"
#include SZT_TOP_HEADER

namespace szt::boards {
namespace {

constexpr std::string_view kOutcome = SZT_OUTCOME;
constexpr int kRuns = SZT_RUNS;  // the first three are reported; the second one has pauses
constexpr double kCyclesPerBit = SZT_CLOCK_MHZ * 1e6 / 115'200;
constexpr long kPatience = 4'000'000;  // cycles to a line
enum Led : unsigned { kBusy = 1, kPass = 2, kFail = 4, kHung = 8 };

class Board {
 public:
  Board() {
    press(false);
    top_.eval();  // the clock low, so that the first rise is one
  }
  ~Board() { top_.final(); }
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  void press([[maybe_unused]] bool pressed) {
#if SZT_BUTTON
    top_.button_ni = !pressed;
#endif
  }

  void clock() {
    for (const int level : {1, 0}) {
      top_.clk_i = static_cast<CData>(level);
      top_.eval();
    }
    ++cycle_;
    if ((top_.led_o & kBusy) != 0) {
      seen_busy_ = true;
    } else {
      seen_idle_ = true;
    }
    receive(top_.uart_tx_o != 0);
  }

  // The next line, without its end; what there was of it if none comes in time.
  std::string line() {
    text_.clear();
    seen_busy_ = seen_idle_ = false;
    for (long i = 0; i < kPatience && !text_.ends_with("\r\n"); ++i) clock();
    EXPECT_TRUE(text_.ends_with("\r\n")) << "no line, but: " << text_;
    return text_.substr(0, text_.find('\r'));
  }

  unsigned leds() const { return top_.led_o & (kPass | kFail | kHung); }
  bool busy_blinked() const { return seen_busy_ && seen_idle_; }
  long cycle() const { return cycle_; }

 private:
  // Samples in the middle of every bit.
  void receive(bool level) {
    if (bit_ < 0) {
      if (level) return;
      bit_ = 0;
      begin_ = cycle_;
      byte_ = 0;
    }
    if (static_cast<double>(cycle_ - begin_) < (bit_ + 0.5) * kCyclesPerBit) return;
    if (bit_ == 0) {
      EXPECT_FALSE(level) << "a start bit too short";
    } else if (bit_ <= 8) {
      byte_ |= static_cast<unsigned>(level) << (bit_ - 1);
    } else {
      EXPECT_TRUE(level) << "no stop bit";
      text_ += static_cast<char>(byte_);
    }
    bit_ = bit_ == 9 ? -1 : bit_ + 1;
  }

  // Registers that nothing initialises begin at random, to show that the reset is enough.
  struct RandomState : VerilatedContext {
    RandomState() {
      randReset(2);
      randSeed(20250816);
    }
  };

  RandomState context_;
  SZT_TOP top_{&context_};
  long cycle_ = 0;
  bool seen_busy_ = false, seen_idle_ = false;
  int bit_ = -1;    // of the byte at hand
  long begin_ = 0;  // its first cycle
  unsigned byte_ = 0;
  std::string text_;
};

// All lines begin alike.
std::string beginning(const Configuration& configuration, int run) {
  return fmt::format("SZT {:02}x{:02} run {:04X} signature ", configuration.rows,
                     configuration.cols, run);
}

TEST(Board, ReportsWhatTheModelSays) {
  const Configuration& configuration = find_configuration(SZT_CONFIG);
  const std::uint32_t expected = signature(configuration);
  const std::string good = fmt::format("{:08X}", expected);
  Board board;
  while (board.cycle() < 300) board.clock();  // through the reset, into the first run
  EXPECT_EQ(board.leds(), 0U) << "nothing is known before a run has ended";
  for (int run = 1; run <= kRuns; ++run) {
    const std::string line = board.line();
    fmt::print("cycle {:>8}: {}\n", board.cycle(), line);
    const std::string begin = beginning(configuration, run);
    ASSERT_TRUE(line.starts_with(begin)) << "not " << begin;
    EXPECT_TRUE(board.busy_blinked());
    EXPECT_EQ(line.substr(begin.size() + 8), fmt::format(" expected {} {}", good, kOutcome));
    const std::string signature = line.substr(begin.size(), 8);
    if (kOutcome == "PASS") {
      EXPECT_EQ(signature, good);
      EXPECT_EQ(board.leds(), kPass);
    } else if (kOutcome == "FAIL") {
      EXPECT_NE(signature, good);
      EXPECT_EQ(board.leds(), kFail);
    } else {
      EXPECT_EQ(board.leds(), kFail | kHung);
    }
  }
}

#if SZT_BUTTON
TEST(Board, ButtonStartsAgain) {
  Board board;
  board.line();
  EXPECT_NE(board.leds(), 0U);
  board.press(true);
  for (int i = 0; i < 16; ++i) board.clock();
  EXPECT_EQ(board.leds(), 0U);
  board.press(false);
  const std::string begin = beginning(find_configuration(SZT_CONFIG), 1);
  EXPECT_TRUE(board.line().starts_with(begin));
}
#endif

}  // namespace
}  // namespace szt::boards
