// SPDX-License-Identifier: Apache-2.0
#include "szt/packed_codes.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "seed.h"
#include "szt/error.h"

namespace szt {
namespace {

std::vector<Code> random_codes(std::size_t n, std::mt19937_64& random) {
  std::vector<Code> codes(n);
  for (Code& code : codes) code = static_cast<Code>(random() & 3U);
  return codes;
}

std::string refusal(std::span<const std::uint8_t> bytes, std::size_t rows, std::size_t cols) {
  try {
    PackedCodesView("f.safetensors: w.codes", bytes, rows, cols);
    return "";
  } catch (const InputError& error) {
    return error.what();
  }
}

TEST(PackedCodes, LayoutIsLiteral) {
  // Row 0: 0+ +1 0- -1 | +1; row 1: -1 0+ 0+ +1 | 0-.
  const std::vector<Code> codes = {
      Code::kZeroPlus, Code::kPlusOne,  Code::kZeroMinus, Code::kMinusOne, Code::kPlusOne,
      Code::kMinusOne, Code::kZeroPlus, Code::kZeroPlus,  Code::kPlusOne,  Code::kZeroMinus};
  const PackedCodes packed = PackedCodes::pack(codes, 2, 5);
  EXPECT_EQ(packed.rows(), 2U);
  EXPECT_EQ(packed.cols(), 5U);
  EXPECT_EQ(packed.stride_bytes(), 2U);
  EXPECT_EQ(std::vector<std::uint8_t>(packed.bytes().begin(), packed.bytes().end()),
            (std::vector<std::uint8_t>{0b11'10'01'00, 0b01, 0b01'00'00'11, 0b10}));
}

// Element i of a row in bits [2(i mod 4)+1 : 2(i mod 4)] of byte i/4, computed bit by bit.
TEST(PackedCodes, EveryElementIsWhereTheFormatSaysForAllWidths) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  for (std::size_t cols = 0; cols <= 9; ++cols) {
    for (std::size_t rows = 0; rows <= 5; ++rows) {
      SCOPED_TRACE(::testing::Message() << rows << " x " << cols);
      const std::vector<Code> codes = random_codes(rows * cols, random);
      const PackedCodes packed = PackedCodes::pack(codes, rows, cols);
      const std::size_t stride = (cols + 3) / 4;
      ASSERT_EQ(packed.stride_bytes(), stride);
      ASSERT_EQ(packed.bytes().size(), rows * stride);
      for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t bit = 0; bit < 8 * stride; ++bit) {
          const std::size_t i = bit / 2;
          const unsigned code = i < cols ? static_cast<unsigned>(codes[row * cols + i]) : 0U;
          const unsigned byte = packed.bytes()[row * stride + bit / 8];
          ASSERT_EQ((byte >> (bit % 8)) & 1U, (code >> (bit % 2)) & 1U)
              << "row " << row << ", bit " << bit;
        }
      }
    }
  }
}

TEST(PackedCodes, ReadsBackWhatWasPacked) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  for (std::size_t cols = 0; cols <= 9; ++cols) {
    const std::size_t rows = 7;
    const std::vector<Code> codes = random_codes(rows * cols, random);
    const PackedCodes packed = PackedCodes::pack(codes, rows, cols);
    EXPECT_EQ(packed.unpack(), codes);
    PackedCodes set(rows, cols);
    std::vector<Code> row_codes(cols);
    for (std::size_t row = 0; row < rows; ++row) {
      packed.unpack_row(row, row_codes.data());
      for (std::size_t col = 0; col < cols; ++col) {
        ASSERT_EQ(packed.get(row, col), codes[row * cols + col]);
        ASSERT_EQ(row_codes[col], codes[row * cols + col]);
        set.set(row, col, Code::kMinusOne);
        set.set(row, col, codes[row * cols + col]);  // overwriting clears the old bits
      }
    }
    EXPECT_EQ(set, packed);
    EXPECT_EQ(PackedCodes(packed.view()), packed);
  }
}

TEST(PackedCodes, StartsAsZeroPlus) {
  const PackedCodes packed(3, 6);
  EXPECT_EQ(packed.unpack(), std::vector<Code>(18, Code::kZeroPlus));
  EXPECT_EQ(PackedCodes().rows(), 0U);
  EXPECT_TRUE(PackedCodes().bytes().empty());
}

TEST(PackedCodes, PackRowLeavesOtherRowsAlone) {
  PackedCodes packed = PackedCodes::pack(std::vector<Code>(15, Code::kPlusOne), 3, 5);
  packed.pack_row(1, std::vector<Code>(5, Code::kZeroMinus).data());
  for (std::size_t col = 0; col < 5; ++col) {
    EXPECT_EQ(packed.get(0, col), Code::kPlusOne);
    EXPECT_EQ(packed.get(1, col), Code::kZeroMinus);
    EXPECT_EQ(packed.get(2, col), Code::kPlusOne);
  }
}

TEST(PackedCodes, EqualityIsOfShapeAndCodes) {
  PackedCodes a(2, 5);
  PackedCodes b(2, 5);
  EXPECT_EQ(a, b);
  b.set(1, 4, Code::kZeroMinus);
  EXPECT_NE(a, b);
  EXPECT_NE(PackedCodes(2, 5), PackedCodes(2, 6));  // the same bytes
}

