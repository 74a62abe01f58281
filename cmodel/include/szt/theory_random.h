// SPDX-License-Identifier: Apache-2.0
// The normal distribution, and random numbers that are the same wherever they are drawn.
//
// <random>'s distributions differ between standard libraries, so none is used: a draw is a hash of
// (seed, stream, index), a normal one the quantile function of it. Different streams may be drawn
// on different threads, in any order.
#ifndef SZT_THEORY_RANDOM_H_
#define SZT_THEORY_RANDOM_H_

#include <cstdint>

namespace szt {

double normal_density(double x);
// P[X > x] = erfc(x / sqrt 2) / 2; accurate in both tails.
double normal_tail(double x);
// The x with P[X <= x] = p, for 0 < p < 1, to about 1e-15: Wichura, "Algorithm AS 241: The
// percentage points of the normal distribution", Applied Statistics 37 (1988), PPND16.
double normal_quantile(double p);

// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA
// 2014), started at a hash of seed and stream.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::uint64_t stream)
      : state_(mix(mix(seed + kGamma) + stream * kGamma)) {}

  std::uint64_t next() { return mix(state_ += kGamma); }
  // In (0, 1), never an end: (k + 1/2) / 2^52.
  double uniform() { return (static_cast<double>(next() >> 12) + 0.5) * 0x1p-52; }
  double normal() { return normal_quantile(uniform()); }

 private:
  static constexpr std::uint64_t kGamma = 0x9E3779B97F4A7C15U;
  static constexpr std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
};

}  // namespace szt

#endif  // SZT_THEORY_RANDOM_H_
