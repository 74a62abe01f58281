// SPDX-License-Identifier: Apache-2.0
// --weights FILE[:T]: quantised tensors of a checkpoint.
#ifndef SZT_TOOLS_WEIGHTS_H_
#define SZT_TOOLS_WEIGHTS_H_

#include <optional>
#include <string>
#include <vector>

#include "szt/checkpoint.h"

namespace szt::tools {

// FILE[:T] taken apart. An argument that is the name of a file is FILE, colons and all; otherwise
// the first colon that has one before it splits. Throws InputError if T is empty.
struct WeightsLocation {
  std::string file;
  std::optional<std::string> tensor;
};
WeightsLocation split_weights_argument(const std::string& argument);

// A checkpoint and the tensors of it that were asked for.
struct SelectedWeights {
  QuantizedCheckpoint checkpoint;
  std::vector<QuantizedWeights> tensors;  // at least one
};

// FILE alone means every quantised tensor. Throws InputError.
SelectedWeights open_weights(const std::string& argument);

// The same, but FILE alone must hold exactly one.
SelectedWeights open_single_weights(const std::string& argument);

// FILE:T of one of the tensors, for messages and command lines.
std::string weights_argument(const SelectedWeights& weights, const QuantizedWeights& tensor);

}  // namespace szt::tools

#endif  // SZT_TOOLS_WEIGHTS_H_
