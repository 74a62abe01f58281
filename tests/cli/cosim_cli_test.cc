// SPDX-License-Identifier: Apache-2.0
// cosim: what it compares, what it reports, and that it can fail.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli_testing.h"
#include "szt/npy.h"

namespace szt::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

nlohmann::json report_of(const TempDir& dir, std::vector<std::string> options) {
  options.insert(options.begin(), "cosim");
  options.insert(options.end(), {"--json", dir / "report"});
  expect_ok(options);
  return read_json(dir / "report");
}

// Three quantised tensors in dir/"q", two of them with K = 9.
void make_weights(const TempDir& dir) {
  write_tensors(dir / "in", {{"a", f32({6, 9}, random_weights(54, 1))},
                             {"b", f32({5, 9}, random_weights(45, 2))},
                             {"other.c", f32({3, 4}, random_weights(12, 3))},
                             {"bias", f32({3}, {1, 2, 3})}});
  expect_ok({"quantize", dir / "in", dir / "q"});
}

TEST(Cosim, ReportsAllThatWasPromised) {
  const TempDir dir;
  const nlohmann::json report =
      report_of(dir, {"--config", "tiny", "--m", "5", "--k", "9", "--n", "7", "--seed", "42"});
  const std::map<std::string, nlohmann::json> expected = {{"config", "tiny"},
                                                          {"rows", 4},
                                                          {"cols", 4},
                                                          {"m", 5},
                                                          {"k", 9},
                                                          {"n", 7},
                                                          {"seed", 42},
                                                          {"stall", 0},
                                                          {"mismatches", 0},
                                                          {"mode", "forward"},
                                                          {"results_compared", 5 * 8},
                                                          {"passed", true}};
  for (const auto& [key, value] : expected) EXPECT_EQ(report[key], value) << key;
  EXPECT_EQ(report["cycles"], report["cycles_model"]);
  EXPECT_GT(report["cycles"], 0);
  EXPECT_GT(report["macs_per_second"], 0);
  EXPECT_NEAR(report["utilization"], 5. * 9 * 7 / (report["cycles"].get<double>() * 16), 1e-12);
  for (const std::string tool : {"szt", "verilator", "compiler"}) {
    EXPECT_FALSE(report["tool_versions"][tool].get<std::string>().empty()) << tool;
  }
  ASSERT_EQ(report["tensors"].size(), 1U);
  EXPECT_EQ(report["tensors"][0]["cycles"], report["cycles"]);
}

TEST(Cosim, DefaultsAreTheOnesOfTheHelp) {
  const TempDir dir;
  const nlohmann::json report = report_of(dir, {});
  EXPECT_EQ(report["config"], "medium");
  EXPECT_EQ(report["m"], 64);
  EXPECT_EQ(report["k"], 384);
  EXPECT_EQ(report["n"], 384);
  EXPECT_EQ(report["seed"], 1);
  EXPECT_EQ(report["results_compared"], 64 * 384);
}

TEST(Cosim, UsesTheArrayFully) {
  const TempDir dir;
  EXPECT_GE(report_of(dir, {"--m", "256"})["utilization"], 0.99);
}

TEST(Cosim, ModesStallsAndSizesPass) {
  const TempDir dir;
  for (const std::string mode : {"forward", "zero_sign", "sign"}) {
    for (const std::string stall : {"0", "0.3", "0.9"}) {
      const nlohmann::json report = report_of(dir, {"--config", "tiny", "--mode", mode, "--stall",
                                                    stall, "--m", "70", "--k", "10", "--n", "6"});
      EXPECT_EQ(report["mode"], mode);
      EXPECT_EQ(report["mismatches"], 0);
      EXPECT_GE(report["cycles"], report["cycles_model"]);
      EXPECT_EQ(report["cycles"] == report["cycles_model"], stall == "0");
    }
  }
}

