// SPDX-License-Identifier: Apache-2.0
#include "weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "szt/error.h"
#include "szt/printable.h"

namespace szt::tools {
namespace {

constexpr std::size_t kNamesListed = 4;

}  // namespace

WeightsLocation split_weights_argument(const std::string& argument) {
  std::error_code error;
  if (std::filesystem::exists(argument, error)) return {argument, std::nullopt};
  const auto at = [&](std::size_t colon) {
    if (colon + 1 == argument.size()) {
      throw InputError(fmt::format("--weights {}: no tensor after the colon; use FILE:T or FILE",
                                   printable_path(argument)));
    }
    return WeightsLocation{argument.substr(0, colon), argument.substr(colon + 1)};
  };
  for (std::size_t colon = argument.find(':'); colon != std::string::npos;
       colon = argument.find(':', colon + 1)) {
    if (colon != 0 && std::filesystem::exists(argument.substr(0, colon), error)) return at(colon);
  }
  const std::size_t last = argument.rfind(':');
  if (last == std::string::npos || last == 0) return {argument, std::nullopt};
  return at(last);
}

SelectedWeights open_weights(const std::string& argument) {
  const WeightsLocation location = split_weights_argument(argument);
  QuantizedCheckpoint checkpoint{SafetensorsFile(location.file)};
  std::vector<QuantizedWeights> tensors;
  if (location.tensor) {
    tensors.push_back(checkpoint.at(*location.tensor));
  } else if (checkpoint.names().empty()) {
    throw InputError(fmt::format("{}: holds no quantised tensor; run 'szt quantize' on it first",
                                 printable_path(location.file)));
  } else {
    for (const std::string& name : checkpoint.names()) tensors.push_back(checkpoint.at(name));
  }
  return {std::move(checkpoint), std::move(tensors)};
}

SelectedWeights open_single_weights(const std::string& argument) {
  SelectedWeights weights = open_weights(argument);
  const std::size_t count = weights.tensors.size();
  if (count == 1) return weights;
  std::string names;
  for (std::size_t i = 0; i < std::min(kNamesListed, count); ++i) {
    names += fmt::format("{}'{}'", i == 0 ? "" : ", ", printable(weights.tensors[i].name));
  }
  if (count > kNamesListed) names += fmt::format(" and {} more", count - kNamesListed);
  const std::string file = printable_path(argument);
  throw InputError(
      fmt::format("{0}: holds {1} quantised tensors ({2}); choose one, as in --weights {0}:{3}",
                  file, count, names, printable(weights.tensors.front().name)));
}

std::string weights_argument(const SelectedWeights& weights, const QuantizedWeights& tensor) {
  return weights.checkpoint.file().path().string() + ":" + tensor.name;
}

}  // namespace szt::tools
