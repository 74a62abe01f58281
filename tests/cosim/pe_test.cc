// SPDX-License-Identifier: Apache-2.0
// Every code, activation and decode mode through the front-end and the processing element.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include "Vunit_pe.h"
#include "coverage_file.h"
#include "szt/code.h"

namespace szt {
namespace {

using sim::CountedTop;

enum Variant { kSzt, kSztForwardOnly, kRaw, kBt, kVariants };

class PeTest : public testing::Test {
 protected:
  PeTest() { top_.eval(); }  // the clock low, so that the first rise is one

  void clock() {
    top_.clk_i = 1;
    top_.eval();
    top_.clk_i = 0;
    top_.eval();
  }

  void set_weight(Code code, DecodeMode mode) {
    top_.code_i = static_cast<CData>(code);
    top_.mode_i = static_cast<CData>(mode);
    top_.load_i = 1;
    clock();
    top_.load_i = 0;
    top_.swap_i = 1;
    clock();
    top_.swap_i = 0;
  }

  int psum(int variant, int registered) const {
    const int index = 12 * (2 * variant + registered);
    unsigned value = 0;
    for (int bit = 0; bit < 12; ++bit) {
      const int at = index + bit;
      value |= ((top_.psum_o[static_cast<std::size_t>(at / 32)] >> (at % 32)) & 1U) << bit;
    }
    return static_cast<int>(value) - (value >= 2048 ? 4096 : 0);
  }

  std::uint8_t passed_on(int variant, int registered) const {
    return static_cast<std::uint8_t>(top_.act_o >> (8 * (2 * variant + registered)));
  }

  CountedTop<Vunit_pe> counted_;
  Vunit_pe& top_ = *counted_;
};

// What a variant multiplies by, or nothing where the combination is not built.
bool multiplier(int variant, Code code, DecodeMode mode, int& value) {
  const bool forward = mode == DecodeMode::kForward;
  if (variant != kSzt && !forward) return false;
  if (variant == kBt && code == Code::kZeroMinus) return false;  // BT has no such code
  value = decode(code, mode);
  return true;
}

TEST_F(PeTest, EveryCodeActivationModeAndFormat) {
  int checked = 0;
  for (const DecodeMode mode : kAllDecodeModes) {
    for (const Code code : kAllCodes) {
      set_weight(code, mode);
      for (int psum_in : {-1024, -513, -1, 0, 1, 512, 1023}) {
        for (int a = -128; a < 128; ++a) {
          top_.act_i = static_cast<CData>(a);
          top_.psum_i = static_cast<SData>(psum_in & 0x7FF);
          clock();
          clock();  // the registered operand is one cycle behind; the inputs stand still
          for (int variant = 0; variant < kVariants; ++variant) {
            for (int registered = 0; registered < 2; ++registered) {
              ASSERT_EQ(passed_on(variant, registered), static_cast<std::uint8_t>(a));
              int weight = 0;
              if (!multiplier(variant, code, mode, weight)) continue;
              ASSERT_EQ(psum(variant, registered), psum_in + a * weight)
                  << "variant " << variant << " registered " << registered << " code "
                  << static_cast<int>(code) << " mode " << static_cast<int>(mode) << " a " << a
                  << " psum " << psum_in;
              ++checked;
            }
          }
        }
      }
    }
  }
  EXPECT_EQ(checked, 2 * 256 * 7 * (3 * 4 + 4 + 4 + 3));
}

TEST_F(PeTest, FrontEndEqualsTheModelsWires) {
  for (const DecodeMode mode : kAllDecodeModes) {
    for (const Code code : kAllCodes) {
      top_.code_i = static_cast<CData>(code);
      top_.mode_i = static_cast<CData>(mode);
      top_.eval();
      const ArrayWires wires = array_wires(code, mode);
      EXPECT_EQ((top_.nonzero_o >> kSzt) & 1, wires.nonzero);
      EXPECT_EQ((top_.negate_o >> kSzt) & 1, wires.negate);
      const ArrayWires forward = array_wires(code, DecodeMode::kForward);
      EXPECT_EQ((top_.nonzero_o >> kSztForwardOnly) & 1, forward.nonzero);
      EXPECT_EQ((top_.negate_o >> kSztForwardOnly) & 1, forward.negate);
      for (const int wired : {kRaw, kBt}) {  // the code bits themselves, whatever the mode
        EXPECT_EQ((top_.nonzero_o >> wired) & 1, magnitude_bit(code));
        EXPECT_EQ((top_.negate_o >> wired) & 1, sign_bit(code));
      }
    }
  }
}

// A load does not disturb the weight in use, and a swap takes the shadow as it was.
TEST_F(PeTest, ShadowIsApartFromTheActiveWeight) {
  for (const Code active : kAllCodes) {
    for (const Code shadow : kAllCodes) {
      set_weight(active, DecodeMode::kForward);
      top_.act_i = 100;
      top_.psum_i = 0;
      top_.code_i = static_cast<CData>(shadow);
      top_.load_i = 1;
      clock();
      top_.load_i = 0;
      clock();
      EXPECT_EQ(psum(kSzt, 0), 100 * decode(active));
      // Swapping and loading on one edge: the old shadow becomes active.
      top_.code_i = static_cast<CData>(Code::kPlusOne);
      top_.load_i = 1;
      top_.swap_i = 1;
      clock();
      top_.load_i = 0;
      top_.swap_i = 0;
      clock();
      EXPECT_EQ(psum(kSzt, 0), 100 * decode(shadow));
      top_.swap_i = 1;
      clock();
      top_.swap_i = 0;
      clock();
      EXPECT_EQ(psum(kSzt, 0), 100);
    }
  }
}

// The operand register delays by one cycle and adds nothing else.
TEST_F(PeTest, RegisteredOperandIsOneCycleLate) {
  set_weight(Code::kMinusOne, DecodeMode::kForward);
  top_.psum_i = 0;
  int previous = 0;
  top_.act_i = 0;
  clock();
  clock();
  for (int a = -128; a < 128; ++a) {
    top_.act_i = static_cast<CData>(a);
    clock();
    EXPECT_EQ(psum(kSzt, 0), -a);
    EXPECT_EQ(psum(kSzt, 1), -previous);
    previous = a;
  }
}

}  // namespace
}  // namespace szt
