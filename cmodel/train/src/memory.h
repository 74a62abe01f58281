// SPDX-License-Identifier: Apache-2.0
// Latents from what a 2-bit memory kept of them.
#ifndef SZT_TRAIN_SRC_MEMORY_H_
#define SZT_TRAIN_SRC_MEMORY_H_

#include <cstdint>
#include <filesystem>

#include "networks.h"
#include "szt/train/training.h"

namespace szt::train {

// Replaces a layer's latents by what `memory` makes of its codes, threshold and scale (reopen.h);
// kept-latents leaves them. `seed` and `layer` select the signs of random-sign.
void forget(TernaryLayerImpl& layer, const ZeroShift& zero_shift, Memory memory, std::uint64_t seed,
            std::uint64_t layer_index);

// Loads a network from Options::start: unquantised parameters as they are, quantised layers by
// `memory`, with threshold and scale frozen unless Options::recalibrate. A file of float weights
// starts any arm at those. Throws InputError, naming file and tensor, if it is of another network
// or lacks what `memory` needs.
void load_start(const Options& options, Network& network);

// Writes Options::output.
void write_network(const Options& options, Network& network);

}  // namespace szt::train

#endif  // SZT_TRAIN_SRC_MEMORY_H_
