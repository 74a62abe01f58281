// SPDX-License-Identifier: Apache-2.0
// Makes small image sets in the files that Fashion-MNIST has.
#ifndef SZT_TESTS_IMAGE_TESTING_H_
#define SZT_TESTS_IMAGE_TESTING_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "file_testing.h"

namespace szt::test {

inline std::string idx_bytes(const std::vector<std::size_t>& shape, const std::string& values,
                             char type = 8) {
  std::string bytes = {0, 0, type, static_cast<char>(shape.size())};
  for (const std::size_t n : shape) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(n >> shift & 255U);
  }
  return bytes + values;
}

// `count` images of noise with a bright bar, whose place is the class. `prefix`: "train" or "t10k".
inline void write_bar_images(const std::filesystem::path& directory, const std::string& prefix,
                             std::size_t count) {
  std::mt19937 generator(static_cast<unsigned>(count));
  std::string pixels, labels;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t label = generator() % 10;
    labels += static_cast<char>(label);
    for (std::size_t p = 0; p < 28 * 28; ++p) {
      const bool bar = p / 28 / 2 == label + 2;
      pixels += static_cast<char>(generator() % 100 + (bar ? 100 : 0));
    }
  }
  write_file(directory / (prefix + "-images-idx3-ubyte"), idx_bytes({count, 28, 28}, pixels));
  write_file(directory / (prefix + "-labels-idx1-ubyte"), idx_bytes({count}, labels));
}

}  // namespace szt::test

#endif  // SZT_TESTS_IMAGE_TESTING_H_
