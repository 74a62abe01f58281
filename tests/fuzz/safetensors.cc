// SPDX-License-Identifier: Apache-2.0
// Any bytes as a safetensors file; what is read, written and read again is the same.
#include "szt/safetensors.h"

#include <optional>

#include "fuzz/target.h"

namespace szt::fuzz {
namespace {

void check_contents(const SafetensorsFile& file, std::size_t file_bytes) {
  std::size_t data_bytes = 0;
  for (const TensorInfo& tensor : file.tensors()) {
    require(file.find(tensor.name) == &tensor, "a tensor is found by its name");
    auto bits = static_cast<std::size_t>(safetensors_dtype_bits(tensor.dtype));
    require(bits != 0, "the dtype is known");
    for (const std::uint64_t dimension : tensor.shape) bits *= dimension;
    require(bits == tensor.data.size() * 8, "the data is as long as the shape says");
    std::size_t sum = 0;  // touches every byte
    for (const std::byte byte : tensor.data) sum += static_cast<std::size_t>(byte);
    require(sum <= tensor.data.size() * 255, "bytes are bytes");
    data_bytes += tensor.data.size();
  }
  require(data_bytes + 8 <= file_bytes, "the tensors fit into the file");
  require(!accepts([&] { file.at("no such name\n"); }) || file.find("no such name\n") != nullptr,
          "at() refuses what find() does not find");
}

std::vector<std::byte> written(const SafetensorsFile& file) {
  SafetensorsWriter writer;
  for (const TensorInfo& tensor : file.tensors()) {
    writer.add(tensor.name, tensor.dtype, tensor.shape, tensor.data);
  }
  for (const auto& [key, value] : file.metadata()) writer.set_metadata(key, value);
  return writer.bytes();
}

}  // namespace
}  // namespace szt::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace szt;
  using namespace szt::fuzz;
  std::optional<SafetensorsFile> file;
  if (!accepts([&] { file.emplace("file", to_bytes(data, size)); })) return 0;
  check_contents(*file, size);
  if (size > kMostChecked) return 0;

  const std::vector<std::byte> copy = written(*file);  // refuses nothing that was read
  const SafetensorsFile again("copy", copy);
  require(again.metadata() == file->metadata(), "a copy has the same metadata");
  require(again.tensors().size() == file->tensors().size(), "a copy has as many tensors");
  for (const TensorInfo& tensor : file->tensors()) {
    const TensorInfo& same = again.at(tensor.name);
    require(
        same.dtype == tensor.dtype && same.shape == tensor.shape && equal(same.data, tensor.data),
        "a copy has the same tensors");
  }
  require(written(again) == copy, "a copy of a copy has the same bytes");
  return 0;
}
