// SPDX-License-Identifier: Apache-2.0
#include "latent_tensors.h"

#include <fmt/format.h>

#include <optional>

#include "szt/error.h"
#include "szt/printable.h"

namespace szt::tools {
namespace {

LatentTensor named(const SafetensorsFile& file, const std::string& name) {
  const TensorInfo& tensor = file.at(name);
  const std::optional<Dtype> dtype = find_dtype(tensor.dtype);
  const std::string where =
      fmt::format("{}: tensor '{}'", printable_path(file.path()), printable(name));
  if (!dtype) {
    throw InputError(fmt::format("{} is {}; use one of F32, F16, BF16, I8 or I16", where,
                                 printable(tensor.dtype)));
  }
  if (tensor.data.empty()) throw InputError(fmt::format("{} is empty; use another", where));
  return {&tensor, *dtype};
}

}  // namespace

std::vector<LatentTensor> latent_tensors(const SafetensorsFile& file, const std::string& name,
                                         const NameFilter& filter) {
  if (!name.empty()) return {named(file, name)};
  std::vector<LatentTensor> tensors;
  std::size_t matrices = 0;
  for (const TensorInfo& tensor : file.tensors()) {
    const std::optional<Dtype> dtype = find_dtype(tensor.dtype);
    if (tensor.shape.size() != 2 || tensor.data.empty() || !dtype || *dtype == Dtype::kI8 ||
        *dtype == Dtype::kI16) {
      continue;
    }
    ++matrices;
    if (filter.matches(tensor.name)) tensors.push_back({&tensor, *dtype});
  }
  if (!tensors.empty()) return tensors;
  const std::string path = printable_path(file.path());
  if (matrices != 0) {
    throw InputError(fmt::format(
        "{}: --include and --exclude leave none of its {} 2-D float tensors", path, matrices));
  }
  throw InputError(
      fmt::format("{}: holds no 2-D tensor of F32, F16 or BF16{}", path,
                  file.metadata().contains("szt.version")
                      ? "; it is quantised: use the original, or 'szt inspect' alone for its codes"
                      : "; name one of another rank or format"));
}

std::string where(const SafetensorsFile& file, const LatentTensor& tensor) {
  return fmt::format("{}: tensor '{}'", printable_path(file.path()), printable(tensor.info->name));
}

void require_finite(const SafetensorsFile& file, const LatentTensor& tensor) {
  const void* data = tensor.info->data.data();
  if (const auto index = find_nonfinite(tensor.dtype, data, tensor.size())) {
    throw InputError(fmt::format("{}: weight [{}] is {}; every weight must be finite",
                                 where(file, tensor), *index,
                                 latent_value(tensor.dtype, data, *index)));
  }
}

}  // namespace szt::tools
