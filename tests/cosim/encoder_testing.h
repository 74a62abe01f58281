// SPDX-License-Identifier: Apache-2.0
// Tensors for the encoder block: random latents, and one checked run through the driver.
#ifndef SZT_TESTS_COSIM_ENCODER_TESTING_H_
#define SZT_TESTS_COSIM_ENCODER_TESTING_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "szt/latent.h"
#include "szt/sim/encoder_device.h"

namespace szt::sim {

inline constexpr Dtype kDtypes[] = {Dtype::kF32, Dtype::kF16, Dtype::kBF16, Dtype::kI16};
inline constexpr std::size_t kLanes[] = {2, 4, 16};  // as built

// Random bits: one in four latents is a special or a neighbour of the threshold.
std::vector<std::byte> random_latents(Dtype dtype, std::size_t count, std::uint32_t threshold,
                                      std::mt19937_64& generator);

// Encodes on the device and expects every code, the NaN count and the sticky bit.
void encode_checked(EncoderDevice& device, Dtype dtype, const std::vector<std::byte>& data,
                    std::size_t rows, std::size_t cols, float threshold);

}  // namespace szt::sim

#endif  // SZT_TESTS_COSIM_ENCODER_TESTING_H_