TEST(Cosim, ZeroSizesCompareNothing) {
  const TempDir dir;
  for (const std::string size : {"--m", "--k", "--n"}) {
    const nlohmann::json report = report_of(dir, {"--config", "tiny", size, "0"});
    EXPECT_EQ(report["results_compared"], 0);
    EXPECT_EQ(report["cycles"], 0);
    EXPECT_EQ(report["macs_per_second"], 0);
  }
}

TEST(Cosim, TheSeedFixesEverything) {
  const TempDir dir;
  const auto output = [&](const std::string& seed) {
    expect_ok({"cosim", "--config", "tiny", "--m", "9", "--k", "10", "--n", "11", "--seed", seed,
               "--stall", "0.5", "--json", dir / "report", "--output", dir / "y"});
    return std::pair(read_file(dir / "y"), read_json(dir / "report")["cycles"]);
  };
  const auto first = output("7");
  EXPECT_EQ(output("7"), first);
  EXPECT_NE(output("8").first, first.first);
}

TEST(Cosim, RunsEveryTensorOfAFile) {
  const TempDir dir;
  make_weights(dir);
  const nlohmann::json report =
      report_of(dir, {"--config", "tiny", "--weights", dir / "q", "--m", "3"});
  ASSERT_EQ(report["tensors"].size(), 3U);
  EXPECT_EQ(report["tensors"][0]["tensor"], "a");
  EXPECT_EQ(report["tensors"][2]["tensor"], "other.c");
  EXPECT_EQ(report["tensors"][2]["k"], 4);
  EXPECT_EQ(report["m"], 3);
  EXPECT_TRUE(report["k"].is_null());
  EXPECT_TRUE(report["n"].is_null());
  std::uint64_t cycles = 0;
  for (const auto& tensor : report["tensors"]) cycles += tensor["cycles"].get<std::uint64_t>();
  EXPECT_EQ(report["cycles"], cycles);
  EXPECT_EQ(report["tensors_not_run"], 0);
  // A tensor alone does what it does among others.
  const nlohmann::json alone =
      report_of(dir, {"--config", "tiny", "--weights", (dir / "q").string() + ":b", "--m", "3"});
  EXPECT_EQ(alone["cycles"], report["tensors"][1]["cycles"]);
  EXPECT_EQ(alone["k"], 9);
}

TEST(Cosim, GivenActivationsAndOutputsEqualMatmul) {
  const TempDir dir;
  make_weights(dir);
  write_npy(dir / "x.npy", {4, 9}, random_weights(36, 9));
  const std::string weights = (dir / "q").string() + ":b";
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{}, std::vector<std::string>{"--dequantize"}}) {
    std::vector<std::string> options = {"--config",      "tiny",        "--weights", weights,
                                        "--activations", dir / "x.npy", "--output",  dir / "y1"};
    options.insert(options.end(), more.begin(), more.end());
    std::vector<std::string> cosim = options;
    cosim.insert(cosim.begin(), "cosim");
    expect_ok(cosim);
    std::vector<std::string> matmul = options;
    matmul[7] = dir / "y2";
    matmul.insert(matmul.begin(), "matmul");
    expect_ok(matmul);
    EXPECT_EQ(read_file(dir / "y1"), read_file(dir / "y2"));
  }
}

TEST(Cosim, QuietSaysNothing) {
  EXPECT_EQ(expect_ok({"cosim", "--config", "tiny", "--m", "2", "--quiet"}).out, "");
}

TEST(Cosim, WritesATrace) {
  const TempDir dir;
  expect_ok(
      {"cosim", "--config", "tiny", "--m", "2", "--k", "5", "--n", "5", "--trace", dir / "t.fst"});
  EXPECT_THAT(dir.names(), ElementsAre("t.fst"));
  EXPECT_GT(read_file(dir / "t.fst").size(), 100U);
}

