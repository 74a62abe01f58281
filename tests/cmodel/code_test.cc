// SPDX-License-Identifier: Apache-2.0
#include "szt/code.h"

#include <gtest/gtest.h>

#include <set>

namespace szt {
namespace {

struct Row {
  const char* state;
  Code code;
  unsigned bits;
  int forward;
  int zero_sign;
  int sign;
};

constexpr Row kRows[] = {
    {"0+", Code::kZeroPlus, 0b00, 0, +1, +1},
    {"+1", Code::kPlusOne, 0b01, +1, 0, +1},
    {"0-", Code::kZeroMinus, 0b10, 0, -1, -1},
    {"-1", Code::kMinusOne, 0b11, -1, 0, -1},
};

TEST(Code, HasTheBitsAndPlanesOfTheTable) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.state);
    EXPECT_EQ(static_cast<unsigned>(row.code), row.bits);
    EXPECT_EQ(decode(row.code), row.forward);
    EXPECT_EQ(decode(row.code, DecodeMode::kForward), row.forward);
    EXPECT_EQ(decode(row.code, DecodeMode::kZeroSign), row.zero_sign);
    EXPECT_EQ(decode(row.code, DecodeMode::kSign), row.sign);
  }
}

TEST(Code, PlanesAddUp) {
  for (const Code code : kAllCodes) {
    EXPECT_EQ(decode(code, DecodeMode::kForward) + decode(code, DecodeMode::kZeroSign),
              decode(code, DecodeMode::kSign));
  }
}

// As a two's-complement int2 the three balanced-ternary codes already are their value.
TEST(Code, BalancedTernaryInt2IsValid) {
  for (const Code code : kAllCodes) {
    const int bits = static_cast<int>(code);
    const int int2 = bits >= 2 ? bits - 4 : bits;
    if (code == Code::kZeroMinus) {
      EXPECT_EQ(int2, -2);  // the value that balanced ternary leaves unused
    } else {
      EXPECT_EQ(decode(code), int2);
    }
  }
}

TEST(Code, MakeCodeInvertsTheBits) {
  std::set<Code> seen;
  for (const Code code : kAllCodes) {
    EXPECT_EQ(make_code(sign_bit(code), magnitude_bit(code)), code);
    EXPECT_EQ(sign_bit(code), decode(code, DecodeMode::kSign) < 0);
    EXPECT_EQ(magnitude_bit(code), decode(code, DecodeMode::kForward) != 0);
    seen.insert(code);
  }
  EXPECT_EQ(seen.size(), kCodeCount);
}

TEST(Code, ArrayAddendIsTheProduct) {
  for (const DecodeMode mode : kAllDecodeModes) {
    for (const Code code : kAllCodes) {
      for (int a = -128; a <= 127; ++a) {
        ASSERT_EQ(array_addend(static_cast<std::int8_t>(a), array_wires(code, mode)),
                  a * decode(code, mode))
            << "a " << a << ", code " << static_cast<int>(code) << ", mode "
            << static_cast<int>(mode);
      }
    }
  }
}

// The free-zero lemma: the code's own two bits as wires give the right forward product, because
// negating a zero operand gives zero.
TEST(Code, RawWiresGiveTheForwardProduct) {
  for (const Code code : kAllCodes) {
    const ArrayWires raw{magnitude_bit(code), sign_bit(code)};
    for (int a = -128; a <= 127; ++a) {
      ASSERT_EQ(array_addend(static_cast<std::int8_t>(a), raw), a * decode(code)) << a;
    }
  }
}

// Decoding is canonical: a zero never toggles the negate wire.
TEST(Code, NegateImpliesNonzero) {
  for (const DecodeMode mode : kAllDecodeModes) {
    for (const Code code : kAllCodes) {
      const ArrayWires wires = array_wires(code, mode);
      EXPECT_EQ(wires.nonzero, decode(code, mode) != 0);
      EXPECT_EQ(wires.negate, decode(code, mode) < 0);
    }
  }
}

}  // namespace
}  // namespace szt
