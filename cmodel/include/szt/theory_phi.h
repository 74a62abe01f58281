// SPDX-License-Identifier: Apache-2.0
// The state-change probability of a weight under Gaussian noise.
//
// Phi_F(w) = P[Q(w + xi) != Q(w)], xi ~ N(0, sigma^2); with w in a cell (l, u) of the code,
// Phi_F(w) = Qf((w - l) / sigma) + Qf((u - w) / sigma), Qf the normal tail (Uhlmann, arXiv
// 2508.05905, for balanced ternary; the signed-zero form is this project's).
//
// Balanced ternary (BT) has three cells, (-inf, -D), [-D, D], (D, inf), D the threshold.
// Signed-zero ternary (SZT) splits the middle one at 0, so that a change of a zero's sign is a
// change of state. It is no change of the forward value, which is BT's.
#ifndef SZT_THEORY_PHI_H_
#define SZT_THEORY_PHI_H_

#include <cstdint>

namespace szt {

enum class WeightFormat { kBalancedTernary, kSignedZero };

// threshold >= 0, sigma > 0, all finite. A boundary belongs to the cell that the encoder puts it
// in: +-threshold to the zeros, 0.0 to 0+, -0.0 to 0-.
double state_change_probability(WeightFormat format, double w, double threshold, double sigma);
// Its mean over w uniform in the dead zone [-threshold, threshold]; threshold > 0.
double mean_state_change_probability(WeightFormat format, double threshold, double sigma);

// How often the encoder's code of w + xi differed from that of w.
struct StateChanges {
  std::uint64_t samples = 0;
  std::uint64_t balanced_ternary = 0;  // the forward value differed
  std::uint64_t signed_zero = 0;       // the code differed
};

// Through encode_f32(). The result depends on seed, stream and samples, not on threads (0: the
// machine's for a large number). Estimates of different streams are independent.
StateChanges count_state_changes(float w, float threshold, double sigma, std::uint64_t seed,
                                 std::uint64_t stream, std::uint64_t samples, unsigned threads = 0);

}  // namespace szt

#endif  // SZT_THEORY_PHI_H_
