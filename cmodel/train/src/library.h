// SPDX-License-Identifier: Apache-2.0
// What libszt_train.so hands out.
#ifndef SZT_TRAIN_SRC_LIBRARY_H_
#define SZT_TRAIN_SRC_LIBRARY_H_

#include "szt/train/training.h"

extern "C" {
// szt::train::train(); the caller deletes the report.
szt::train::Report* szt_train(const szt::train::Options& options,
                              const szt::train::Observer& observer);
}

#endif  // SZT_TRAIN_SRC_LIBRARY_H_
