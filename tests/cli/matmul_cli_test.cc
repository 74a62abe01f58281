// SPDX-License-Identifier: Apache-2.0
// matmul: every device writes the file that the definition says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli_testing.h"
#include "szt/activations.h"
#include "szt/checkpoint.h"
#include "szt/matmul.h"
#include "szt/npy.h"

namespace szt::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Shape {
  std::size_t m, k, n;
};

// A quantised checkpoint of one tensor "w" in dir/"q".
void make_weights(const TempDir& dir, std::size_t n, std::size_t k) {
  write_tensors(dir / "in", {{"w", f32({n, k}, random_weights(n * k, n * 1000 + k))}});
  expect_ok({"quantize", dir / "in", dir / "q"});
}

TEST(Matmul, DevicesWriteIdenticalFilesThatAreRight) {
  const std::map<std::string, DecodeMode> modes = {{"forward", DecodeMode::kForward},
                                                   {"zero_sign", DecodeMode::kZeroSign},
                                                   {"sign", DecodeMode::kSign}};
  for (const Shape shape : {Shape{1, 1, 1}, Shape{3, 4, 4}, Shape{5, 9, 7}, Shape{70, 13, 6},
                            Shape{2, 33, 17}, Shape{0, 5, 3}, Shape{2, 0, 3}, Shape{2, 5, 0}}) {
    SCOPED_TRACE(::testing::Message() << shape.m << " " << shape.k << " " << shape.n);
    const TempDir dir;
    make_weights(dir, shape.n, shape.k);
    const std::vector<std::int8_t> x = random_int8(shape.m * shape.k, 3);
    write_npy(dir / "x.npy", {shape.m, shape.k}, x);
    const QuantizedCheckpoint checkpoint{SafetensorsFile(dir / "q")};
    for (const auto& [name, mode] : modes) {
      std::vector<std::int32_t> y(shape.m * shape.n);
      matmul_reference(x, shape.m, checkpoint.at("w").codes, mode, y);
      write_npy(dir / "expected.npy", {shape.m, shape.n}, y);
      for (const std::string device : {"model", SZT_TLM_DEVICE, "rtl"}) {
        expect_ok({"matmul", "--weights", dir / "q", "--activations", dir / "x.npy", "--output",
                   dir / "y.npy", "--device", device, "--config", "tiny", "--mode", name});
        EXPECT_EQ(read_file(dir / "y.npy"), read_file(dir / "expected.npy")) << name << device;
      }
    }
  }
}

TEST(Matmul, FloatActivationsAreQuantisedByRow) {
  const TempDir dir;
  make_weights(dir, 6, 11);
  std::vector<float> floats = random_weights(3 * 11, 8);
  std::fill(floats.begin() + 11, floats.begin() + 22, 0.0F);
  write_npy(dir / "x.npy", {3, 11}, floats);
  const QuantizedActivations x = quantize_activations("", floats, 3, 11, Granularity::kPerRow);
  const QuantizedCheckpoint checkpoint{SafetensorsFile(dir / "q")};
  std::vector<std::int32_t> y(3 * 6);
  matmul_reference(x.values, 3, checkpoint.at("w").codes, DecodeMode::kForward, y);
  std::vector<float> scaled(y.size());
  scale_output(y, 3, 6, x.scales, checkpoint.at("w").scale, scaled);

  const std::vector<std::string> command = {
      "matmul", "--weights", dir / "q", "--activations", dir / "x.npy", "--output", dir / "y.npy"};
  expect_ok(command);
  EXPECT_EQ(NpyArray(dir / "y.npy").values<std::int32_t>(), y);
  std::vector<std::string> dequantized = command;
  dequantized.insert(dequantized.end(), {"--dequantize", "--json", dir / "report"});
  expect_ok(dequantized);
  EXPECT_EQ(NpyArray(dir / "y.npy").values<float>(), scaled);
  const nlohmann::json report = read_json(dir / "report");
  EXPECT_EQ(report["config"], "medium");
  EXPECT_EQ(report["device"], "model");
  EXPECT_EQ(report["m"], 3);
  EXPECT_EQ(report["k"], 11);
  EXPECT_EQ(report["n"], 6);
  EXPECT_EQ(report["cycles"], report["cycles_model"]);
}

TEST(Matmul, WeightsArgumentsWithColons) {
  const TempDir dir;
  write_tensors(dir / "in", {{"layer:0", f32({2, 2}, {1, -1, 1, 1})}, {"b", f32({1, 2}, {1, 1})}});
  expect_ok({"quantize", dir / "in", dir / "q:b"});
  write_npy(dir / "x.npy", {1, 2}, std::vector<std::int8_t>{3, 4});
  const auto product = [&](const std::string& weights) {
    expect_ok({"matmul", "--weights", weights, "--activations", dir / "x.npy", "--output",
               dir / "y.npy"});
    return NpyArray(dir / "y.npy").values<std::int32_t>();
  };
  const std::string file = dir / "q:b";
  EXPECT_THAT(product(file + ":layer:0"), ElementsAre(-1, 7));
  EXPECT_THAT(product(file + ":b"), ElementsAre(7));
}

TEST(Matmul, ReadsFortranOrder) {
  const TempDir dir;
  write_tensors(dir / "in", {{"w", f32({1, 2}, {1, -1})}});
  expect_ok({"quantize", dir / "in", dir / "q"});
  std::string header = "{'descr': '|i1', 'fortran_order': True, 'shape': (2, 2), }";
  header.resize(117, ' ');
  header += '\n';
  write_file(dir / "x.npy", std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header + "\1\2\3\5");
  expect_ok({"matmul", "--weights", dir / "q", "--activations", dir / "x.npy", "--output",
             dir / "y.npy"});
  EXPECT_THAT(NpyArray(dir / "y.npy").values<std::int32_t>(), ElementsAre(-2, -3));
}

}  // namespace
}  // namespace szt::test
