// SPDX-License-Identifier: Apache-2.0
// What a run trains and tests on, and in which order.
#ifndef SZT_TRAIN_SRC_DATA_H_
#define SZT_TRAIN_SRC_DATA_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "szt/train/training.h"
#include "torch.h"

namespace szt::train {

struct Batch {
  torch::Tensor input;   // as Network::forward() takes it
  torch::Tensor target;  // int64, one class a row of the scores
};

// Nothing here has a state: the batch of a step follows from seed and step alone, so that a run
// goes on where it was and every arm sees the same data in the same order.
class Data {
 public:
  virtual ~Data() = default;
  // What goes once through the data, about.
  virtual std::size_t steps_per_epoch() const = 0;
  virtual Batch training_batch(std::size_t step) const = 0;
  virtual std::size_t test_batches() const = 0;
  virtual Batch test_batch(std::size_t index) const = 0;
  // Of text: how many different ones; 0 for images.
  virtual std::size_t characters() const { return 0; }
};

// Throws InputError for data that is not there or too little.
std::unique_ptr<Data> make_data(const Options& options);

// A well-mixed function of two numbers (splitmix64's finalizer, applied twice).
std::uint64_t hash(std::uint64_t a, std::uint64_t b);

}  // namespace szt::train

#endif  // SZT_TRAIN_SRC_DATA_H_
