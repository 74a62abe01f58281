// SPDX-License-Identifier: Apache-2.0
// Names from files, made fit for a message of one line.
#ifndef SZT_PRINTABLE_H_
#define SZT_PRINTABLE_H_

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace szt {

inline constexpr std::size_t kMaxPrintable = 256;

// `text` with line breaks, terminal controls and backslashes escaped as in C (C0, DEL, and the
// UTF-8 forms of C1, U+2028 and U+2029), other bytes as they are; cut with "..." after about
// max_bytes, never inside a character.
std::string printable(std::string_view text, std::size_t max_bytes = kMaxPrintable);

// The same for a path, which is never cut.
std::string printable_path(const std::filesystem::path& path);

}  // namespace szt

#endif  // SZT_PRINTABLE_H_
