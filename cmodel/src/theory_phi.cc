// SPDX-License-Identifier: Apache-2.0
#include "szt/theory_phi.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <limits>
#include <vector>

#include "parallel.h"
#include "szt/encoder.h"
#include "szt/theory_random.h"

namespace szt {
namespace {

constexpr std::uint64_t kBlock = std::uint64_t{1} << 14;  // samples of one random stream
constexpr std::uint64_t kLarge = std::uint64_t{1} << 17;
constexpr std::uint64_t kStreamStride = std::uint64_t{1} << 32;  // blocks a stream may have

// The integral of the normal tail from 0 to z.
double tail_integral(double z) {
  return z * normal_tail(z) + normal_density(0) - normal_density(z);
}

}  // namespace

double state_change_probability(WeightFormat format, double w, double threshold, double sigma) {
  assert(threshold >= 0 && sigma > 0);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double low = -threshold;
  double high = threshold;
  if (w > threshold) {
    low = threshold;
    high = kInfinity;
  } else if (w < -threshold) {
    low = -kInfinity;
    high = -threshold;
  } else if (format == WeightFormat::kSignedZero) {
    (std::signbit(w) ? high : low) = 0;
  }
  return normal_tail((w - low) / sigma) + normal_tail((high - w) / sigma);
}

double mean_state_change_probability(WeightFormat format, double threshold, double sigma) {
  assert(threshold > 0 && sigma > 0);
  // Twice the tail beyond one end of a cell, averaged over the cell.
  const double width = (format == WeightFormat::kSignedZero ? 1 : 2) * threshold / sigma;
  return 2 * tail_integral(width) / width;
}

StateChanges count_state_changes(float w, float threshold, double sigma, std::uint64_t seed,
                                 std::uint64_t stream, std::uint64_t samples, unsigned threads) {
  const std::uint32_t bits = threshold_bits(Dtype::kF32, threshold);
  const Code before = encode_f32(std::bit_cast<std::uint32_t>(w), bits);
  std::vector<StateChanges> blocks(samples / kBlock + (samples % kBlock != 0 ? 1 : 0));
  assert(blocks.size() < kStreamStride);
  threads = resolve_threads(threads, samples, kLarge);
  parallel_for(blocks.size(), threads, [&](std::size_t first, std::size_t last) {
    for (std::size_t block = first; block < last; ++block) {
      RandomStream random(seed, stream * kStreamStride + block);
      StateChanges& count = blocks[block];
      count.samples = std::min(kBlock, samples - block * kBlock);
      for (std::uint64_t i = 0; i < count.samples; ++i) {
        const auto after = static_cast<float>(static_cast<double>(w) + sigma * random.normal());
        const Code code = encode_f32(std::bit_cast<std::uint32_t>(after), bits);
        count.balanced_ternary += decode(code) != decode(before) ? 1U : 0U;
        count.signed_zero += code != before ? 1U : 0U;
      }
    }
  });
  StateChanges sum;
  for (const StateChanges& block : blocks) {
    sum.samples += block.samples;
    sum.balanced_ternary += block.balanced_ternary;
    sum.signed_zero += block.signed_zero;
  }
  return sum;
}

}  // namespace szt
