// SPDX-License-Identifier: Apache-2.0
// --activations X.npy, and other matrices of integers.
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

// An int8 matrix. Throws InputError, naming it by `what` ("output gradients") and `axes`
// ("[M,N]"), for anything else; float32 is refused because its scale is the caller's choice.
struct Int8Matrix {
  std::size_t rows;
  std::size_t cols;
  std::vector<std::int8_t> values;  // [rows, cols]
};
Int8Matrix load_int8(const std::filesystem::path& path, std::string_view what,
                     std::string_view axes);

// Throws InputError unless activations of this K, from `path`, fit the weights.
void check_k(std::size_t k, const std::filesystem::path& path, std::string_view weights,
             std::size_t weights_k);

}  // namespace szt::tools

#endif  // SZT_TOOLS_ACTIVATIONS_H_
