// SPDX-License-Identifier: Apache-2.0
// The signed-zero ternary code: 2 bits {sign, magnitude}, four states, three decode modes.
//
// Source: Uhlmann, "The Fourth State: Signed-Zero Ternary for Stable LLM Quantization (and More)",
// arXiv 2508.05905, gives the states; the sign-magnitude bit assignment is this project's. As a
// two's-complement int2, 00, 01 and 11 already are 0, +1 and -1, so every balanced-ternary (BT)
// int2 tensor is a valid SZT tensor; 10, which BT leaves unused, is 0-.
#ifndef SZT_CODE_H_
#define SZT_CODE_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace szt {

enum class Code : std::uint8_t {
  kZeroPlus = 0b00,
  kPlusOne = 0b01,
  kZeroMinus = 0b10,
  kMinusOne = 0b11,
};

// What the array is asked to multiply by. The three planes satisfy f + z = s for every code.
enum class DecodeMode : std::uint8_t {
  kForward = 0,   // f in {-1, 0, +1}: both zeros collapse; Y = X * f(W)
  kZeroSign = 1,  // z in {-1, 0, +1}: the sign of a zero, 0 for a nonzero code
  kSign = 2,      // s in {-1, +1}: the sign bit
};

inline constexpr std::size_t kCodeCount = 4;
inline constexpr std::size_t kDecodeModeCount = 3;
inline constexpr std::array<Code, kCodeCount> kAllCodes = {Code::kZeroPlus, Code::kPlusOne,
                                                           Code::kZeroMinus, Code::kMinusOne};
inline constexpr std::array<DecodeMode, kDecodeModeCount> kAllDecodeModes = {
    DecodeMode::kForward, DecodeMode::kZeroSign, DecodeMode::kSign};

// kDecodeTable[mode][code], the integer that multiplies the activation.
inline constexpr std::array<std::array<std::int8_t, kCodeCount>, kDecodeModeCount> kDecodeTable = {{
    {0, +1, 0, -1},    // kForward
    {+1, 0, -1, 0},    // kZeroSign
    {+1, +1, -1, -1},  // kSign
}};

constexpr int decode(Code code, DecodeMode mode = DecodeMode::kForward) {
  return kDecodeTable[static_cast<std::size_t>(mode)][static_cast<std::size_t>(code)];
}

constexpr Code make_code(bool sign, bool magnitude) {
  return static_cast<Code>((sign ? 2 : 0) | (magnitude ? 1 : 0));
}
constexpr bool sign_bit(Code code) { return (static_cast<unsigned>(code) & 2U) != 0; }
constexpr bool magnitude_bit(Code code) { return (static_cast<unsigned>(code) & 1U) != 0; }

// The two wires per weight that the array sees; it adds ((a & {nonzero}) ^ {negate}) + negate.
struct ArrayWires {
  bool nonzero;
  bool negate;
};

constexpr ArrayWires array_wires(Code code, DecodeMode mode) {
  const bool sign = sign_bit(code);
  const bool magnitude = magnitude_bit(code);
  switch (mode) {
    case DecodeMode::kForward:
      return {magnitude, sign && magnitude};
    case DecodeMode::kZeroSign:
      return {!magnitude, sign && !magnitude};
    case DecodeMode::kSign:
      break;
  }
  return {true, sign};
}

// The addend that the array forms from an activation and the two wires: a, 0 or -a exactly,
// a = -128 included. With nonzero = 0 it is 0 whatever negate is (the free-zero lemma).
constexpr int array_addend(std::int8_t activation, ArrayWires wires) {
  const int operand = (wires.nonzero ? activation : 0) ^ (wires.negate ? -1 : 0);
  return operand + (wires.negate ? 1 : 0);
}

}  // namespace szt

#endif  // SZT_CODE_H_
