// SPDX-License-Identifier: Apache-2.0
// Every kind of bad input: one line that says what, where and how to mend it, exit 2, no file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "cli_testing.h"
#include "szt/checkpoint.h"
#include "szt/npy.h"

namespace szt::test {
namespace {

using ::testing::ElementsAre;

constexpr float kInf = std::numeric_limits<float>::infinity();

// A directory that must hold the same files after a command as before it.
class BadInput : public ::testing::Test {
 protected:
  void refuse(const std::vector<std::string>& arguments, const std::vector<std::string>& parts) {
    const std::vector<std::string> before = dir_.names();
    expect_bad_input(arguments, parts);
    EXPECT_EQ(dir_.names(), before);
  }

  void refuse_quantize(const Tensors& tensors, const std::vector<std::string>& parts,
                       const Metadata& metadata = {}, std::vector<std::string> options = {}) {
    write_tensors(dir_ / "in", tensors, metadata);
    options.insert(options.begin(), {"quantize", dir_ / "in", dir_ / "out"});
    std::vector<std::string> all = parts;
    all.push_back(dir_ / "in");
    refuse(options, all);
  }

  // A quantised checkpoint "q" of a [2,3], b [2,3] and the 1-D bias.
  void make_checkpoint() {
    write_tensors(dir_ / "in", {{"a", f32({2, 3}, {1, -1, 0, -0.0F, 1, 1})},
                                {"b", f32({2, 3}, {1, -1, 0, -0.0F, 1, 1})},
                                {"plain", f32({2, 2}, {1, 2, 3, 4})},
                                {"bias", f32({3}, {1, 2, 3})}});
    expect_ok({"quantize", dir_ / "in", dir_ / "q", "--exclude", "plain"});
    write_npy(dir_ / "x.npy", {1, 3}, std::vector<std::int8_t>{1, 2, 3});
  }

  std::vector<std::string> matmul(const std::string& weights) const {
    return {"matmul",       "--weights", weights,       "--activations",
            dir_ / "x.npy", "--output",  dir_ / "y.npy"};
  }
  std::vector<std::string> cosim(const std::string& weights) const {
    return {"cosim",        "--weights", weights,       "--activations",
            dir_ / "x.npy", "--output",  dir_ / "y.npy"};
  }

  // Both commands that multiply refuse the weights.
  void refuse_weights(const std::string& weights, const std::vector<std::string>& parts) {
    refuse(matmul(weights), parts);
    refuse(cosim(weights), parts);
  }
  void refuse_activations(const std::vector<std::string>& parts) {
    refuse_weights((dir_ / "q").string() + ":a", parts);
  }

