// SPDX-License-Identifier: Apache-2.0
#include "name_filter.h"

#include <fmt/format.h>

#include <string_view>

#include "szt/error.h"
#include "szt/printable.h"

namespace szt::tools {
namespace {

// The standard library matches by recursion: a longer name could exhaust the stack.
constexpr std::size_t kLongestName = 4096;

std::optional<std::regex> compile(std::string_view option, const std::string& text) {
  if (text.empty()) return std::nullopt;
  try {
    return std::regex(text, std::regex::ECMAScript | std::regex::optimize);
  } catch (const std::regex_error& error) {
    throw InputError(
        fmt::format("{} '{}' is no regular expression: {}; escape special characters with a "
                    "backslash",
                    option, printable(text), error.what()));
  }
}

bool found(std::string_view option, const std::regex& regex, const std::string& name) {
  if (name.size() > kLongestName) {
    throw InputError(
        fmt::format("{0}: tensor name '{1}' of {2} bytes is too long to match; leave {0} away",
                    option, printable(name, 32), name.size()));
  }
  try {
    return std::regex_search(name, regex);
  } catch (const std::regex_error& error) {
    throw InputError(fmt::format("{}: matching tensor '{}' failed: {}; use a simpler expression",
                                 option, printable(name), error.what()));
  }
}

}  // namespace

NameFilter::NameFilter(const std::string& include, const std::string& exclude)
    : include_(compile("--include", include)), exclude_(compile("--exclude", exclude)) {}

bool NameFilter::matches(const std::string& name) const {
  return (!include_ || found("--include", *include_, name)) &&
         (!exclude_ || !found("--exclude", *exclude_, name));
}

}  // namespace szt::tools
