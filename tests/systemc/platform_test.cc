// SPDX-License-Identifier: Apache-2.0
// szt-platform as a user runs it.
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include "cli/cli_testing.h"
#include "szt/checkpoint.h"
#include "szt/npy.h"
#include "szt/quantize.h"
#include "szt/safetensors.h"

namespace szt::test {
namespace {

// The number behind `label`, as in "accelerator: 123 busy cycles".
std::uint64_t number_in(const std::string& text, const std::string& pattern) {
  std::smatch match;
  EXPECT_TRUE(std::regex_search(text, match, std::regex(pattern))) << pattern << "\n" << text;
  return match.size() < 2 ? 0 : std::stoull(match[1]);
}

const char* const kCycles = "simulated: [^=]*= ([0-9]+) cycles";
const char* const kBusy = "accelerator: ([0-9]+) busy cycles";
const char* const kUnstalled = "([0-9]+) if nothing stalled";

using Arguments = std::vector<std::string>;

Arguments layer(const std::string& config, const Arguments& more = {}) {
  Arguments arguments = {"--config", config, "--m", "70", "--k", "50", "--n", "45"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

TEST(Platform, RunsALayerOnTheModelAndOnTheRtl) {
  for (const std::string mode : {"forward", "zero_sign", "sign"}) {
    const Result model = expect_ok(layer("tiny", {"--mode", mode}));
    const Result rtl = expect_ok(layer("tiny", {"--mode", mode, "--rtl"}));
    for (const Result& result : {model, rtl}) {
      EXPECT_NE(result.out.find("results: 3150 compared, 0 differ"), std::string::npos);
    }
    const std::uint64_t unstalled = number_in(model.out, kUnstalled);
    EXPECT_EQ(number_in(rtl.out, kUnstalled), unstalled);
    for (const char* const what : {kCycles, kBusy}) {
      const double ratio = static_cast<double>(number_in(model.out, what)) /
                           static_cast<double>(number_in(rtl.out, what));
      EXPECT_NEAR(ratio, 1, 0.02);
    }
    // The first codes come late; then the memory is fast enough.
    EXPECT_GT(number_in(rtl.out, kBusy), unstalled);
    EXPECT_LT(number_in(rtl.out, kBusy), unstalled + unstalled / 20);
  }
}

TEST(Platform, ASlowMemoryShows) {
  for (const Arguments& target : {Arguments{}, Arguments{"--rtl"}}) {
    Arguments arguments = layer("tiny", {"--memory-width", "1", "--memory-latency", "100"});
    arguments.insert(arguments.end(), target.begin(), target.end());
    const Result result = expect_ok(arguments);
    // Each activation beat alone takes four cycles of the memory.
    EXPECT_GT(number_in(result.out, kBusy), 3 * number_in(result.out, kUnstalled));
  }
}

TEST(Platform, TheQuantumDoesNotChangeTheResults) {
  for (const std::string quantum : {"0", "10", "1000000"}) {
    const Result result = expect_ok(layer("tiny", {"--quantum", quantum}));
    EXPECT_NE(result.out.find("0 differ"), std::string::npos);
  }
}

class PlatformFiles : public testing::Test {
 protected:
  PlatformFiles() {
    SafetensorsWriter writer;
    set_checkpoint_metadata(writer, Rule());
    for (const std::string name : {"first", "second"}) {
      const std::vector<float> weights = random_weights(19 * 23, name.size());
      add_quantized(writer, name, quantize(name, Dtype::kF32, weights.data(), 19, 23, Rule()));
    }
    writer.write(dir_ / "w.safetensors");
    write_npy(dir_ / "x.npy", {11, 23}, std::span<const std::int8_t>(random_int8(11 * 23, 5)));
    write_npy(dir_ / "f.npy", {11, 23}, std::span<const float>(random_weights(11 * 23, 5)));
    write_npy(dir_ / "k.npy", {11, 22}, std::span<const std::int8_t>(random_int8(11 * 22, 5)));
  }
  std::string file(const std::string& name) const { return (dir_ / name).string(); }

  TempDir dir_;
};

TEST_F(PlatformFiles, RunsAQuantisedTensor) {
  const Result result = expect_ok({"--config", "tiny", "--weights", file("w.safetensors:second"),
                                   "--activations", file("x.npy")});
  EXPECT_NE(result.out.find("second: Y [11,19] = X [11,23] * W [19,23]^T"), std::string::npos);
  EXPECT_NE(result.out.find("results: 209 compared, 0 differ"), std::string::npos);
}

void expect_refused(const Arguments& arguments, const std::string& part) {
  const Result result = run_szt(arguments);
  EXPECT_EQ(result.exit_code, 2) << part;
  EXPECT_EQ(result.out, "") << part;
  EXPECT_EQ(result.err.substr(0, 14), "szt-platform: ") << result.err;
  EXPECT_EQ(result.err.find('\n'), result.err.size() - 1) << result.err;
  EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
}

TEST_F(PlatformFiles, BadInputIsOneLineAndExit2) {
  const std::string w = file("w.safetensors:first"), x = file("x.npy");
  expect_refused({"--m", "0"}, "--m must be at least 1");
  expect_refused({"--m", "x"}, "--m");
  expect_refused({"--clock", "0"}, "--clock");
  expect_refused({"--memory-width", "0"}, "--memory-width");
  expect_refused({"--config", "huge"}, "huge");
  expect_refused({"--mode", "backward"}, "--mode 'backward'");
  expect_refused({"--frobnicate"}, "--help");
  expect_refused({"--weights", w}, "go together");
  expect_refused({"--weights", file("none"), "--activations", x}, "none");
  expect_refused({"--weights", file("w.safetensors"), "--activations", x}, "choose one");
  expect_refused({"--weights", w, "--activations", file("f.npy")}, "int8");
  expect_refused({"--weights", w, "--activations", file("k.npy")}, "K is 22 here and 23");
}

TEST(Platform, HelpNamesTheOptions) {
  const Result result = expect_ok({"--help"});
  for (const std::string option : {"--weights", "--activations", "--rtl", "--config", "--mode",
                                   "--memory-width", "--quantum"}) {
    EXPECT_NE(result.out.find(option), std::string::npos) << option;
  }
}

}  // namespace
}  // namespace szt::test
