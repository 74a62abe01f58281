// SPDX-License-Identifier: Apache-2.0
// Reopening a 2-bit tensor for training: float32 latents from codes, threshold and scale.
//
// A latent starts at w0 = scale * b(q), b the backward weight (zero_shift.h), with two corrections
// by which w0 encodes to q again under the same threshold, for every finite threshold and scale
// >= 0 (the stored pair serves the first forward):
//
//   outer level, of +1 and -1    max(scale, the next float32 above the threshold)
//   inner level, of 0+ and 0-    min(scale * 2^-k, threshold); 0 for an infinite k
//
// The sign bit is the code's, also of a zero: with an infinite k (plain ternary) 0- starts at -0.0.
// The outer correction is for scales that do not exceed the threshold. No rule makes one from
// weights of normal size; `absmean` does where mean|w| is so small that it rounds to 0.
#ifndef SZT_REOPEN_H_
#define SZT_REOPEN_H_

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "szt/packed_codes.h"
#include "szt/threshold.h"
#include "szt/zero_shift.h"

namespace szt {

// |w0| of a nonzero code and of a zero. The outer level is infinite for the largest float32 as
// threshold. Throws InputError unless threshold and scale are finite and >= 0 and the zero shift
// is at most 7.
struct ReopenedLevels {
  float outer;
  float inner;
};
ReopenedLevels reopened_levels(float threshold, float scale, const ZeroShift& shift);

// w0 of every code, float32 [rows, cols]. Throws InputError as reopened_levels(), and for a +1 or
// -1 under a threshold that no finite weight exceeds.
std::vector<float> reopen(PackedCodesView codes, float threshold, float scale,
                          const ZeroShift& shift);

// Threshold and scale of a reopened tensor whose latents have moved: the stored ones (frozen) where
// there is no rule, else by `rule`, which must be twn: InputError for another. On the four levels
// of w0 itself mse and absmean may find a threshold below the inner level, which makes zeros
// nonzero before anything was learnt; twn does not as long as enough codes are nonzero (1/7 of them
// for k = 2). `threads` as calibrate().
Calibration recalibrate(std::span<const float> latents, float threshold, float scale,
                        const std::optional<Rule>& rule = std::nullopt, unsigned threads = 0);

}  // namespace szt

#endif  // SZT_REOPEN_H_
