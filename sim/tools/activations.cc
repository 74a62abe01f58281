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

Activations load_activations(const std::filesystem::path& path) {
  const NpyArray array(path);
  const std::string where = printable_path(path);
  if (array.shape().size() != 2) {
    throw InputError(fmt::format("{}: shape {} has {} dimensions; activations have two, [M,K]",
                                 where, shape_text(array.shape()), array.shape().size()));
  }
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

void check_k(const Activations& activations, const std::filesystem::path& path,
             std::string_view weights, std::size_t weights_k) {
  if (activations.k == weights_k) return;
  throw InputError(
      fmt::format("{}: K is {} here and {} in the weights {}; use the activations of that layer",
                  printable_path(path), activations.k, weights_k, weights));
}

}  // namespace szt::tools
