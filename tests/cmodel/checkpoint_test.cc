// SPDX-License-Identifier: Apache-2.0
#include "szt/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "file_testing.h"
#include "szt/safetensors.h"

namespace szt {
namespace {

using test::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

QuantizedTensor tensor_of(std::size_t rows, std::size_t cols, float scale) {
  PackedCodes codes(rows, cols);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t col = 0; col < cols; ++col) {
      codes.set(row, col, kAllCodes[(row * 7 + col * 3) % kCodeCount]);
    }
  }
  return {std::move(codes), scale / 2, scale, Dtype::kBF16, 0};
}

TEST(Checkpoint, ZeroShiftsOfAFile) {
  const TempDir dir;
  for (const auto& [shift, text] : std::vector<std::pair<ZeroShift, std::string>>{
           {0U, "0"}, {7U, "7"}, {std::nullopt, "inf"}}) {
    SafetensorsWriter writer;
    set_checkpoint_metadata(writer, Rule{}, shift);
    writer.write(dir / "q");
    const QuantizedCheckpoint checkpoint{SafetensorsFile(dir / "q")};
    EXPECT_EQ(checkpoint.zero_shift(), text);
    EXPECT_EQ(checkpoint.zero_shift_or_default(), shift);
  }
  SafetensorsWriter plain;
  plain.write(dir / "plain");
  EXPECT_EQ(QuantizedCheckpoint{SafetensorsFile(dir / "plain")}.zero_shift_or_default(),
            ZeroShift(2U));
}

TEST(Checkpoint, ReadsWhatItWrote) {
  const TempDir dir;
  SafetensorsWriter writer;
  set_checkpoint_metadata(writer, parse_rule("twn:0.25"), 3U);
  writer.set_metadata("format", "pt");
  for (std::size_t cols = 0; cols <= 9; ++cols) {
    add_quantized(writer, "w" + std::to_string(cols), tensor_of(3, cols, 0.5F));
  }
  add_quantized(writer, "", tensor_of(0, 5, 0));  // an empty name is a name
  writer.write(dir / "q");

  const QuantizedCheckpoint checkpoint{SafetensorsFile(dir / "q")};
  EXPECT_TRUE(checkpoint.is_quantized());
  EXPECT_EQ(checkpoint.rule(), "twn:0.25");
  EXPECT_EQ(checkpoint.zero_shift(), "3");
  EXPECT_THAT(checkpoint.names(),
              ElementsAre("", "w0", "w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8", "w9"));
  for (std::size_t cols = 0; cols <= 9; ++cols) {
    const std::string name = "w" + std::to_string(cols);
    EXPECT_TRUE(checkpoint.contains(name));
    const QuantizedWeights weights = checkpoint.at(name);
    EXPECT_EQ(weights.name, name);
    EXPECT_EQ(PackedCodes(weights.codes), tensor_of(3, cols, 0.5F).codes);
    EXPECT_EQ(weights.scale, 0.5F);
    EXPECT_EQ(weights.threshold, 0.25F);
    EXPECT_EQ(weights.dtype, "BF16");
  }
  EXPECT_EQ(checkpoint.at("").codes.cols(), 5U);
  EXPECT_EQ(checkpoint.file().metadata().at("szt.shape.w9"), "[3,9]");
  EXPECT_EQ(checkpoint.file().metadata().at("format"), "pt");
  for (const std::string& part : quantized_parts("w3")) EXPECT_TRUE(checkpoint.is_part(part));
  EXPECT_FALSE(checkpoint.is_part("w3"));
  EXPECT_FALSE(checkpoint.is_part("w10.codes"));
}

TEST(Checkpoint, CodesOutliveTheReader) {
  const TempDir dir;
  SafetensorsWriter writer;
  set_checkpoint_metadata(writer, Rule());
  add_quantized(writer, "w", tensor_of(2, 6, 1));
  writer.write(dir / "q");
  const QuantizedCheckpoint copy = [&] {
    const QuantizedCheckpoint checkpoint{SafetensorsFile(dir / "q")};
    return checkpoint;
  }();
  EXPECT_EQ(PackedCodes(copy.at("w").codes), tensor_of(2, 6, 1).codes);
}

TEST(Checkpoint, AnyOtherFileHasNoQuantisedTensors) {
  const TempDir dir;
  SafetensorsWriter writer;
  writer.add("bias", "U8", {2}, test::as_bytes("ab"));
  writer.add("matrix", "U8", {1, 2}, test::as_bytes("ab"));
  writer.set_metadata("szt.shape.matrix", "[1,8]");  // without szt.version it says nothing
  writer.write(dir / "plain");
  const QuantizedCheckpoint checkpoint{SafetensorsFile(dir / "plain")};
  EXPECT_FALSE(checkpoint.is_quantized());
  EXPECT_THAT(checkpoint.names(), IsEmpty());
  EXPECT_EQ(checkpoint.rule(), "");
  const auto error = [&](const std::string& name) {
    return test::input_error([&] { checkpoint.at(name); });
  };
  EXPECT_THAT(error("bias"), HasSubstr("two dimensions"));
  EXPECT_THAT(error("matrix"), HasSubstr("not quantised"));
  EXPECT_THAT(error("none"), HasSubstr("no quantised tensor at all"));
}

TEST(Checkpoint, ShapesMayHoldSpacesButNothingElse) {
  const TempDir dir;
  const auto read = [&](const std::string& shape) {
    SafetensorsWriter writer;
    set_checkpoint_metadata(writer, Rule());
    add_quantized(writer, "w", tensor_of(2, 6, 1));
    writer.set_metadata("szt.shape.w", shape);
    writer.write(dir / "q");
    return QuantizedCheckpoint{SafetensorsFile(dir / "q")}.at("w").codes.cols();
  };
  EXPECT_EQ(read("[2, 6]"), 6U);
  EXPECT_EQ(read(" [ 2 ,6 ] "), 6U);
  for (const std::string shape : {"", "[", "[2", "[2,", "[2,6", "[2,6]x", "[+2,6]", "[0x2,6]",
                                  "(2,6)", "[2;6]", "[2,6,]", "[,6]", "[2.0,6]", "[2\t,6]"}) {
    EXPECT_THAT(test::input_error([&] { read(shape); }), HasSubstr("'szt.shape.w'")) << shape;
  }
}

}  // namespace
}  // namespace szt
