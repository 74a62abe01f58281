// SPDX-License-Identifier: Apache-2.0
// Output files, looked at before the work begins.
#ifndef SZT_TOOLS_OUTPUTS_H_
#define SZT_TOOLS_OUTPUTS_H_

#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

namespace szt::tools {

// A path and what the command line calls it. An empty path is an option not given.
struct NamedPath {
  std::string_view option;
  std::filesystem::path path;
};

// Throws InputError if one of `outputs` cannot be created, or if two of them, or one of
// `keep_apart` (inputs that must not be replaced) and an output, are the same file. Creates
// nothing.
void check_outputs(const std::vector<NamedPath>& outputs,
                   const std::vector<NamedPath>& keep_apart = {});

}  // namespace szt::tools

#endif  // SZT_TOOLS_OUTPUTS_H_
