// SPDX-License-Identifier: Apache-2.0
// libtorch's headers, which are not written for our warnings.
#ifndef SZT_TRAIN_SRC_TORCH_H_
#define SZT_TRAIN_SRC_TORCH_H_

#pragma GCC system_header
// Before all else: Clang 14 as C++20 wants c10::IValue complete where List.h moves vectors of it.
#include <ATen/core/ivalue.h>
#include <torch/torch.h>

#endif  // SZT_TRAIN_SRC_TORCH_H_
