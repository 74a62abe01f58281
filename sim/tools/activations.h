// SPDX-License-Identifier: Apache-2.0
// --activations X.npy.
#ifndef SZT_TOOLS_ACTIVATIONS_H_
#define SZT_TOOLS_ACTIVATIONS_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

namespace szt::tools {

struct Activations {
  std::size_t m;
  std::size_t k;
  std::vector<std::int8_t> values;  // [m, k]
  bool scaled;                      // the file was float32
  std::vector<float> scales;        // one a row if scaled, else none
};

// int8 as it is, float32 quantised per row. Throws InputError for anything else and for an array
// that is not 2-D.
Activations load_activations(const std::filesystem::path& path);

// Throws InputError unless the activations in `path` fit weights of this K.
void check_k(const Activations& activations, const std::filesystem::path& path,
             std::string_view weights, std::size_t weights_k);

}  // namespace szt::tools

#endif  // SZT_TOOLS_ACTIVATIONS_H_
