// SPDX-License-Identifier: Apache-2.0
// Any bytes as a quantised checkpoint; each tensor that is read is written and read again the same.
#include "szt/checkpoint.h"

#include <cmath>
#include <optional>

#include "fuzz/target.h"

namespace szt::fuzz {
namespace {

void check_weights(const QuantizedWeights& weights) {
  require(std::isfinite(weights.scale) && weights.scale >= 0, "the scale is a number >= 0");
  require(std::isfinite(weights.threshold) && weights.threshold >= 0,
          "the threshold is a number >= 0");
  const PackedCodesView codes = weights.codes;
  require(codes.bytes().size() == packed_size(codes.rows(), codes.cols()),
          "the codes are as many as the shape says");
  // A shape with a 0 may have the other dimension as large as it likes.
  const std::size_t size = codes.rows() * codes.cols();
  std::size_t counted = 0;
  for (const std::uint64_t count : histogram(codes)) counted += count;
  require(counted == size, "every code counts once");

  SafetensorsWriter writer;
  set_checkpoint_metadata(writer, Rule{});
  const Dtype dtype = find_dtype(weights.dtype).value_or(Dtype::kF32);
  add_quantized(writer, weights.name,
                {PackedCodes(codes), weights.threshold, weights.scale, dtype, 0});
  const QuantizedCheckpoint again(SafetensorsFile("copy", writer.bytes()));
  const QuantizedWeights same = again.at(weights.name);
  require(same.codes.rows() == codes.rows() && same.codes.cols() == codes.cols() &&
              equal(std::as_bytes(same.codes.bytes()), std::as_bytes(codes.bytes())),
          "a copy has the same codes");
  require(same.scale == weights.scale && same.threshold == weights.threshold &&
              same.dtype == name(dtype),
          "a copy has the same numbers");
}

}  // namespace
}  // namespace szt::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace szt;
  using namespace szt::fuzz;
  std::optional<QuantizedCheckpoint> checkpoint;
  if (!accepts([&] { checkpoint.emplace(SafetensorsFile("file", to_bytes(data, size))); }))
    return 0;
  require(checkpoint->is_quantized() || checkpoint->names().empty(),
          "only a quantised checkpoint has quantised tensors");
  const ZeroShift shift = checkpoint->zero_shift_or_default();
  require(!shift || *shift <= kMaxZeroShift, "the zero shift is one of the format's");
  if (size > kMostChecked) return 0;
  for (const std::string& name : checkpoint->names()) {
    require(checkpoint->contains(name), "a name is among the names");
    for (const std::string& part : quantized_parts(name)) {
      require(checkpoint->is_part(part), "its parts are parts");
    }
    std::optional<QuantizedWeights> weights;
    if (accepts([&] { weights = checkpoint->at(name); })) check_weights(*weights);
  }
  for (const TensorInfo& tensor : checkpoint->file().tensors()) {
    require(accepts([&] { checkpoint->at(tensor.name); }) <= checkpoint->contains(tensor.name),
            "what is not quantised is refused");
  }
  return 0;
}
