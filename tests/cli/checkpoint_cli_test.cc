// SPDX-License-Identifier: Apache-2.0
// quantize, dequantize and inspect on files: what is written is what the library computes, and
// everything else comes through bit for bit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "cli_testing.h"
#include "szt/checkpoint.h"
#include "szt/latent.h"
#include "szt/npy.h"
#include "szt/quantize.h"

namespace szt::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::uint16_t> upper_halves(const std::vector<float>& values) {
  std::vector<std::uint16_t> halves;
  for (const float value : values) {
    halves.push_back(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16));
  }
  return halves;
}

std::vector<std::uint16_t> float16_bits(const std::vector<float>& values) {
  std::vector<std::uint16_t> halves;
  for (const float value : values) halves.push_back(float16_toward_zero(value).bits);
  return halves;
}

Tensors mixed_tensors() {
  Tensors tensors;
  for (std::uint64_t in = 1; in <= 9; ++in) {
    tensors["w" + std::to_string(in)] = f32({3, in}, random_weights(3 * in, in));
  }
  tensors["half"] = tensor_of("F16", {5, 7}, float16_bits(random_weights(35, 20)));
  tensors["brain"] = tensor_of("BF16", {4, 10}, upper_halves(random_weights(40, 21)));
  tensors["one"] = f32({1, 1}, {-0.25F});
  tensors["zeros"] = f32({2, 3}, {0.0F, -0.0F, 0.0F, -0.0F, -0.0F, 0.0F});
  tensors["no rows"] = f32({0, 5}, {});
  tensors["no columns"] = f32({5, 0}, {});
  tensors["bias"] = f32({3}, {1, 2, -0.0F});
  tensors["scalar"] = f32({}, {7});
  tensors["kernel"] = f32({2, 2, 2}, random_weights(8, 22));
  tensors["table"] = tensor_of("I8", {2, 2}, std::vector<std::int8_t>{1, -2, 3, -128});
  tensors["wide"] = tensor_of("F64", {1, 2}, std::vector<double>{0.1, -0.0});
  tensors["naïve \"name\"\n"] = f32({2, 2}, random_weights(4, 23));
  return tensors;
}

const Metadata kMetadata = {{"format", "pt"}, {"note", "ünïcode\n"}};

bool is_quantised(const Tensor& tensor) {
  return tensor.shape.size() == 2 &&
         (tensor.dtype == "F32" || tensor.dtype == "F16" || tensor.dtype == "BF16");
}

float number(const Tensor& tensor) {
  float value = 0;
  EXPECT_EQ(tensor.bytes.size(), sizeof(value));
  std::memcpy(&value, tensor.bytes.data(), sizeof(value));
  return value;
}

TEST(Quantize, WritesWhatTheLibraryComputesAndCopiesTheRest) {
  const TempDir dir;
  const Tensors in = mixed_tensors();
  write_tensors(dir / "in", in, kMetadata);
  for (const std::string rule : {"twn", "twn:0.5", "absmean", "mse", "fixed:0.3", "fixed:0"}) {
    SCOPED_TRACE(rule);
    expect_ok({"quantize", dir / "in", dir / "out", "--rule", rule});
    Tensors expected;
    Metadata metadata = kMetadata;
    metadata["szt.version"] = "1";
    metadata["szt.rule"] = rule == "twn:0.7" ? "twn" : rule;
    metadata["szt.zero_shift"] = "2";
    for (const auto& [name, tensor] : in) {
      if (!is_quantised(tensor)) {
        expected[name] = tensor;
        continue;
      }
      const auto [rows, cols] = std::pair(tensor.shape[0], tensor.shape[1]);
      const QuantizedTensor quantized = quantize("", *find_dtype(tensor.dtype), tensor.bytes.data(),
                                                 rows, cols, parse_rule(rule));
      expected[name + ".codes"] = {
          "U8", {rows, (cols + 3) / 4}, as_string(std::as_bytes(quantized.codes.bytes()))};
      expected[name + ".scale"] = f32({1}, {quantized.scale});
      expected[name + ".threshold"] = f32({1}, {quantized.threshold});
      metadata["szt.shape." + name] = "[" + std::to_string(rows) + "," + std::to_string(cols) + "]";
      metadata["szt.dtype." + name] = tensor.dtype;
    }
    const Tensors out = read_tensors(dir / "out");
    for (const auto& [name, tensor] : expected) {
      ASSERT_TRUE(out.contains(name)) << name;
      EXPECT_TRUE(out.at(name) == tensor) << name;
    }
    EXPECT_EQ(out.size(), expected.size());
    EXPECT_EQ(SafetensorsFile(dir / "out").metadata(), metadata);
  }
}

