// SPDX-License-Identifier: Apache-2.0
// Whole runs: reproducible, resumable, and their experiments' knobs do what they say.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstring>
#include <exception>
#include <tuple>

#include "szt/checkpoint.h"
#include "szt/error.h"
#include "szt/reopen.h"
#include "training_testing.h"

namespace szt::train {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

struct Stop : std::exception {};

Observer stop_at(std::size_t step) {
  return [step](std::size_t done, std::size_t, double) {
    if (done == step) throw Stop();
  };
}

QuantizedWeights first_layer(const QuantizedCheckpoint& checkpoint) {
  return checkpoint.at("layers.0.weight");
}

TEST_F(TrainingTest, EveryArmLearnsTheBars) {
  for (const Arm arm : kAllArms) {
    Options options = small(arm);
    options.steps = 60;
    const Report report = train(options, {});
    EXPECT_LT(report.evaluations.front().score, 0.3) << name(arm);
    EXPECT_GT(report.evaluations.back().score, 0.9) << name(arm);
    EXPECT_EQ(report.evaluations.back().step, 60U);
    EXPECT_EQ(report.losses.size(), 60U);
    EXPECT_EQ(report.measurements.size(), 12U);
    EXPECT_EQ(report.parameters, 269322U);
    EXPECT_EQ(report.quantized_parameters, arm == Arm::kFloat32 ? 0U : 268800U);
  }
}

TEST_F(TrainingTest, TheConvolutionalNetworkLearnsToo) {
  Options options = small();
  options.task = Task::kFashionCnn;
  options.steps = 20;
  const Report report = train(options, {});
  EXPECT_EQ(report.parameters, 421642U);
  EXPECT_GT(report.evaluations.back().score, 0.6);
}

TEST_F(TrainingTest, TextIsLearntToo) {
  std::ofstream text(path("text"));
  for (int i = 0; i < 3000; ++i) text << "the quick brown fox " << i % 7 << '\n';
  text.close();
  Options options = small();
  options.task = Task::kText;
  options.data = path("text");
  options.batch = 8;
  options.steps = 30;
  const Report report = train(options, {});
  EXPECT_EQ(report.parameters, 834657U);
  EXPECT_GT(report.evaluations.front().score, 6);
  EXPECT_LT(report.evaluations.back().score, 4.5);
}

TEST_F(TrainingTest, ANetworkGoesOnWithATextOfOtherCharacters) {
  const auto write = [&](const char* name, const char* line) {
    std::ofstream text(path(name), std::ios::binary);
    for (int i = 0; i < 800; ++i) text << line << i % 7 << '\n';
  };
  write("ascii", "the quick brown fox ");
  write("other", "ZWÖLF\tBOXKÄMPFER\r\x01 {~} ");
  Options options = small();
  options.task = Task::kText;
  options.data = path("ascii");
  options.batch = 4;
  options.steps = 4;
  options.output = path("net");
  const Report first = train(options, {});
  options.output.clear();
  options.start = path("net");
  options.steps = 0;
  // What it knows is of use where it was learnt, and not read as something else where it was not.
  EXPECT_NEAR(train(options, {}).evaluations.back().score, first.evaluations.back().score, 0.1);
  options.data = path("other");
  EXPECT_GT(train(options, {}).evaluations.back().score, first.evaluations.back().score + 0.1);
}

TEST_F(TrainingTest, TheTestSetOfALongTextIsSpreadOverItsEnd) {
  // The last twentieth is 1,000 windows, more than are tested: the first half of it as in training,
  // the second half of characters never seen.
  constexpr std::size_t kWindow = 128, kUnseen = 500 * kWindow, kSize = 20 * 1000 * kWindow;
  std::ofstream text(path("long"));
  text << std::string(kSize - kUnseen, 'a') << std::string(kUnseen, 'b');
  text.close();
  Options options = small();
  options.task = Task::kText;
  options.data = path("long");
  options.batch = 2;
  options.steps = 20;
  EXPECT_GT(train(options, {}).evaluations.back().score, 1.5);
}

TEST_F(TrainingTest, SameSeedSameBytesAnotherSeedOthers) {
  Options options = small();
  options.output = path("a");
  train(options, {});
  options.output = path("b");
  train(options, {});
  EXPECT_EQ(test::read_file(path("a")), test::read_file(path("b")));
  options.seed = 2;
  train(options, {});
  EXPECT_NE(test::read_file(path("a")), test::read_file(path("b")));
}

TEST_F(TrainingTest, ResumedRunsAreTheUninterruptedOneBitForBit) {
  for (const Arm arm : {Arm::kSzt, Arm::kFloat32}) {
    for (const std::size_t forget : {0U, 7U}) {
      if (arm == Arm::kFloat32 && forget != 0) continue;
      Options options = small(arm);
      options.forget_every = forget;
      options.output = path("whole");
      const Report whole = train(options, {});

      options.output = path("resumed");
      options.snapshot = path("snapshot");
      std::filesystem::remove(options.snapshot);
      options.snapshot_every = 3;
      EXPECT_THROW(train(options, stop_at(10)), Stop);
      EXPECT_FALSE(std::filesystem::exists(path("resumed")));
      options.resume = true;
      EXPECT_THROW(train(options, stop_at(17)), Stop);
      const Report resumed = train(options, {});
      EXPECT_EQ(test::read_file(path("whole")), test::read_file(path("resumed")))
          << name(arm) << forget;
      EXPECT_EQ(whole.losses, resumed.losses);
      ASSERT_EQ(whole.measurements.size(), resumed.measurements.size());
      for (std::size_t i = 0; i < whole.measurements.size(); ++i) {
        const Measurement &a = whole.measurements[i], &b = resumed.measurements[i];
        EXPECT_EQ(std::tie(a.step, a.loss, a.dead, a.still_dead, a.never_left, a.code_flips),
                  std::tie(b.step, b.loss, b.dead, b.still_dead, b.never_left, b.code_flips));
      }
      EXPECT_EQ(whole.evaluations.size(), resumed.evaluations.size());
      std::filesystem::remove(path("whole"));
      std::filesystem::remove(path("resumed"));
    }
  }
}

TEST_F(TrainingTest, ASnapshotOfAnotherRunIsRefused) {
  Options options = small();
  options.snapshot = path("snapshot");
  EXPECT_THROW(train(options, stop_at(3)), Stop);
  options.resume = true;
  options.rate = 1e-4;
  EXPECT_THAT([&] { train(options, {}); }, ThrowsMessage<InputError>(HasSubstr("rate 0.003, not")));
  std::ofstream(path("snapshot")) << "no snapshot";
  EXPECT_THAT([&] { train(options, {}); },
              ThrowsMessage<InputError>(HasSubstr("not a snapshot of szt train")));
}

// In the dead zone `dead-zone` has no gradient; thresholds that stand then hold the weights there.
TEST_F(TrainingTest, OnlyTheDeadZoneArmHoldsItsZeros) {
  for (const Arm arm : {Arm::kDeadZone, Arm::kSte, Arm::kSzt}) {
    Options options = small(arm);
    options.output = path("start");
    options.steps = 1;
    train(options, {});
    options.start = path("start");
    options.output.clear();
    options.steps = 24;
    const Report report = train(options, {});
    const Measurement& last = report.measurements.back();
    if (arm == Arm::kDeadZone) {
      EXPECT_EQ(last.never_left, 1);
      EXPECT_EQ(last.still_dead, 1);
    } else {
      EXPECT_LT(last.never_left, 0.99);
      EXPECT_LE(last.never_left, last.still_dead);
    }
  }
}

TEST_F(TrainingTest, AReopenedNetworkStartsWithTheSameForwardPass) {
  Options options = small();
  options.output = path("trained");
  options.keep_latents = true;
  const Report trained = train(options, {});
  const std::string before = test::read_file(path("trained"));
  for (const Memory memory : kAllMemories) {
    Options again = small();
    again.start = path("trained");
    again.memory = memory;
    again.steps = 0;
    again.output = path(fmt::format("reopened-{}", name(memory)));
    const Report report = train(again, {});
    EXPECT_EQ(report.evaluations.front().score, trained.evaluations.back().score) << name(memory);
    EXPECT_EQ(report.evaluations.front().loss, trained.evaluations.back().loss) << name(memory);

    const QuantizedCheckpoint old{SafetensorsFile(path("trained"))};
    const QuantizedCheckpoint made{SafetensorsFile(again.output)};
    const QuantizedWeights a = first_layer(old), b = first_layer(made);
    EXPECT_EQ(a.scale, b.scale);
    EXPECT_EQ(a.threshold, b.threshold);
    std::size_t zeros = 0, same = 0;
    for (std::size_t r = 0; r < a.codes.rows(); ++r) {
      for (std::size_t c = 0; c < a.codes.cols(); ++c) {
        ASSERT_EQ(decode(a.codes.get(r, c)), decode(b.codes.get(r, c)));
        if (magnitude_bit(a.codes.get(r, c))) continue;
        ++zeros;
        same += a.codes.get(r, c) == b.codes.get(r, c) ? 1U : 0U;
      }
    }
    const double share = static_cast<double>(same) / static_cast<double>(zeros);
    if (memory == Memory::kOppositeSign) {
      EXPECT_EQ(same, 0U);
    } else if (memory == Memory::kRandomSign) {
      EXPECT_NEAR(share, 0.5, 0.02);
    } else {
      EXPECT_EQ(same, zeros) << name(memory);
    }
  }
  EXPECT_EQ(test::read_file(path("trained")), before);
}

TEST_F(TrainingTest, KeptLatentsNeedLatents) {
  Options options = small();
  options.output = path("codes");
  train(options, {});
  Options again = small();
  again.start = path("codes");
  again.memory = Memory::kKeptLatents;
  EXPECT_THAT([&] { train(again, {}); },
              ThrowsMessage<InputError>(HasSubstr("latents.layers.0.weight")));
  again.memory = Memory::kSzt;
  again.task = Task::kFashionCnn;
  EXPECT_THAT([&] { train(again, {}); },
              ThrowsMessage<InputError>(HasSubstr("holds a mlp 784-256-256-10; needed is a cnn")));
}

TEST_F(TrainingTest, FloatWeightsStartAnyArmAtThem) {
  Options options = small(Arm::kFloat32);
  options.output = path("float");
  const Report trained = train(options, {});
  Options again = small(Arm::kFloat32);
  again.start = path("float");
  again.memory = Memory::kKeptLatents;
  again.steps = 0;
  EXPECT_EQ(train(again, {}).evaluations.front().loss, trained.evaluations.back().loss);
  again.arm = Arm::kSzt;
  EXPECT_GT(train(again, {}).evaluations.front().score, 0.5);
  again.memory = Memory::kSzt;
  EXPECT_THAT([&] { train(again, {}); }, ThrowsMessage<InputError>(HasSubstr("quantise the file")));
}

// What is left after forgetting is on the four levels, and the codes are what they were.
TEST_F(TrainingTest, ForgettingLeavesTheCodes) {
  Options options = small();
  options.steps = 7;
  options.keep_latents = true;
  options.output = path("kept");
  train(options, {});
  options.forget_every = 7;
  options.output = path("forgotten");
  train(options, {});
  const QuantizedCheckpoint kept{SafetensorsFile(path("kept"))};
  const QuantizedCheckpoint forgotten{SafetensorsFile(path("forgotten"))};
  const QuantizedWeights a = first_layer(kept);
  const std::vector<float> expected = reopen(a.codes, a.threshold, a.scale, 2);
  const TensorInfo& info = forgotten.file().at("latents.layers.0.weight");
  std::vector<float> latents(expected.size());
  std::memcpy(latents.data(), info.data.data(), info.data.size());
  EXPECT_EQ(latents, expected);
}

TEST_F(TrainingTest, ADivergingRunSaysSo) {
  Options options = small(Arm::kFloat32);
  options.rate = 1e30;
  EXPECT_THAT([&] { train(options, {}); }, ThrowsMessage<InputError>(HasSubstr("the loss is")));
}

TEST_F(TrainingTest, RotationTurnsTheImages) {
  Options options = small(Arm::kFloat32);
  options.steps = 60;
  options.output = path("upright");
  train(options, {});
  Options turned = small(Arm::kFloat32);
  turned.start = path("upright");
  turned.memory = Memory::kKeptLatents;
  turned.steps = 0;
  turned.rotate = 360;
  EXPECT_GT(train(turned, {}).evaluations.front().score, 0.9);
  turned.rotate = 90;
  EXPECT_LT(train(turned, {}).evaluations.front().score, 0.4);
}

}  // namespace
}  // namespace szt::train
