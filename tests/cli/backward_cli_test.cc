// SPDX-License-Identifier: Apache-2.0
// backward: every device writes the files that the definition says; dequantize --reopen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>

#include "cli_testing.h"
#include "cmodel/gradient_testing.h"
#include "szt/checkpoint.h"
#include "szt/encoder.h"
#include "szt/npy.h"

namespace szt::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A layer's files in a directory: "in" and its codes "q", "x.npy", "dy.npy".
class Backward : public ::testing::Test {
 protected:
  void make_layer(std::size_t m, std::size_t k, std::size_t n) {
    write_tensors(dir_ / "in", {{"w", f32({n, k}, random_weights(n * k, n * 1000 + k))}});
    expect_ok({"quantize", dir_ / "in", dir_ / "q"});
    x_ = random_int8(m * k, 3);
    dy_ = random_int8(m * n, 4);
    write_npy(dir_ / "x.npy", {m, k}, x_);
    write_npy(dir_ / "dy.npy", {m, n}, dy_);
    m_ = m;
  }

  PackedCodes codes() const {
    const QuantizedCheckpoint checkpoint{SafetensorsFile(dir_ / "q")};
    return PackedCodes(checkpoint.at("w").codes);
  }

  std::vector<std::string> command(const std::string& surrogate,
                                   const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {
        "backward",      "--weights",     dir_ / "q",     "--activations", dir_ / "x.npy",
        "--grad-output", dir_ / "dy.npy", "--grad-input", dir_ / "g.npy",  "--grad-weight",
        dir_ / "dw.npy", "--surrogate",   surrogate};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  // The files g.npy and dw.npy are the int32 arrays of the definition.
  void expect_gradients(std::optional<unsigned> shift, bool blocks_zeros) const {
    const PackedCodes weights = codes();
    expect_array("g.npy", {m_, weights.cols()}, defined_input_gradient(dy_, m_, weights, shift));
    expect_array("dw.npy", {weights.rows(), weights.cols()},
                 defined_weight_gradient(dy_, x_, m_, weights, blocks_zeros));
  }
  void expect_array(const std::string& file, const std::vector<std::uint64_t>& shape,
                    const std::vector<std::int64_t>& expected) const {
    const NpyArray array(dir_ / file);
    EXPECT_EQ(array.shape(), shape) << file;
    const std::vector<std::int32_t> values = array.values<std::int32_t>();
    EXPECT_EQ(std::vector<std::int64_t>(values.begin(), values.end()), expected) << file;
  }

  void refuse(const std::vector<std::string>& arguments, const std::vector<std::string>& parts) {
    const std::vector<std::string> before = dir_.names();
    expect_bad_input(arguments, parts);
    EXPECT_EQ(dir_.names(), before);
  }

  TempDir dir_;
  std::size_t m_ = 0;
  Int8s x_, dy_;
};

TEST_F(Backward, DevicesWriteTheDefinition) {
  struct Shape {
    std::size_t m, k, n;
  };
  for (const Shape& shape : {Shape{1, 1, 1}, Shape{5, 9, 7}, Shape{70, 13, 6}, Shape{2, 33, 17},
                             Shape{0, 5, 3}, Shape{2, 0, 3}, Shape{2, 5, 0}}) {
    SCOPED_TRACE(::testing::Message() << shape.m << " " << shape.k << " " << shape.n);
    make_layer(shape.m, shape.k, shape.n);
    for (const std::string device : {"model", SZT_TLM_DEVICE, "rtl"}) {
      for (const std::string config : {"tiny", "medium"}) {
        SCOPED_TRACE(device + " " + config);
        const std::vector<std::string> on = {"--device", device, "--config", config};
        expect_ok(command("szt", on));
        expect_gradients(2U, false);
      }
    }
    expect_ok(command("ste"));
    expect_gradients(std::nullopt, false);
    expect_ok(command("dead-zone", {"--device", "rtl", "--config", "tiny"}));
    expect_gradients(std::nullopt, true);
    expect_ok(command("szt", {"--zero-shift", "inf"}));
    expect_gradients(std::nullopt, false);
    for (unsigned shift = 0; shift <= 7; ++shift) {
      expect_ok(command("szt", {"--zero-shift", std::to_string(shift)}));
      expect_gradients(shift, false);
    }
  }
}

TEST_F(Backward, EitherOutputAlone) {
  make_layer(4, 9, 7);
  const std::string q = dir_ / "q";
  const std::string dy = dir_ / "dy.npy";
  const std::string x = dir_ / "x.npy";
  const std::string g = dir_ / "g.npy";
  const std::string dw = dir_ / "dw.npy";
  const std::vector<std::string> start = {"backward", "--weights",   q,    "--grad-output",
                                          dy,         "--surrogate", "szt"};
  const auto with = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words = start;
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  expect_ok(with({"--grad-input", g}));
  EXPECT_THAT(dir_.names(), ElementsAre("dy.npy", "g.npy", "in", "q", "x.npy"));
  const std::string expected_g = read_file(g);
  expect_ok(with({"--grad-input", g, "--activations", x}));
  EXPECT_EQ(read_file(g), expected_g);
  std::filesystem::remove(g);
  const Result result = expect_ok(with({"--grad-weight", dw, "--activations", x}));
  EXPECT_THAT(result.out, HasSubstr("on the host"));
  EXPECT_THAT(dir_.names(), ElementsAre("dw.npy", "dy.npy", "in", "q", "x.npy"));
  expect_ok(command("szt"));
  expect_gradients(2U, false);

  std::filesystem::remove(g);
  std::filesystem::remove(dw);
  refuse(start, {"--grad-input", "--grad-weight"});
  refuse(with({"--activations", x}), {"--grad-input", "--grad-weight"});
  refuse(with({"--grad-weight", dw}), {"--grad-weight needs --activations"});
}

TEST_F(Backward, ReportHoldsBothPasses) {
  make_layer(20, 37, 23);
  for (const std::string config : {"tiny", "medium"}) {
    const std::vector<std::string> more = {"--device", "rtl",    "--config",
                                           config,     "--json", dir_ / "r"};
    const Result result = expect_ok(command("szt", more));
    const nlohmann::json report = read_json(dir_ / "r");
    EXPECT_EQ(report["command"], "backward");
    EXPECT_EQ(report["surrogate"], "szt");
    EXPECT_EQ(report["zero_shift"], "2");
    EXPECT_EQ(report["config"], config);
    EXPECT_EQ(report["m"], 20);
    EXPECT_EQ(report["k"], 37);
    EXPECT_EQ(report["n"], 23);
    for (const char* pass : {"forward", "zero_sign"}) {
      EXPECT_GT(report[pass]["cycles"], 0);
      EXPECT_EQ(report[pass]["cycles"], report[pass]["cycles_model"]);
    }
    const std::uint64_t cycles = report["cycles"];
    EXPECT_EQ(cycles, report["forward"]["cycles"].get<std::uint64_t>() +
                          report["zero_sign"]["cycles"].get<std::uint64_t>());
    EXPECT_EQ(report["cycles"], report["cycles_model"]);
    EXPECT_TRUE(report["tool_versions"].contains("verilator"));
    EXPECT_THAT(result.out, HasSubstr(std::to_string(cycles) + " cycles"));
  }
  expect_ok(command("ste", {"--json", dir_ / "r"}));
  const nlohmann::json report = read_json(dir_ / "r");
  EXPECT_EQ(report["zero_shift"], "inf");
  EXPECT_EQ(report["zero_sign"]["cycles"], 0);
  EXPECT_EQ(report["cycles"], report["forward"]["cycles"]);
}

// The default is what the checkpoint says.
TEST_F(Backward, TheCheckpointsZeroShift) {
  make_layer(3, 8, 5);
  Metadata metadata = SafetensorsFile(dir_ / "q").metadata();
  EXPECT_EQ(metadata.at("szt.zero_shift"), "2");
  metadata["szt.zero_shift"] = "5";
  write_tensors(dir_ / "q5", read_tensors(dir_ / "q"), metadata);
  std::filesystem::rename(dir_ / "q5", dir_ / "q");
  expect_ok(command("szt"));
  expect_gradients(5U, false);
  expect_ok(command("szt", {"--zero-shift", "1"}));
  expect_gradients(1U, false);
  metadata.erase("szt.zero_shift");
  write_tensors(dir_ / "q0", read_tensors(dir_ / "q"), metadata);
  std::filesystem::rename(dir_ / "q0", dir_ / "q");
  expect_ok(command("szt"));
  expect_gradients(2U, false);
}

TEST_F(Backward, RefusesOptionsThatMakeNoSense) {
  make_layer(3, 8, 5);
  for (const std::string surrogate : {"dead-zone", "ste"}) {
    for (const std::string shift : {"2", "inf"}) {
      refuse(command(surrogate, {"--zero-shift", shift}), {"--zero-shift", "szt", surrogate});
    }
  }
  for (const std::string shift : {"8", "-1", "two", "2.0", "INF"}) {
    refuse(command("szt", {"--zero-shift", shift}), {"'" + shift + "'", "0 to 7 or inf"});
  }
  refuse(command("bt"), {"'bt'", "dead-zone, ste or szt"});
  refuse(command("szt", {"--device", "fpga"}), {"'fpga'", "model"});
  refuse(command("szt", {"--config", "huge"}), {"'huge'", "medium"});
  refuse({"backward", "--weights", dir_ / "q"}, {"--grad-output", "szt backward --help"});
  refuse({"backward", "--weights", dir_ / "q", "--grad-output", dir_ / "dy.npy", "--grad-input",
          dir_ / "g.npy"},
         {"--surrogate"});
}

TEST_F(Backward, RefusesArraysThatDoNotFit) {
  make_layer(3, 8, 5);
  const auto refuse_with = [&](const std::string& file, const std::vector<std::uint64_t>& shape,
                               const std::vector<std::string>& parts) {
    const std::string before = read_file(dir_ / file);
    std::size_t count = 1;
    for (const std::uint64_t size : shape) count *= size;
    write_npy(dir_ / file, shape, std::vector<std::int8_t>(count));
    std::vector<std::string> all = parts;
    all.push_back(dir_ / file);
    refuse(command("szt"), all);
    write_file(dir_ / file, before);
  };
  refuse_with("dy.npy", {3, 4}, {"N is 4 here and 5", ":w"});
  refuse_with("dy.npy", {4, 5}, {"M is 3 here and 4"});
  refuse_with("dy.npy", {15}, {"[15]", "output gradients", "[M,N]"});
  refuse_with("x.npy", {3, 7}, {"K is 7 here and 8", ":w"});
  refuse_with("x.npy", {2, 8}, {"M is 2 here and 3", "dy.npy"});
  refuse_with("x.npy", {3, 8, 1}, {"[3,8,1]", "activations", "[M,K]"});
  refuse_with("dy.npy", {131072, 5}, {"M = 131072", "at most 131071"});

  write_npy(dir_ / "dy.npy", {3, 5}, std::vector<float>(15));
  refuse(command("szt"), {dir_ / "dy.npy", "'<f4'", "not int8", "quantise", "[M,N]"});
  write_npy(dir_ / "dy.npy", {3, 5}, dy_);
  write_npy(dir_ / "x.npy", {3, 8}, std::vector<std::int32_t>(24));
  refuse(command("szt"), {dir_ / "x.npy", "'<i4'", "not int8", "[M,K]"});
  std::filesystem::remove(dir_ / "x.npy");
  refuse(command("szt"), {dir_ / "x.npy"});
  refuse(command("szt", {"--device", "rtl"}), {dir_ / "x.npy"});
}

TEST_F(Backward, RefusesAnNBeyondExactness) {
  const std::size_t n = 131072;
  write_tensors(dir_ / "in", {{"w", f32({n, 1}, std::vector<float>(n, 1.0F))}});
  expect_ok({"quantize", dir_ / "in", dir_ / "q"});
  write_npy(dir_ / "dy.npy", {1, n}, std::vector<std::int8_t>(n));
  write_npy(dir_ / "x.npy", {1, 1}, std::vector<std::int8_t>(1));
  refuse(command("szt", {"--zero-shift", "7"}), {"q:w", "N = 131072", "at most 131071"});
  expect_ok(command("szt", {"--zero-shift", "6"}));
}

TEST_F(Backward, LeavesNothingWhereAnOutputFails) {
  make_layer(3, 8, 5);
  const std::string dw = dir_ / "dw.npy";
  const std::string g = dir_ / "g.npy";
  const auto replaced = [&](const std::string& path, const std::string& by) {
    std::vector<std::string> words = command("szt");
    std::replace(words.begin(), words.end(), path, by);
    return words;
  };
  const std::string q = dir_ / "q";
  const std::string before = read_file(q);
  for (const std::string& output : {dw, g}) {
    refuse(replaced(output, dir_ / "no/such/folder"), {"no/such/folder"});
    // A device that takes nothing: known only when the bytes are written.
    refuse(replaced(output, "/dev/full"), {"/dev/full"});
    refuse(replaced(output, q), {"same file"});
    refuse(replaced(output, dir_ / "x.npy"), {"same file", "--activations"});
    refuse(replaced(output, dir_ / "dy.npy"), {"same file", "--grad-output"});
  }
  refuse(replaced(dw, g), {"same file"});
  refuse(command("szt", {"--json", "/dev/full"}), {"/dev/full"});
  refuse(command("szt", {"--json", g}), {"same file"});
  EXPECT_EQ(read_file(q), before);

  write_file(g, "precious");
  refuse(command("szt", {"--json", "/dev/full"}), {"/dev/full"});
  refuse(replaced(dw, "/dev/full"), {"/dev/full"});
  EXPECT_EQ(read_file(g), "precious");
}

TEST_F(Backward, ReopenWritesLatentsOfTheSameCodes) {
  make_layer(1, 37, 11);
  const QuantizedCheckpoint checkpoint{SafetensorsFile(dir_ / "q")};
  const QuantizedWeights weights = checkpoint.at("w");
  const std::vector<Code> codes = weights.codes.unpack();
  const std::map<std::string, float> inner = {{"", 0.25F},   {"0", 1.0F},    {"1", 0.5F},
                                              {"3", 0.125F}, {"7", 0x1p-7F}, {"inf", 0.0F}};
  for (const auto& [shift, level] : inner) {
    SCOPED_TRACE(shift);
    std::vector<std::string> words = {"dequantize", dir_ / "q", dir_ / "w0", "--reopen"};
    if (!shift.empty()) words.insert(words.end(), {"--zero-shift", shift});
    EXPECT_THAT(expect_ok(words).out, HasSubstr("reopened"));
    std::vector<float> expected;
    for (const Code code : codes) {
      const float magnitude =
          magnitude_bit(code) ? weights.scale : std::min(weights.scale * level, weights.threshold);
      expected.push_back(sign_bit(code) ? -magnitude : magnitude);
    }
    EXPECT_TRUE(read_tensors(dir_ / "w0").at("w") == f32({11, 37}, expected));
    std::vector<Code> again(codes.size());
    encode(Dtype::kF32, expected.data(), expected.size(), weights.threshold, again.data());
    EXPECT_EQ(again, codes);
  }
  std::filesystem::remove(dir_ / "w0");
  refuse({"dequantize", dir_ / "q", dir_ / "w0", "--zero-shift", "2"}, {"--reopen"});
  refuse({"dequantize", dir_ / "q", dir_ / "w0", "--reopen", "--zero-shift", "8"},
         {"'8'", "0 to 7 or inf"});
}

}  // namespace
}  // namespace szt::test
