// SPDX-License-Identifier: Apache-2.0
// train and classify: a network from data to the array, and what they refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "cli_testing.h"
#include "image_testing.h"

namespace szt::test {
namespace {

using ::testing::HasSubstr;

class Network : public ::testing::Test {
 protected:
  void SetUp() override {
    write_bar_images(dir_.path(), "train", 256);
    write_bar_images(dir_.path(), "t10k", 40);
  }
  // A small run; what `more` gives replaces what is here.
  std::vector<std::string> train(const std::map<std::string, std::string>& more) const {
    std::map<std::string, std::string> options = {
        {"--data", dir_.path()},   {"--steps", "12"},   {"--batch", "64"},
        {"--threads", "1"},        {"--rate", "0.003"}, {"--json", dir_ / "json"},
        {"--output", dir_ / "net"}};
    for (const auto& [option, value] : more) options[option] = value;
    std::vector<std::string> words = {"train"};
    for (const auto& [option, value] : options) {
      words.push_back(option);
      if (!value.empty()) words.push_back(value);
    }
    return words;
  }
  TempDir dir_;
};

#ifdef SZT_TRAINER

TEST_F(Network, TrainsAndClassifiesTheSameOnEveryDevice) {
  const Result trained = expect_ok(train({}));
  EXPECT_THAT(trained.out, HasSubstr("mlp 784-256-256-10: 269322 parameters, 268800 of them in 2 "
                                     "bits; 12 steps of 64"));
  const nlohmann::json report = read_json(dir_ / "json");
  EXPECT_EQ(report.at("losses").size(), 12U);
  EXPECT_EQ(report.at("evaluations").size(), 2U);
  EXPECT_EQ(report.at("layers").size(), 3U);
  EXPECT_THAT(report.at("tool_versions").at("trainer").get<std::string>(), HasSubstr("libtorch"));
  for (const std::string device : {"model", "rtl"}) {
    const std::filesystem::path json = dir_ / ("json-" + device);
    expect_ok({"classify", "--network", dir_ / "net", "--images", dir_.path(), "--batch", "16",
               "--device", device, "--json", json});
    const nlohmann::json row = read_json(json);
    EXPECT_EQ(row.at("images"), 40);
    // What the trainer's floats say, the integers say.
    EXPECT_EQ(row.at("accuracy"), report.at("final"));
    EXPECT_EQ(row.at("accuracy_model"), report.at("final"));
    EXPECT_EQ(row.at("mismatching_bits"), 0);
    EXPECT_EQ(row.at("results_compared"), 40 * (256 + 256 + 10));
    EXPECT_EQ(row.at("cycles"), row.at("cycles_model"));
  }
}

TEST_F(Network, TrainRefusesNonsenseAndLeavesNothing) {
  const auto refused = [&](const std::map<std::string, std::string>& more,
                           const std::vector<std::string>& parts) {
    expect_bad_input(train(more), parts);
    EXPECT_FALSE(std::filesystem::exists(dir_ / "net"));
    EXPECT_FALSE(std::filesystem::exists(dir_ / "json"));
  };
  refused({{"--task", "x"}}, {"task 'x' is unknown", "fashion-mlp, fashion-cnn, text"});
  refused({{"--arm", "x"}}, {"float32, dead-zone, ste, szt, four-level"});
  refused({{"--memory", "x"}}, {"bt-zero"});
  refused({{"--schedule", "x"}}, {"constant, cosine"});
  refused({{"--zero-shift", "8"}}, {"'8'"});
  refused({{"--batch", "0"}}, {"batch 0"});
  refused({{"--batch", "257"}}, {"--batch 257: there are 256 training images"});
  refused({{"--rate", "-1"}}, {"rate -1"});
  refused({{"--rate", "nan"}}, {"rate nan"});
  refused({{"--rate", "1e38"}}, {"rate 1e+38", "0 to"});
  refused({{"--memory", "bt-zero"}}, {"memory bt-zero", "network to start at"});
  refused({{"--recalibrate", ""}}, {"recalibrate", "network to start at"});
  refused({{"--arm", "ste"}, {"--zero-shift", "5"}}, {"--zero-shift", "arm ste"});
  refused({{"--resume", ""}}, {"no snapshot to resume from"});
  refused({{"--snapshot", dir_ / "none"}, {"--resume", ""}}, {"none: cannot be read"});
  refused({{"--snapshot", dir_ / "t10k-labels-idx1-ubyte"}, {"--resume", ""}},
          {"t10k-labels", "not a snapshot"});
  refused({{"--start", dir_ / "none"}}, {"none"});
  refused({{"--task", "text"}, {"--data", dir_ / "none"}}, {"none: cannot be read"});
  refused({{"--arm", "float32"}, {"--forget-every", "3"}}, {"no 2-bit memory"});
  refused({{"--arm", "float32"}, {"--rate", "1e30"}}, {"the loss is"});
  expect_bad_input({"train", "--task", "text"}, {"--task text needs --data"});
  expect_bad_input({"train", "--keep-latents"}, {"latents", "its file is not given"});
}

TEST_F(Network, ResumesWhateverTheDataAreCalled) {
  expect_ok(train({{"--snapshot", dir_ / "snap"}}));
  std::filesystem::create_directory_symlink(dir_.path(), dir_ / "images");
  for (const std::string& data : {dir_.path().string() + "/", (dir_ / "images").string()}) {
    expect_ok(train({{"--snapshot", dir_ / "snap"}, {"--resume", ""}, {"--data", data}}));
  }
  expect_bad_input(train({{"--snapshot", dir_ / "snap"}, {"--resume", ""}, {"--seed", "2"}}),
                   {"seed 1, not 2"});
}

#else

TEST_F(Network, WithoutLibtorchTrainSaysWhatIsMissing) {
  expect_bad_input(train({}), {"the trainer (it needs libtorch) is not built"});
}

#endif

// The network that scripts/demo.sh classifies with.
TEST_F(Network, TheDefaultNetworkHasItsAccuracy) {
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist")) {
    GTEST_SKIP() << "no Fashion-MNIST (Debian: dataset-fashion-mnist)";
  }
  expect_ok({"classify", "--network", SZT_DEFAULT_NETWORK, "--json", dir_ / "all"});
  EXPECT_EQ(read_json(dir_ / "all").at("images"), 10000);
  EXPECT_EQ(read_json(dir_ / "all").at("accuracy"), 0.8938);
  expect_ok({"classify", "--network", SZT_DEFAULT_NETWORK, "--device", "rtl", "--count", "512",
             "--json", dir_ / "rtl"});
  const nlohmann::json row = read_json(dir_ / "rtl");
  EXPECT_EQ(row.at("accuracy"), row.at("accuracy_model"));
  EXPECT_EQ(row.at("results_compared"), 512 * (256 + 256 + 10));
  EXPECT_EQ(row.at("mismatching_bits"), 0);
}

TEST_F(Network, ClassifyRefusesNonsense) {
  const auto refused = [&](const std::vector<std::string>& more,
                           const std::vector<std::string>& parts) {
    std::vector<std::string> words = {"classify", "--images", dir_.path()};
    words.insert(words.end(), more.begin(), more.end());
    expect_bad_input(words, parts);
  };
  refused({"--network", dir_ / "none"}, {"none"});
  refused({"--network", dir_ / "t10k-labels-idx1-ubyte"}, {"t10k-labels"});
  refused({"--network", dir_ / "none", "--batch", "0"}, {"--batch 0"});
  refused({"--network", dir_ / "none", "--count", "0"}, {"--count 0"});
  refused({"--network", dir_ / "none", "--clock", "0"}, {"--clock 0"});
  refused({"--network", dir_ / "none", "--device", "x"}, {"--device 'x'"});
}

}  // namespace
}  // namespace szt::test
