// SPDX-License-Identifier: Apache-2.0
#include "szt/configuration.h"

#include <fmt/format.h>

#include <array>
#include <string>

#include "szt/error.h"

namespace szt {
namespace {

constexpr auto kConfigurations = std::to_array<Configuration>({
#include "configurations.inc"
});

}  // namespace

std::span<const Configuration> configurations() { return kConfigurations; }

const Configuration& find_configuration(std::string_view name) {
  std::string known;
  for (const Configuration& configuration : kConfigurations) {
    if (configuration.name == name) return configuration;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", configuration.name);
  }
  throw InputError(fmt::format("configuration '{}' is unknown; use one of: {}", name, known));
}

}  // namespace szt
