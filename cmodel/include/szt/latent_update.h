// SPDX-License-Identifier: Apache-2.0
// One step of gradient descent on float32 latents.
//
//   w <- w * (1 - rate * decay)    unless decay is 0: decoupled, as in AdamW (arXiv 1711.05101)
//   w <- w - rate * gradient
//   w <- max(-clip, min(w, clip))  only if a clip is given
//
// in float32, in this order, each operation rounded to nearest even; 1 - rate * decay is rounded
// once a product and once a difference. A latent's sign bit is its code's, so a product
// rate * gradient of 0, of either sign, leaves the latent as it is, -0.0 included; decay and clip
// keep the sign bit too. A difference that is exactly 0 is +0, as IEEE 754 says: code 0+.
#ifndef SZT_LATENT_UPDATE_H_
#define SZT_LATENT_UPDATE_H_

#include <optional>
#include <span>
#include <string_view>

namespace szt {

struct UpdateOptions {
  float rate;  // finite, >= 0
  float decay = 0;
  std::optional<float> clip = std::nullopt;  // finite, >= 0
};

// Moves the latents in place; encode_tensor() makes codes of them again. Throws InputError, with
// nothing moved, for other sizes, for options out of range (rate * decay must be 0 to 1) and,
// starting with `where` and naming the index of the first, if a latent would not be finite.
void update_latents(std::string_view where, std::span<const float> gradient,
                    const UpdateOptions& options, std::span<float> latents);

}  // namespace szt

#endif  // SZT_LATENT_UPDATE_H_