TEST(Quantize, GivesTheSameBytesEveryTime) {
  const TempDir dir;
  write_tensors(dir / "in", mixed_tensors(), kMetadata);
  expect_ok({"quantize", dir / "in", dir / "a"});
  expect_ok({"quantize", dir / "in", dir / "b", "--rule", "twn:0.7"});
  EXPECT_EQ(read_file(dir / "a"), read_file(dir / "b"));
}

TEST(Quantize, WorksInPlace) {
  const TempDir dir;
  write_tensors(dir / "in", mixed_tensors(), kMetadata);
  expect_ok({"quantize", dir / "in", dir / "out"});
  expect_ok({"quantize", dir / "in", dir / "in"});
  EXPECT_EQ(read_file(dir / "in"), read_file(dir / "out"));
  EXPECT_THAT(dir.names(), ElementsAre("in", "out"));
}

TEST(Quantize, ChoosesByName) {
  const TempDir dir;
  write_tensors(
      dir / "in",
      {{"a.weight", f32({1, 1}, {1})}, {"b.weight", f32({1, 1}, {1})}, {"c[0]", f32({1, 1}, {1})}});
  const auto chosen = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"quantize", dir / "in", dir / "out"});
    expect_ok(options);
    const QuantizedCheckpoint checkpoint{SafetensorsFile(dir / "out")};
    return std::vector<std::string>(checkpoint.names().begin(), checkpoint.names().end());
  };
  EXPECT_THAT(chosen({}), ElementsAre("a.weight", "b.weight", "c[0]"));
  EXPECT_THAT(chosen({"--include", "weight$"}), ElementsAre("a.weight", "b.weight"));
  EXPECT_THAT(chosen({"--include", "[bc]"}), ElementsAre("b.weight", "c[0]"));
  EXPECT_THAT(chosen({"--include", "weight", "--exclude", "^b"}), ElementsAre("a.weight"));
  EXPECT_THAT(chosen({"--exclude", R"(\[0\])"}), ElementsAre("a.weight", "b.weight"));
}

TEST(Quantize, TakesIntegersOnlyWhenAsked) {
  const TempDir dir;
  const Tensors in = mixed_tensors();
  write_tensors(dir / "in", in);
  expect_ok({"quantize", dir / "in", dir / "out", "--integers", "--rule", "fixed:2"});
  const QuantizedCheckpoint checkpoint{SafetensorsFile(dir / "out")};
  const QuantizedWeights weights = checkpoint.at("table");
  EXPECT_EQ(weights.dtype, "I8");
  EXPECT_THAT(weights.codes.unpack(),
              ElementsAre(Code::kZeroPlus, Code::kZeroMinus, Code::kPlusOne, Code::kMinusOne));
}

TEST(Quantize, SaysWhatAReaderShouldKnow) {
  const TempDir dir;
  write_tensors(dir / "in", mixed_tensors());
  const Result result =
      expect_ok({"quantize", dir / "in", dir / "out", "--json", dir / "report.json"});
  EXPECT_THAT(result.out, HasSubstr("zeros: no weight exceeds the threshold, so the scale is 0"));
  EXPECT_THAT(result.out, HasSubstr("wide: copied, F64 is not quantised"));
  const nlohmann::json report = read_json(dir / "report.json");
  EXPECT_EQ(report["rule"], "twn");
  EXPECT_EQ(report["tensors"].size(), 16U);
  EXPECT_EQ(report["copied"], 5);
  for (const auto& tensor : report["tensors"]) {
    if (tensor["tensor"] != "w5") continue;
    EXPECT_EQ(tensor["shape"], nlohmann::json({3, 5}));
    EXPECT_EQ(tensor["bytes_before"], 60);
    EXPECT_EQ(tensor["bytes_after"], 3 * 2 + 8);
    EXPECT_EQ(tensor["threshold"].get<float>(),
              number(read_tensors(dir / "out").at("w5.threshold")));
  }
}

TEST(Quantize, NamesMayLookLikePartsOfEachOther) {
  const TempDir dir;
  write_tensors(dir / "in", {{"a", f32({1, 2}, {1, -1})}, {"a.codes", f32({1, 2}, {-0.0F, 1})}});
  expect_ok({"quantize", dir / "in", dir / "q"});
  expect_ok({"dequantize", dir / "q", dir / "out"});
  const Tensors out = read_tensors(dir / "out");
  EXPECT_EQ(out.size(), 2U);
  EXPECT_TRUE(out.at("a.codes") == f32({1, 2}, {-0.0F, 1}));
}

