// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <system_error>
#include <vector>

#include "rtl_library.h"
#include "szt/error.h"
#include "szt/sim/rtl_device.h"

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

template <typename Function>
Function* find_symbol(void* library, const char* name) {
  void* symbol = dlsym(library, name);
  if (symbol == nullptr) throw InputError(fmt::format("the RTL library has no {}", name));
  return reinterpret_cast<Function*>(symbol);
}

const RtlLibrary& open_library(const Configuration& configuration) {
  // A library stays loaded: unloading would leave the exceptions it threw without their code.
  static std::map<std::filesystem::path, RtlLibrary> loaded;
  const std::string name = fmt::format("libszt_rtl_{}.so", configuration.name);
  std::string searched;
  for (const std::filesystem::path& directory : library_directories()) {
    const std::filesystem::path path = directory / name;
    if (const auto found = loaded.find(path); found != loaded.end()) return found->second;
    std::error_code error;
    if (std::filesystem::exists(path, error)) {
      void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
      if (library == nullptr) throw InputError(fmt::format("{}: {}", path.string(), dlerror()));
      const RtlLibrary functions = {
          find_symbol<decltype(szt_make_rtl_core)>(library, "szt_make_rtl_core"),
          find_symbol<decltype(szt_rtl_simulator)>(library, "szt_rtl_simulator")};
      return loaded.emplace(path, functions).first->second;
    }
    searched += fmt::format("{}{}", searched.empty() ? "" : ", ", directory.string());
  }
  throw InputError(
      fmt::format("the RTL of configuration {0} is not built: no {1} in {2}; build the target "
                  "szt_rtl_{0}, or set SZT_RTL_PATH",
                  configuration.name, name, searched));
}

}  // namespace

const RtlLibrary& rtl_library(const Configuration& configuration) {
  return open_library(configuration);
}

std::string rtl_simulator_version(const Configuration& configuration) {
  return rtl_library(configuration).simulator();
}

}  // namespace szt::sim
