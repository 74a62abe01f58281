// SPDX-License-Identifier: Apache-2.0
// --include and --exclude: tensors chosen by regular expressions.
#ifndef SZT_TOOLS_NAME_FILTER_H_
#define SZT_TOOLS_NAME_FILTER_H_

#include <optional>
#include <regex>
#include <string>

namespace szt::tools {

// Names that hold a match of `include` and none of `exclude`; an empty expression was not given.
class NameFilter {
 public:
  // Throws InputError for what is no ECMAScript regular expression.
  NameFilter(const std::string& include, const std::string& exclude);

  // Throws InputError for a name too long, or an expression too complex, for the standard library.
  bool matches(const std::string& name) const;

 private:
  std::optional<std::regex> include_;
  std::optional<std::regex> exclude_;
};

}  // namespace szt::tools

#endif  // SZT_TOOLS_NAME_FILTER_H_
