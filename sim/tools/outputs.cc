// SPDX-License-Identifier: Apache-2.0
#include "outputs.h"

#include <fmt/format.h>

#include <system_error>

#include "szt/atomic_file.h"
#include "szt/error.h"
#include "szt/printable.h"

namespace szt::tools {
namespace {

bool same_file(const std::filesystem::path& a, const std::filesystem::path& b) {
  std::error_code error;
  if (std::filesystem::equivalent(a, b, error) && !error) {
    return std::filesystem::is_regular_file(a, error);
  }
  return std::filesystem::weakly_canonical(a, error) ==
             std::filesystem::weakly_canonical(b, error) &&
         !std::filesystem::is_other(std::filesystem::status(a, error));
}

}  // namespace

void check_outputs(const std::vector<NamedPath>& outputs,
                   const std::vector<NamedPath>& keep_apart) {
  const auto check_apart = [](const NamedPath& a, const NamedPath& b) {
    if (a.path.empty() || b.path.empty() || !same_file(a.path, b.path)) return;
    throw InputError(fmt::format("{}: {} and {} are the same file; name two",
                                 printable_path(b.path), a.option, b.option));
  };
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const NamedPath& output = outputs[i];
    if (output.path.empty()) continue;
    for (std::size_t j = 0; j < i; ++j) check_apart(outputs[j], output);
    for (const NamedPath& input : keep_apart) check_apart(input, output);
    // A pipe or a device is left alone: opening it would be seen at its other end.
    std::error_code error;
    if (std::filesystem::is_other(std::filesystem::status(output.path, error))) continue;
    const AtomicFile probe(output.path);  // dropped without commit()
  }
}

}  // namespace szt::tools
