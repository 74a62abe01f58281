// SPDX-License-Identifier: Apache-2.0
// A run's whole state in a file, to go on from.
#ifndef SZT_TRAIN_SRC_SNAPSHOT_H_
#define SZT_TRAIN_SRC_SNAPSHOT_H_

#include <cstddef>
#include <vector>

#include "networks.h"
#include "szt/train/training.h"

namespace szt::train {

struct Progress {
  std::size_t step = 0;  // steps done
  Report report;         // so far: losses, measurements, evaluations
  // Of every layer, for the measurements: codes at the start, and whether a weight that began in
  // the dead zone has been seen outside.
  std::vector<torch::Tensor> first_codes;  // uint8
  std::vector<torch::Tensor> has_left;     // uint8
};

// Whole or not at all. Throws InputError.
void write_snapshot(const Options& options, Network& network, torch::optim::Adam& optimizer,
                    const Progress& progress);

// Throws InputError if the file is none of ours, or of a run with other options, naming the first
// that differs. What may differ: threads (the bits may, too), files to write, and how often.
Progress read_snapshot(const Options& options, Network& network, torch::optim::Adam& optimizer);

}  // namespace szt::train

#endif  // SZT_TRAIN_SRC_SNAPSHOT_H_
