// SPDX-License-Identifier: Apache-2.0
#include "szt/latent_update.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "szt/error.h"

namespace szt {
namespace {

class Step {
 public:
  explicit Step(const UpdateOptions& options)
      : rate_(options.rate), kept_(1.0F - options.rate * options.decay), clip_(options.clip) {}

  // Whatever clip does: it would hide an infinity.
  float unclipped(float latent, float gradient) const {
    const float step = rate_ * gradient;
    const float kept = latent * kept_;
    return step == 0 ? kept : kept - step;
  }
  float operator()(float latent, float gradient) const {
    const float moved = unclipped(latent, gradient);
    return clip_ ? std::clamp(moved, -*clip_, *clip_) : moved;
  }

 private:
  float rate_;
  float kept_;
  std::optional<float> clip_;
};

void check(const UpdateOptions& options) {
  const auto refuse = [](const char* what, float value, const char* range) {
    throw InputError(fmt::format("{} {} is refused; use a finite number {}", what, value, range));
  };
  const auto is_size = [](float value) { return std::isfinite(value) && value >= 0; };
  if (!is_size(options.rate)) refuse("learning rate", options.rate, "that is not negative");
  if (!is_size(options.decay) || options.rate * options.decay > 1) {
    refuse("decay", options.decay, "from 0 to 1 / learning rate");
  }
  if (options.clip && !is_size(*options.clip)) {
    refuse("clip", *options.clip, "that is not negative");
  }
}

}  // namespace

void update_latents(std::string_view where, std::span<const float> gradient,
                    const UpdateOptions& options, std::span<float> latents) {
  check(options);
  if (gradient.size() != latents.size()) {
    throw InputError(fmt::format("{}: {} gradients for {} latents; they must be as many", where,
                                 gradient.size(), latents.size()));
  }
  const Step step(options);
  for (std::size_t i = 0; i < latents.size(); ++i) {
    if (std::isfinite(step.unclipped(latents[i], gradient[i]))) continue;
    throw InputError(fmt::format(
        "{}: latent [{}] = {} with gradient {} would not stay finite; use a smaller learning rate",
        where, i, latents[i], gradient[i]));
  }
  for (std::size_t i = 0; i < latents.size(); ++i) latents[i] = step(latents[i], gradient[i]);
}

}  // namespace szt