TEST(Cosim, TheTlmModelToo) {
  if (std::string(SZT_TLM_DEVICE) != "tlm") GTEST_SKIP() << "SystemC is not built";
  const Result result = run_szt(
      {"cosim", "--device", "tlm", "--config", "tiny", "--m", "70", "--k", "9", "--n", "8"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("every result and every cycle count equal"));
}

TEST(Cosim, RefusesWhatOnlyTheRtlCan) {
  for (const std::vector<std::string>& extra : {std::vector<std::string>{"--device", "model"},
                                                {"--device", "tlm", "--stall", "0.5"},
                                                {"--device", "tlm", "--trace", "/nowhere/t.fst"}}) {
    std::vector<std::string> command = {"cosim", "--config", "tiny"};
    command.insert(command.end(), extra.begin(), extra.end());
    const Result result = run_szt(command);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, HasSubstr("rtl"));
  }
}

// With the real RTL behind faulty wires.
Result run_broken(const std::string& fault, std::vector<std::string> options) {
  options.insert(options.begin(), {"cosim", "--config", "tiny", "--m", "5", "--seed", "3"});
  return run_szt(options, {{"SZT_RTL_PATH", SZT_BROKEN_RTL}, {"SZT_TEST_FAULT", fault}});
}

TEST(CosimFailure, WithoutAFaultItPasses) {
  const Result result = run_broken("", {"--k", "9", "--n", "8"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST(CosimFailure, AWrongBitIsExplained) {
  const TempDir dir;
  const Result result =
      run_broken("bit", {"--k", "9", "--n", "8", "--stall", "0.25", "--mode", "sign", "--json",
                         dir / "report", "--output", dir / "y"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr("FAILED"));
  EXPECT_THAT(result.err, HasSubstr("first divergence"));
  EXPECT_THAT(result.err, HasSubstr("0x00000080"));
  EXPECT_THAT(result.err,
              HasSubstr(std::string("reproduce with: SZT_RTL_PATH=") + SZT_BROKEN_RTL +
                        " szt cosim --config tiny --mode sign --seed 3 --stall 0.25 --n 8 "
                        "--k 9 --m 5\n"));
  EXPECT_THAT(dir.names(), ElementsAre("report"));  // no wrong Y
  const nlohmann::json report = read_json(dir / "report");
  EXPECT_FALSE(report["passed"].get<bool>());
  EXPECT_GE(report["mismatches"], 1);
  EXPECT_EQ(report["results_compared"], 5 * 8);
  const nlohmann::json& first = report["tensors"][0]["first_mismatch"];
  EXPECT_EQ(first["expected"].get<int>() ^ first["got"].get<int>(), 128);
}

TEST(CosimFailure, TheFirstFailingTensorEndsTheRun) {
  const TempDir dir;
  make_weights(dir);
  const std::string file = dir / "q";
  const Result result = run_broken("bit", {"--weights", file, "--json", dir / "report"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("--weights " + file + ":a --m 5\n"));
  EXPECT_EQ(read_json(dir / "report")["tensors_not_run"], 2);
}

TEST(CosimFailure, CyclesTooManyFail) {
  const Result result = run_broken("slow", {"--k", "9", "--n", "8"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("cycles, the model says"));
  // With stalls the model is a lower bound.
  EXPECT_EQ(run_broken("slow", {"--k", "9", "--n", "8", "--stall", "0.1"}).exit_code, 0);
}

TEST(CosimFailure, AHangIsReported) {
  const Result result = run_broken("hang", {"--k", "9", "--n", "8"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("hang"));
  EXPECT_THAT(result.err, HasSubstr("reproduce with: "));
}

TEST(CosimFailure, NoRtlIsBadInput) {
  const TempDir dir;
  const Result result = run_szt({"cosim", "--config", "tiny"}, {{"SZT_RTL_PATH", dir.path()}});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("szt_rtl_tiny"));
  write_file(dir / "libszt_rtl_tiny.so", "no library");
  EXPECT_EQ(run_szt({"cosim", "--config", "tiny"}, {{"SZT_RTL_PATH", dir.path()}}).exit_code, 2);
}

}  // namespace
}  // namespace szt::test
