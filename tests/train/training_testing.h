// SPDX-License-Identifier: Apache-2.0
// A tiny image set for the trainer, and a directory for its files.
#ifndef SZT_TESTS_TRAIN_TRAINING_TESTING_H_
#define SZT_TESTS_TRAIN_TRAINING_TESTING_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "image_testing.h"
#include "szt/train/training.h"

namespace szt::train {

class TrainingTest : public testing::Test {
 protected:
  void SetUp() override {
    test::write_bar_images(directory_.path(), "train", 640);
    test::write_bar_images(directory_.path(), "t10k", 300);
  }

  std::filesystem::path path(const std::string& file) const { return directory_ / file; }

  // Small, and yet with every kind of measurement in it.
  Options small(Arm arm = Arm::kSzt) const {
    Options options;
    options.arm = arm;
    options.data = directory_.path();
    options.steps = 24;
    options.batch = 64;
    options.rate = 3e-3;
    options.threads = 1;
    options.measure_every = 5;
    options.evaluate_every = 8;
    return options;
  }

 private:
  test::TempDir directory_;
};

}  // namespace szt::train

#endif  // SZT_TESTS_TRAIN_TRAINING_TESTING_H_
