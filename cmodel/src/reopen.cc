// SPDX-License-Identifier: Apache-2.0
#include "szt/reopen.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "szt/error.h"
#include "szt/quantize.h"

namespace szt {
namespace {

void check_number(const char* what, float value) {
  if (std::isfinite(value) && value >= 0) return;
  throw InputError(
      fmt::format("{} {} is refused; use a finite number that is not negative", what, value));
}

}  // namespace

ReopenedLevels reopened_levels(float threshold, float scale, const ZeroShift& shift) {
  check_number("threshold", threshold);
  check_number("scale", scale);
  check_zero_shift(shift);
  const float above = std::nextafter(threshold, std::numeric_limits<float>::infinity());
  const float inner = shift ? std::min(scale * backward_unit(shift), threshold) : 0.0F;
  return {std::max(scale, above), std::fabs(inner)};  // -0.0 is a legal threshold and scale
}

std::vector<float> reopen(PackedCodesView codes, float threshold, float scale,
                          const ZeroShift& shift) {
  const ReopenedLevels levels = reopened_levels(threshold, scale, shift);
  if (std::isinf(levels.outer)) {
    const CodeHistogram counts = histogram(codes);
    if (counts[static_cast<std::size_t>(Code::kPlusOne)] +
            counts[static_cast<std::size_t>(Code::kMinusOne)] !=
        0) {
      throw InputError(fmt::format(
          "no finite weight exceeds the threshold {}, yet there are nonzero codes; quantise the "
          "original again",
          threshold));
    }
  }
  std::array<float, kCodeCount> values;
  for (const Code code : kAllCodes) {
    const float magnitude = magnitude_bit(code) ? levels.outer : levels.inner;
    values[static_cast<std::size_t>(code)] = sign_bit(code) ? -magnitude : magnitude;
  }
  return map_codes(codes, values);
}

Calibration recalibrate(std::span<const float> latents, float threshold, float scale,
                        const std::optional<Rule>& rule, unsigned threads) {
  if (!rule) {
    check_number("threshold", threshold);
    check_number("scale", scale);
    const MagnitudeSum above = sum_magnitudes(Dtype::kF32, latents.data(), latents.size(),
                                              static_cast<double>(threshold), threads);
    return {threshold, scale, above.count};
  }
  if (rule->kind != RuleKind::kTwn) {
    throw InputError(
        fmt::format("rule '{}' may not re-estimate a reopened tensor, whose four levels it would "
                    "take for a distribution; use twn, or keep threshold and scale",
                    to_string(*rule)));
  }
  return calibrate(Dtype::kF32, latents.data(), latents.size(), *rule, threads);
}

}  // namespace szt