TEST(PackedCodes, TransposesEveryShape) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  for (std::size_t rows = 0; rows <= 9; ++rows) {
    for (std::size_t cols = 0; cols <= 9; ++cols) {
      SCOPED_TRACE(::testing::Message() << rows << " x " << cols);
      const PackedCodes packed = PackedCodes::pack(random_codes(rows * cols, random), rows, cols);
      const PackedCodes transposed = packed.transpose();
      ASSERT_EQ(transposed.rows(), cols);
      ASSERT_EQ(transposed.cols(), rows);
      for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t col = 0; col < cols; ++col) {
          ASSERT_EQ(transposed.get(col, row), packed.get(row, col)) << row << ", " << col;
        }
      }
      ASSERT_EQ(refusal(transposed.bytes(), cols, rows), "");  // its padding is clean
      ASSERT_EQ(transposed.transpose(), packed);
    }
  }
}

TEST(PackedCodesView, SharesBytes) {
  const std::vector<std::uint8_t> bytes = {0b11'10'01'00, 0b01, 0b01'00'00'11, 0b10};
  const PackedCodesView view("test", bytes, 2, 5);
  EXPECT_EQ(view.bytes().data(), bytes.data());
  EXPECT_EQ(view.bytes().size(), 4U);
  EXPECT_EQ(view.get(0, 3), Code::kMinusOne);
  EXPECT_EQ(view.get(1, 4), Code::kZeroMinus);
  const PackedCodesView second = view.row_range(1, 1);
  EXPECT_EQ(second.rows(), 1U);
  EXPECT_EQ(second.cols(), 5U);
  EXPECT_EQ(second.bytes().data(), bytes.data() + 2);
  EXPECT_EQ(view.row_range(2, 0).rows(), 0U);
  EXPECT_EQ(view.row_range(0, 2).unpack(), view.unpack());
}

TEST(PackedCodesView, RefusesAWrongNumberOfBytes) {
  const std::vector<std::uint8_t> bytes(12);
  EXPECT_EQ(refusal(bytes, 3, 16), "");
  EXPECT_EQ(refusal(bytes, 3, 13), "");
  EXPECT_EQ(refusal({}, 0, 5), "");
  EXPECT_EQ(refusal({}, 5, 0), "");
  for (const auto& [rows, cols] : std::vector<std::pair<std::size_t, std::size_t>>{
           {3, 17}, {3, 12}, {4, 16}, {2, 16}, {0, 16}, {12, 0}, {48, 1}}) {
    const std::string message = refusal(bytes, rows, cols);
    EXPECT_EQ(message.find("f.safetensors: w.codes"), 0U) << message;
    EXPECT_NE(message.find("12"), std::string::npos) << message;
  }
}

TEST(PackedCodesView, RefusesEveryNonzeroPaddingBit) {
  for (std::size_t cols = 1; cols <= 9; ++cols) {
    const std::size_t stride = (cols + 3) / 4;
    for (std::size_t bit = 0; bit < 8 * stride; ++bit) {
      std::vector<std::uint8_t> bytes(3 * stride);
      bytes[stride + bit / 8] = static_cast<std::uint8_t>(1U << (bit % 8));
      const std::string message = refusal(bytes, 3, cols);
      if (bit / 2 < cols) {
        EXPECT_EQ(message, "") << cols << ", bit " << bit;
      } else {
        EXPECT_EQ(message.find("f.safetensors: w.codes"), 0U) << cols << ", bit " << bit;
        EXPECT_NE(message.find("row 1"), std::string::npos) << message;
      }
    }
  }
}

TEST(PackedCodes, RefusesShapesThatCannotBe) {
  constexpr std::size_t kHuge = std::numeric_limits<std::size_t>::max();
  EXPECT_THROW(packed_size(kHuge, 1), InputError);
  EXPECT_THROW(packed_size(kHuge / 2, 8), InputError);
  EXPECT_THROW(packed_size(std::size_t{1} << 62, 16), InputError);  // wraps to 0
  // Unpacked, at one byte a code, it must fit too.
  constexpr std::size_t kMost = kHuge / 2 / 4;
  EXPECT_EQ(packed_size(kMost, 4), kMost);
  EXPECT_THROW(packed_size(kMost + 1, 1), InputError);
  EXPECT_EQ(packed_size(0, kHuge), 0U);
  EXPECT_EQ(packed_size(kHuge, 0), 0U);
  EXPECT_EQ(packed_size(3, 5), 6U);
  EXPECT_EQ(packed_stride(kHuge), kHuge / 4 + 1);
  EXPECT_THROW(PackedCodes::pack(std::vector<Code>(5), 2, 3), InputError);
  EXPECT_THROW(PackedCodes::pack(std::vector<Code>(7), 2, 3), InputError);
  EXPECT_THROW(PackedCodes::pack({}, std::size_t{1} << 62, 16), InputError);
  EXPECT_THROW(PackedCodes(std::size_t{1} << 62, 16), InputError);
}

}  // namespace
}  // namespace szt
