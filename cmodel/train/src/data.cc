// SPDX-License-Identifier: Apache-2.0
#include "data.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <iterator>
#include <numbers>
#include <numeric>
#include <string>
#include <vector>

#include "networks.h"
#include "szt/error.h"
#include "szt/idx.h"
#include "szt/printable.h"

namespace szt::train {
namespace {

constexpr std::size_t kTestBatch = 500;

std::uint64_t mix(std::uint64_t z) {
  z += 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

class Images final : public Data {
 public:
  explicit Images(const Options& options)
      : training_(load(options, Part::kTraining)),
        test_(load(options, Part::kTest)),
        seed_(options.seed),
        batch_(options.batch) {
    if (size(training_) < batch_) {
      throw InputError(
          fmt::format("--batch {}: there are {} training images", batch_, size(training_)));
    }
  }

  std::size_t steps_per_epoch() const override { return size(training_) / batch_; }

  // Every epoch is a permutation; what is left of it when no batch fits any more is left out.
  Batch training_batch(std::size_t step) const override {
    const std::size_t batches = steps_per_epoch();
    const std::size_t epoch = step / batches;
    if (epoch != epoch_ || order_.empty()) {
      order_ = permutation(size(training_), hash(seed_, epoch));
      epoch_ = epoch;
    }
    const auto* const first = order_.data() + step % batches * batch_;
    const torch::Tensor index =
        torch::tensor(std::vector<std::int64_t>(first, first + batch_), torch::kInt64);
    return {training_.images.index_select(0, index), training_.classes.index_select(0, index)};
  }

  std::size_t test_batches() const override { return (size(test_) + kTestBatch - 1) / kTestBatch; }

  Batch test_batch(std::size_t index) const override {
    const auto begin = static_cast<std::int64_t>(index * kTestBatch);
    const auto end = std::min(begin + static_cast<std::int64_t>(kTestBatch), test_.images.size(0));
    return {test_.images.slice(0, begin, end), test_.classes.slice(0, begin, end)};
  }

 private:
  struct Set {
    torch::Tensor images;   // float32 [size, 1, 28, 28], 0 to 1
    torch::Tensor classes;  // int64 [size]
  };

  static std::size_t size(const Set& set) { return static_cast<std::size_t>(set.images.size(0)); }

  static Set load(const Options& options, Part part) {
    ImageSet read = read_image_set(options.data, part);
    const auto n = static_cast<std::int64_t>(read.size);
    constexpr auto kSide = static_cast<std::int64_t>(ImageSet::kSide);
    Set set{torch::from_blob(read.pixels.data(), {n, 1, kSide, kSide}, torch::kUInt8)
                .to(torch::kFloat32)
                .div_(255),
            torch::from_blob(read.classes.data(), {n}, torch::kUInt8).to(torch::kInt64)};
    if (options.rotate != 0) set.images = rotate(set.images, options.rotate);
    return set;
  }

  // Bilinear, black beyond the edge.
  static torch::Tensor rotate(const torch::Tensor& images, double degrees) {
    const double angle = degrees * std::numbers::pi / 180;
    const auto c = static_cast<float>(std::cos(angle));
    const auto s = static_cast<float>(std::sin(angle));
    const torch::Tensor matrix = torch::tensor({c, -s, 0.0F, s, c, 0.0F}).view({1, 2, 3});
    std::vector<torch::Tensor> parts;
    for (const torch::Tensor& part : images.split(kTestBatch)) {
      const torch::Tensor grid =
          torch::affine_grid_generator(matrix.expand({part.size(0), 2, 3}), part.sizes(), false);
      parts.push_back(torch::grid_sampler(part, grid, 0, 0, false));
    }
    return torch::cat(parts);
  }

  static std::vector<std::int64_t> permutation(std::size_t n, std::uint64_t seed) {
    std::vector<std::int64_t> order(n);
    std::iota(order.begin(), order.end(), 0);
    for (std::size_t i = n; i > 1; --i) {
      std::swap(order[i - 1], order[hash(seed, i) % i]);
    }
    return order;
  }

  Set training_, test_;
  std::uint64_t seed_;
  std::size_t batch_;
  mutable std::vector<std::int64_t> order_;  // of epoch_: what the last call was about
  mutable std::size_t epoch_ = 0;
};

// One alphabet for every text, so that a network can go on with another one: newline, the 95
// characters that ASCII prints, and one for any other byte. The test set is in the last twentieth:
// windows that do not overlap, all of them or as many as are tested in seconds, evenly spread.
class Text final : public Data {
 public:
  explicit Text(const Options& options) : seed_(options.seed), batch_(options.batch) {
    std::ifstream file(options.data, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    if (!file) throw InputError(fmt::format("{}: cannot be read", printable_path(options.data)));
    constexpr std::size_t kLeast = 100 * (static_cast<std::size_t>(kTextContext) + 1);
    if (bytes.size() < kLeast) {
      throw InputError(fmt::format("{}: {} bytes; a text to learn from has {} or more",
                                   printable_path(options.data), bytes.size(), kLeast));
    }
    text_ = torch::empty({static_cast<std::int64_t>(bytes.size())}, torch::kInt64);
    auto* to = text_.data_ptr<std::int64_t>();
    for (const char byte : bytes) *to++ = place_in_alphabet(byte);
    training_size_ = bytes.size() - bytes.size() / 20;
    const std::size_t test_size = bytes.size() - training_size_;
    windows_ = (test_size - 1) / static_cast<std::size_t>(kTextContext);
  }

  std::size_t characters() const override { return kAlphabet; }

  std::size_t steps_per_epoch() const override {
    return std::max<std::size_t>(
        1, training_size_ / (batch_ * static_cast<std::size_t>(kTextContext)));
  }

  Batch training_batch(std::size_t step) const override {
    std::vector<std::size_t> places(batch_);
    const std::size_t choices = training_size_ - static_cast<std::size_t>(kTextContext);
    for (std::size_t i = 0; i < batch_; ++i) {
      places[i] = hash(hash(seed_, step), i) % choices;
    }
    return windows(places);
  }

  std::size_t test_batches() const override { return (tested() + kTestBatch - 1) / kTestBatch; }

  Batch test_batch(std::size_t index) const override {
    const auto context = static_cast<std::size_t>(kTextContext);
    std::vector<std::size_t> places;
    for (std::size_t i = index * kTestBatch; i < std::min((index + 1) * kTestBatch, tested());
         ++i) {
      places.push_back(training_size_ + i * windows_ / tested() * context);
    }
    return windows(places);
  }

 private:
  static constexpr std::size_t kAlphabet = 97, kTestBatch = 64, kMostTested = 256;

  static std::int64_t place_in_alphabet(char byte) {
    if (byte == '\n') return 0;
    return byte >= ' ' && byte <= '~' ? byte - ' ' + 1 : static_cast<std::int64_t>(kAlphabet) - 1;
  }

  std::size_t tested() const { return std::min(windows_, kMostTested); }

  Batch windows(const std::vector<std::size_t>& places) const {
    std::vector<torch::Tensor> inputs, targets;
    for (const std::size_t place : places) {
      const auto begin = static_cast<std::int64_t>(place);
      inputs.push_back(text_.slice(0, begin, begin + kTextContext));
      targets.push_back(text_.slice(0, begin + 1, begin + 1 + kTextContext));
    }
    return {torch::stack(inputs), torch::cat(targets)};
  }

  std::uint64_t seed_;
  std::size_t batch_;
  std::size_t training_size_ = 0;
  std::size_t windows_ = 0;  // of the test set
  torch::Tensor text_;       // int64
};

}  // namespace

std::uint64_t hash(std::uint64_t a, std::uint64_t b) { return mix(mix(a) ^ b); }

std::unique_ptr<Data> make_data(const Options& options) {
  if (options.task == Task::kText) return std::make_unique<Text>(options);
  return std::make_unique<Images>(options);
}

}  // namespace szt::train
