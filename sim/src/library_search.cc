// SPDX-License-Identifier: Apache-2.0
#include "szt/sim/library_search.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

#include "szt/error.h"

namespace szt::sim {
namespace {

std::vector<std::filesystem::path> library_directories() {
  std::vector<std::filesystem::path> directories;
  if (const char* path = std::getenv("SZT_RTL_PATH"); path != nullptr && *path != '\0') {
    std::string_view rest = path;
    while (!rest.empty()) {
      const std::size_t colon = rest.find(':');
      if (colon != 0) directories.emplace_back(rest.substr(0, colon));
      rest = colon == std::string_view::npos ? std::string_view{} : rest.substr(colon + 1);
    }
    return directories;
  }
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) {
    directories.push_back(program.parent_path().parent_path() / "lib");
    directories.push_back(program.parent_path());
  }
  return directories;
}

}  // namespace

SharedLibrary::SharedLibrary(std::string_view file, std::string_view what,
                             std::string_view target) {
  std::string searched;
  for (const std::filesystem::path& directory : library_directories()) {
    const std::filesystem::path path = directory / file;
    std::error_code error;
    if (std::filesystem::exists(path, error)) {
      path_ = path.string();
      handle_ = dlopen(path_.c_str(), RTLD_NOW | RTLD_LOCAL);
      if (handle_ == nullptr) throw InputError(fmt::format("{}: {}", path_, dlerror()));
      return;
    }
    searched += fmt::format("{}{}", searched.empty() ? "" : ", ", directory.string());
  }
  throw InputError(
      fmt::format("{} is not built: no {} in {}; build the target {}, or set SZT_RTL_PATH", what,
                  file, searched, target));
}

void* SharedLibrary::symbol(const char* name) const {
  void* const found = dlsym(handle_, name);
  if (found == nullptr) throw InputError(fmt::format("{} has no {}", path_, name));
  return found;
}

}  // namespace szt::sim
