// SPDX-License-Identifier: Apache-2.0
#include "szt/printable.h"

#include <fmt/format.h>

#include <limits>

namespace szt {
namespace {

// Length of the character at text[i] if it must be escaped as a code point (C1, U+2028, U+2029),
// and that code point; {0, 0} if it need not.
struct Control {
  std::size_t length;
  unsigned code_point;
};

Control control_at(std::string_view text, std::size_t i) {
  const auto byte = [&](std::size_t k) {
    return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U;
  };
  if (byte(0) == 0xC2 && byte(1) >= 0x80 && byte(1) <= 0x9F) return {2, byte(1)};
  if (byte(0) == 0xE2 && byte(1) == 0x80 && (byte(2) == 0xA8 || byte(2) == 0xA9)) {
    return {3, 0x2000U | (byte(2) & 0x3FU)};
  }
  return {0, 0};
}

constexpr std::size_t kMostContinuing = 3;  // bytes of a character

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

}  // namespace

std::string printable(std::string_view text, std::size_t max_bytes) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    // Bytes that continue no character must not put the end off.
    if (out.size() >= max_bytes &&
        (!continues_character(text[i]) || out.size() - max_bytes >= kMostContinuing)) {
      return out + "...";
    }
    if (const Control control = control_at(text, i); control.length != 0) {
      out += fmt::format("\\u{:04x}", control.code_point);
      i += control.length;
      continue;
    }
    const char c = text[i++];
    const unsigned value = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\\') {
      out += "\\\\";
    } else if (value < 0x20 || value == 0x7F) {
      out += fmt::format("\\x{:02x}", value);
    } else {
      out += c;
    }
  }
  return out;
}

std::string printable_path(const std::filesystem::path& path) {
  return printable(path.native(), std::numeric_limits<std::size_t>::max());
}

}  // namespace szt
