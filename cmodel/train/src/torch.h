// SPDX-License-Identifier: Apache-2.0
// libtorch's headers, which are not written for our warnings.
#ifndef SZT_TRAIN_SRC_TORCH_H_
#define SZT_TRAIN_SRC_TORCH_H_

#pragma GCC system_header
#include <torch/torch.h>

#endif  // SZT_TRAIN_SRC_TORCH_H_