TEST(Dequantize, GivesBackNamesShapesSignsAndEverythingElse) {
  const TempDir dir;
  const Tensors in = mixed_tensors();
  write_tensors(dir / "in", in, kMetadata);
  expect_ok({"quantize", dir / "in", dir / "q"});
  expect_ok({"dequantize", dir / "q", dir / "out"});
  const Tensors codes = read_tensors(dir / "q");
  const Tensors out = read_tensors(dir / "out");
  EXPECT_EQ(out.size(), in.size());
  EXPECT_EQ(SafetensorsFile(dir / "out").metadata(), kMetadata);
  for (const auto& [name, tensor] : in) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(out.contains(name));
    const Tensor& result = out.at(name);
    if (!is_quantised(tensor)) {
      EXPECT_TRUE(result == tensor);
      continue;
    }
    EXPECT_EQ(result.dtype, "F32");
    EXPECT_EQ(result.shape, tensor.shape);
    const Dtype dtype = *find_dtype(tensor.dtype);
    const float scale = number(codes.at(name + ".scale"));
    const float threshold = number(codes.at(name + ".threshold"));
    for (std::size_t i = 0; i < tensor.shape[0] * tensor.shape[1]; ++i) {
      const float before = latent_value(dtype, tensor.bytes.data(), i);
      const float after = latent_value(Dtype::kF32, result.bytes.data(), i);
      EXPECT_EQ(std::signbit(after), std::signbit(before)) << i;
      EXPECT_EQ(std::fabs(after), std::fabs(before) > threshold ? scale : 0.0F) << i;
    }
  }
}

TEST(Dequantize, EncodesToTheSameCodesAgain) {
  const TempDir dir;
  write_tensors(dir / "in", {{"w", f32({33, 57}, random_weights(33 * 57, 5))}});
  expect_ok({"quantize", dir / "in", dir / "q"});
  expect_ok({"dequantize", dir / "q", dir / "floats"});
  expect_ok({"quantize", dir / "floats", dir / "again", "--rule", "fixed:0.2"});
  EXPECT_TRUE(read_tensors(dir / "q").at("w.codes") == read_tensors(dir / "again").at("w.codes"));
  EXPECT_TRUE(read_tensors(dir / "q").at("w.scale") == read_tensors(dir / "again").at("w.scale"));
}

TEST(Inspect, CountsCodes) {
  const TempDir dir;
  write_tensors(dir / "in", {{"w", f32({2, 3}, {1, 1, -1, 0.0F, -0.0F, -0.1F})},
                             {"bias", f32({3}, {1, 2, 3})}});
  expect_ok({"quantize", dir / "in", dir / "q", "--rule", "fixed:0.5"});
  const Result result = expect_ok({"inspect", dir / "q", "--json", dir / "report"});
  EXPECT_THAT(result.out, HasSubstr("bias"));
  const nlohmann::json report = read_json(dir / "report");
  const nlohmann::json& weights = report["quantized"][0];
  EXPECT_EQ(weights["tensor"], "w");
  EXPECT_EQ(weights["shape"], nlohmann::json({2, 3}));
  EXPECT_EQ(weights["codes"], nlohmann::json({{"+1", 2}, {"0+", 1}, {"0-", 2}, {"-1", 1}}));
  EXPECT_EQ(weights["dead_zone_share"], 0.5);
  EXPECT_NEAR(weights["entropy_bits"], 1.9183, 1e-4);
  EXPECT_EQ(weights["bytes"], 10);
  EXPECT_EQ(weights["threshold"], 0.5);
  EXPECT_EQ(weights["scale"], 1);
  EXPECT_EQ(report["tensors"][0]["tensor"], "bias");
  EXPECT_EQ(report["tensors"].size(), 1U);
  EXPECT_THAT(expect_ok({"inspect", dir / "q", "--tensor", "bias"}).out, HasSubstr("[3]"));
  EXPECT_THAT(expect_ok({"inspect", dir / "q", "--tensor", "w"}).out, HasSubstr("50.0 %"));
}

TEST(Inspect, ReadsUnquantisedFilesAndArrays) {
  const TempDir dir;
  write_tensors(dir / "in", mixed_tensors());
  EXPECT_THAT(expect_ok({"inspect", dir / "in"}).out, HasSubstr("[2,2,2]"));
  write_tensors(dir / "empty", {});
  EXPECT_EQ(expect_ok({"inspect", dir / "empty"}).out, "no tensors\n");
  write_npy(dir / "x.npy", {2, 2}, std::vector<float>{1.5F, -2.5F, 0, NAN});
  expect_ok({"inspect", dir / "x.npy", "--json", dir / "report"});
  const nlohmann::json report = read_json(dir / "report");
  EXPECT_EQ(report["descr"], "<f4");
  EXPECT_EQ(report["min"], -2.5);
  EXPECT_EQ(report["max"], 1.5);
  EXPECT_EQ(report["not_finite"], 1);
}

}  // namespace
}  // namespace szt::test
