// SPDX-License-Identifier: Apache-2.0
#include "activations.h"

#include <fmt/format.h>

#include <utility>

#include "report.h"
#include "szt/activations.h"
#include "szt/error.h"
#include "szt/npy.h"
#include "szt/printable.h"

namespace szt::tools {

namespace {

NpyArray open_matrix(const std::filesystem::path& path, std::string_view what,
                     std::string_view axes) {
  NpyArray array(path);
  if (array.shape().size() == 2) return array;
  throw InputError(fmt::format("{}: shape {} has {} dimensions; {} have two, {}",
                               printable_path(path), shape_text(array.shape()),
                               array.shape().size(), what, axes));
}

}  // namespace

Int8Matrix load_int8(const std::filesystem::path& path, std::string_view what,
                     std::string_view axes) {
  const NpyArray array = open_matrix(path, what, axes);
  if (array.descr() != "|i1") {
    throw InputError(
        fmt::format("{}: dtype '{}' is not int8; quantise the {} {} first and keep their scale",
                    printable_path(path), array.descr(), what, axes));
  }
  return {static_cast<std::size_t>(array.shape()[0]), static_cast<std::size_t>(array.shape()[1]),
          array.values<std::int8_t>()};
}

Activations load_activations(const std::filesystem::path& path) {
  const NpyArray array = open_matrix(path, "activations", "[M,K]");
  const std::string where = printable_path(path);
  const auto m = static_cast<std::size_t>(array.shape()[0]);
  const auto k = static_cast<std::size_t>(array.shape()[1]);
  if (array.descr() == "|i1") return {m, k, array.values<std::int8_t>(), false, {}};
  if (array.descr() != "<f4") {
    throw InputError(fmt::format(
        "{}: dtype '{}' is neither int8 nor float32 (which is quantised per row); convert it",
        where, array.descr()));
  }
  QuantizedActivations quantized =
      quantize_activations(where, array.values<float>(), m, k, Granularity::kPerRow);
  return {m, k, std::move(quantized.values), true, std::move(quantized.scales)};
}

void check_k(std::size_t k, const std::filesystem::path& path, std::string_view weights,
             std::size_t weights_k) {
  if (k == weights_k) return;
  throw InputError(
      fmt::format("{}: K is {} here and {} in the weights {}; use the activations of that layer",
                  printable_path(path), k, weights_k, weights));
}

}  // namespace szt::tools