  TempDir dir_;
};

TEST_F(BadInput, WeightsThatAreNotFinite) {
  refuse_quantize({{"good", f32({1, 2}, {1, 2})}, {"bad", f32({2, 3}, {1, 2, 3, 4, NAN, kInf})}},
                  {"'bad'", "[1, 1]", "nan", "finite"});
  refuse_quantize({{"bad", f32({2, 2}, {1, 2, -kInf, 3})}}, {"'bad'", "[1, 0]", "-inf"});
  refuse_quantize({{"h", tensor_of("F16", {1, 2}, std::vector<std::uint16_t>{0x3C00, 0x7C00})}},
                  {"'h'", "[0, 1]"});
  refuse_quantize({{"b", tensor_of("BF16", {1, 2}, std::vector<std::uint16_t>{0xFFC0, 0x3F80})}},
                  {"'b'", "[0, 0]"});
}

TEST_F(BadInput, NothingToQuantize) {
  refuse_quantize({{"bias", f32({3}, {1, 2, 3})}}, {"no 2-D tensor", "--integers"});
  refuse_quantize({{"ids", tensor_of("I8", {1, 1}, std::vector<std::int8_t>{1})}}, {"--integers"});
  refuse_quantize({}, {"no 2-D tensor"});
  refuse_quantize({{"w", f32({1, 1}, {1})}}, {"--include", "'w'"}, {}, {"--include", "nothing"});
  refuse_quantize({{"w", f32({1, 1}, {1})}}, {"--exclude", "'w'"}, {}, {"--exclude", "."});
}

TEST_F(BadInput, RulesAndExpressions) {
  write_tensors(dir_ / "in", {{"w", f32({1, 1}, {1})}});
  const auto refuse_option = [&](const std::string& option, const std::string& value,
                                 const std::string& part) {
    refuse({"quantize", dir_ / "in", dir_ / "out", option, value}, {value, part});
  };
  for (const std::string rule :
       {"tnw", "fixed", "fixed:", "fixed:-1", "fixed:nan", "fixed:x", "twn:inf", "mse:1"}) {
    refuse_option("--rule", rule, "absmean");
  }
  for (const std::string regex : {"(", "[a", "*", "a{2,1}", "\\"}) {
    refuse({"quantize", dir_ / "in", dir_ / "out", "--include", regex},
           {"--include", "expression"});
    refuse({"quantize", dir_ / "in", dir_ / "out", "--exclude", regex},
           {"--exclude", "expression"});
  }
  const std::string long_name(100'000, 'x');
  write_tensors(dir_ / "in", {{long_name, f32({1, 1}, {1})}});
  refuse({"quantize", dir_ / "in", dir_ / "out", "--include", "(x|y)*z"},
         {"--include", "too long"});
}

TEST_F(BadInput, NamesAndMetadataThatAreTaken) {
  refuse_quantize({{"a", f32({1, 1}, {1})}, {"a.codes", f32({1}, {1})}},
                  {"'a'", "'a.codes'", "--exclude"});
  refuse_quantize({{"a", f32({1, 1}, {1})}, {"a.scale", f32({1}, {1})}}, {"'a.scale'"});
  refuse_quantize({{"a", f32({1, 1}, {1})}}, {"'szt.rule'", "rename"}, {{"szt.rule", "mine"}});
  refuse_quantize({{"a", f32({1, 1}, {1})}}, {"quantised already"}, {{"szt.version", "1"}});
  make_checkpoint();
  refuse({"quantize", dir_ / "q", dir_ / "out"}, {"quantised already"});
}

TEST_F(BadInput, FilesThatAreNoCheckpoints) {
  const std::string good = [&] {
    write_tensors(dir_ / "in", {{"w", f32({2, 2}, {1, 2, 3, 4})}});
    return read_file(dir_ / "in");
  }();
  const std::map<std::string, std::string> files = {
      {"empty", ""},
      {"short", good.substr(0, 5)},
      {"cut header", good.substr(0, 30)},
      {"cut data", good.substr(0, good.size() - 1)},
      {"too long", good + "x"},
      {"huge header", std::string("\xff\xff\xff\xff\xff\xff\xff\x7f", 8) + good.substr(8)},
      {"no json", std::string("\x04\0\0\0\0\0\0\0", 8) + "{\"w\""},
  };
  for (const auto& [name, bytes] : files) {
    SCOPED_TRACE(name);
    write_file(dir_ / "in", bytes);
    refuse({"quantize", dir_ / "in", dir_ / "out"}, {dir_ / "in"});
    refuse({"dequantize", dir_ / "in", dir_ / "out"}, {dir_ / "in"});
    refuse({"inspect", dir_ / "in"}, {dir_ / "in"});
    refuse({"cosim", "--weights", dir_ / "in"}, {dir_ / "in"});
  }
  const std::string directory = dir_.path();
  for (const std::string& file : {directory, directory + "/missing", std::string("/dev/null")}) {
    refuse({"quantize", file, dir_ / "out"}, {file});
    refuse({"dequantize", file, dir_ / "out"}, {file});
    refuse({"inspect", file}, {file});
    refuse({"cosim", "--weights", file}, {file});
  }
}

TEST_F(BadInput, WeightsThatAreNotThere) {
  make_checkpoint();
  const std::string q = dir_ / "q";
  refuse_weights(q + ":c", {q, "'c'", "'a', 'b'"});
  refuse_weights(q + ":bias", {q, "'bias'", "[3]", "two dimensions"});
  refuse_weights(q + ":plain", {q, "'plain'", "szt quantize"});
  refuse_weights(q + ":a.codes", {q, "'a.codes'", "without"});
  refuse_weights(q + ":", {q, "FILE:T"});
  refuse_weights((dir_ / "missing").string() + ":a", {dir_ / "missing"});
  refuse_weights(dir_ / "in", {"szt quantize"});
  refuse_weights((dir_ / "in").string() + ":a", {"'a'", "szt quantize"});
  refuse_weights((dir_ / "in").string() + ":bias", {"'bias'", "two dimensions"});
  refuse(matmul(q), {q, "2 quantised tensors", "'a', 'b'", q + ":a"});
  refuse(cosim(q), {"--output", q + ":a"});
  refuse({"cosim", "--weights", q, "--trace", dir_ / "t.fst"}, {"--trace", q + ":a"});
  refuse({"inspect", q, "--tensor", "c"}, {q, "'c'"});
  refuse({"dequantize", dir_ / "in", dir_ / "out"}, {"no quantised tensor"});
}

TEST_F(BadInput, ActivationsThatDoNotFit) {
  make_checkpoint();
  write_npy(dir_ / "x.npy", {1, 4}, std::vector<std::int8_t>{1, 2, 3, 4});
  refuse_activations({dir_ / "x.npy", "K is 4", "3", ":a"});
  write_npy(dir_ / "x.npy", {3}, std::vector<std::int8_t>{1, 2, 3});
  refuse_activations({dir_ / "x.npy", "[3]", "[M,K]"});
  write_npy(dir_ / "x.npy", {1, 1, 3}, std::vector<std::int8_t>{1, 2, 3});
  refuse_activations({dir_ / "x.npy", "[1,1,3]", "[M,K]"});
  write_npy(dir_ / "x.npy", {1, 3}, std::vector<std::int32_t>{1, 2, 3});
  refuse_activations({dir_ / "x.npy", "'<i4'", "int8"});
  write_npy(dir_ / "x.npy", {1, 3}, std::vector<float>{1, NAN, 3});
  refuse_activations({dir_ / "x.npy", "[0, 1]"});
  std::filesystem::remove(dir_ / "x.npy");
  refuse_activations({dir_ / "x.npy"});
}

TEST_F(BadInput, ArraysThatAreDamaged) {
  make_checkpoint();
  const std::string good = read_file(dir_ / "x.npy");
  std::string lying = good;
  lying.replace(lying.find("(1, 3)"), 6, "(9, 3)");
  std::string objects = good;
  objects.replace(objects.find("|i1"), 3, "|O1");
  for (const std::string& bytes : {std::string(), good.substr(0, 7), good.substr(0, 40),
                                   good.substr(0, good.size() - 1), good + "x", lying, objects}) {
    write_file(dir_ / "x.npy", bytes);
    refuse_activations({dir_ / "x.npy"});
    if (bytes.size() > 7) refuse({"inspect", dir_ / "x.npy"}, {dir_ / "x.npy"});
  }
  write_file(dir_ / "x.npy", good);
  refuse({"inspect", dir_ / "x.npy", "--tensor", "t"}, {"--tensor"});
}

TEST_F(BadInput, NamesOfThings) {
  make_checkpoint();
  const std::string q = (dir_ / "q").string() + ":a";
  const auto refuse_both = [&](const std::vector<std::string>& more,
                               const std::vector<std::string>& parts) {
    for (std::vector<std::string> command : {matmul(q), cosim(q)}) {
      command.insert(command.end(), more.begin(), more.end());
      refuse(command, parts);
    }
  };
  refuse_both({"--config", "huge"}, {"'huge'", "medium"});
  refuse_both({"--mode", "backward"}, {"'backward'", "zero_sign"});
  refuse_both({"--dequantize"}, {"x.npy", "float32"});
  refuse_both({"--dequantize", "--mode", "sign"}, {"--mode forward"});
  std::vector<std::string> device = matmul(q);
  device.insert(device.end(), {"--device", "fpga"});
  refuse(device, {"'fpga'", "model", "rtl"});
  refuse({"cosim", "--weights", q, "--k", "3"}, {"--k"});
  refuse({"cosim", "--activations", dir_ / "x.npy", "--m", "3"}, {"--m"});
  refuse({"cosim", "--dequantize"}, {"--weights", "--output"});
}

TEST_F(BadInput, OutputsThatCannotBeWritten) {
  make_checkpoint();
  const std::string q = (dir_ / "q").string() + ":a";
  const std::string nowhere = dir_ / "no/such/folder";
  const std::string directory = dir_.path();
  for (const std::string& bad : {nowhere, directory, directory + "/in/x"}) {
    refuse({"quantize", dir_ / "in", bad}, {bad});
    refuse({"quantize", dir_ / "in", dir_ / "out", "--json", bad}, {bad});
    refuse({"dequantize", dir_ / "q", bad}, {bad});
    refuse({"inspect", dir_ / "q", "--json", bad}, {bad});
    refuse({"cosim", "--config", "tiny", "--json", bad}, {bad});
    refuse({"cosim", "--config", "tiny", "--output", bad}, {bad});
    refuse({"cosim", "--config", "tiny", "--trace", bad}, {bad});
    std::vector<std::string> command = matmul(q);
    command.back() = bad;
    refuse(command, {bad});
  }
  // A device that takes nothing: known only when the bytes are written.
  refuse({"quantize", dir_ / "in", "/dev/full"}, {"/dev/full"});
  refuse({"dequantize", dir_ / "q", "/dev/full"}, {"/dev/full"});
  std::vector<std::string> command = matmul(q);
  command.back() = "/dev/full";
  refuse(command, {"/dev/full"});
  // Nor is there an output without the report that was asked for with it.
  refuse({"quantize", dir_ / "in", dir_ / "out", "--json", "/dev/full"}, {"/dev/full"});
  command.back() = dir_ / "out";
  command.insert(command.end(), {"--json", "/dev/full"});
  refuse(command, {"/dev/full"});
  refuse({"cosim", "--quiet", "--config", "tiny", "--output", dir_ / "out", "--json", "/dev/full"},
         {"/dev/full"});
  EXPECT_FALSE(std::filesystem::exists(dir_ / "out"));
  if (::geteuid() != 0) {  // root may write anywhere
    const std::string locked = dir_ / "locked";
    ASSERT_EQ(::mkdir(locked.c_str(), 0500), 0);
    refuse({"quantize", dir_ / "in", locked + "/out"}, {locked});
    ::chmod(locked.c_str(), 0700);
  }
}

TEST_F(BadInput, AFailureLeavesTheOldOutput) {
  write_tensors(dir_ / "in", {{"w", f32({1, 2}, {1, NAN})}});
  write_file(dir_ / "out", "precious");
  refuse({"quantize", dir_ / "in", dir_ / "out"}, {"'w'"});
  EXPECT_EQ(read_file(dir_ / "out"), "precious");
  EXPECT_THAT(dir_.names(), ElementsAre("in", "out"));
}

TEST_F(BadInput, OneFileForTwoThings) {
  make_checkpoint();
  const std::string q = dir_ / "q";
  const std::string before = read_file(q);
  refuse({"quantize", dir_ / "in", dir_ / "out", "--json", dir_ / "out"}, {"--json", "same file"});
  refuse({"quantize", dir_ / "in", dir_ / "out", "--json", dir_ / "in"}, {"--json", "same file"});
  refuse({"inspect", q, "--json", q}, {"same file"});
  refuse({"matmul", "--weights", q + ":a", "--activations", dir_ / "x.npy", "--output", q},
         {"same file"});
  refuse({"matmul", "--weights", q + ":a", "--activations", dir_ / "x.npy", "--output",
          dir_ / "./x.npy"},
         {"same file"});
  EXPECT_EQ(read_file(q), before);
}

TEST_F(BadInput, QuantisedFilesThatLie) {
  make_checkpoint();
  const Tensors tensors = read_tensors(dir_ / "q");
  const Metadata metadata = SafetensorsFile(dir_ / "q").metadata();
  const auto refuse_all = [&](const Tensors& changed, const Metadata& changed_metadata,
                              const std::vector<std::string>& parts) {
    write_tensors(dir_ / "lie", changed, changed_metadata);
    refuse_weights((dir_ / "lie").string() + ":a", parts);
    refuse({"dequantize", dir_ / "lie", dir_ / "out"}, parts);
    refuse({"inspect", dir_ / "lie"}, parts);
  };
  const auto with_shape = [&](const std::string& shape) {
    Metadata changed = metadata;
    changed["szt.shape.a"] = shape;
    return changed;
  };
  for (const std::string shape : {"[2,9]", "[3,3]", "[0,3]", "[18446744073709551615,3]"}) {
    refuse_all(tensors, with_shape(shape), {"'a'", "'a.codes'", "U8 [2,1]"});
  }
  for (const std::string shape :
       {"", "[2]", "[2,3", "[2,3,1]", "[-2,3]", "[2,x]", "2,3", "[2,18446744073709551616]"}) {
    refuse_all(tensors, with_shape(shape), {"'szt.shape.a'", "[out,in]"});
  }
  refuse_all(tensors, with_shape("[2,2]"), {"'a'", "padding"});
  const auto with = [&](const std::string& name, const Tensor& tensor) {
    Tensors changed = tensors;
    changed[name] = tensor;
    return changed;
  };
  refuse_all(with("a.codes", f32({2, 1}, {1, 1})), metadata, {"'a.codes'", "F32"});
  refuse_all(with("a.codes", {"U8", {2, 1}, std::string("\x01\x40", 2)}), metadata,
             {"'a'", "row 1", "padding"});
  refuse_all(with("a.scale", f32({}, {1})), metadata, {"'a.scale'", "F32 [1]"});
  refuse_all(with("a.scale", f32({1}, {NAN})), metadata, {"'a.scale'", "nan"});
  refuse_all(with("a.scale", f32({1}, {-1})), metadata, {"'a.scale'", "-1"});
  refuse_all(with("a.threshold", f32({1}, {kInf})), metadata, {"'a.threshold'", "inf"});
  refuse_all(with("a.threshold", {"U8", {1}, "x"}), metadata, {"'a.threshold'", "U8"});
  for (const std::string part : {"a.codes", "a.scale", "a.threshold"}) {
    Tensors changed = tensors;
    changed.erase(part);
    refuse_all(changed, metadata, {"'a'", "'" + part + "'"});
  }
  Metadata version = metadata;
  version["szt.version"] = "2";
  refuse_all(tensors, version, {"'szt.version'", "'2'"});
  Metadata shift = metadata;
  shift["szt.zero_shift"] = "8";
  refuse_all(tensors, shift, {"'szt.zero_shift'", "'8'"});
  write_tensors(dir_ / "lie", with("a", f32({1}, {1})), metadata);
  refuse({"dequantize", dir_ / "lie", dir_ / "out"}, {"'a'", "twice"});
}

TEST_F(BadInput, SizesBeyondExactness) {
  // K = 2^24 of no rows at all: legal to hold, too long to sum exactly.
  write_tensors(dir_ / "in", {{"w", f32({0, 1U << 24}, {})}});
  expect_ok({"quantize", dir_ / "in", dir_ / "q"});
  refuse({"cosim", "--weights", dir_ / "q"}, {"'w'", "16777216"});
}

}  // namespace
}  // namespace szt::test
