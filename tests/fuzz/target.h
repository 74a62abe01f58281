// SPDX-License-Identifier: Apache-2.0
// What every fuzz target has: an entry that takes bytes, as libFuzzer calls it, and ends the
// process when something does not hold.
#ifndef SZT_TESTS_FUZZ_TARGET_H_
#define SZT_TESTS_FUZZ_TARGET_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

#include "szt/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace szt::fuzz {

// Of a larger file only the reader's own time counts: it is not checked element by element.
inline constexpr std::size_t kMostChecked = std::size_t{1} << 16;

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

// Whether `action` takes the input. InputError is the one way to refuse it, with one line.
template <typename Action>
bool accepts(const Action& action) {
  try {
    action();
    return true;
  } catch (const InputError& error) {
    const std::string_view message = error.what();
    require(
        !message.empty() && std::none_of(message.begin(), message.end(),
                                         [](char c) { return (c >= 0 && c < ' ') || c == '\x7F'; }),
        "a message is one line");
    return false;
  }
}

inline std::vector<std::byte> to_bytes(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  return {bytes.begin(), bytes.end()};
}

inline bool equal(std::span<const std::byte> a, std::span<const std::byte> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace szt::fuzz

#endif  // SZT_TESTS_FUZZ_TARGET_H_
