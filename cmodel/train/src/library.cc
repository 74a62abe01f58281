// SPDX-License-Identifier: Apache-2.0
#include "library.h"

szt::train::Report* szt_train(const szt::train::Options& options,
                              const szt::train::Observer& observer) {
  return new szt::train::Report(szt::train::train(options, observer));
}
