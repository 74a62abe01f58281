// SPDX-License-Identifier: Apache-2.0
// What libtorch's BLAS reads from the environment when it is loaded.
#ifndef SZT_TRAIN_BLAS_H_
#define SZT_TRAIN_BLAS_H_

namespace szt::train {

// Where the environment does not say: OpenBLAS takes the kernels of this processor's instruction
// set (an OpenBLAS older than the processor falls back to SSE3, at a third of the speed) and one
// thread of its own (libtorch's threads and OpenBLAS's fight over the cores). To be called before
// libszt_train.so is loaded. Returns whether it set anything.
bool set_blas_defaults();

}  // namespace szt::train

#endif  // SZT_TRAIN_BLAS_H_
