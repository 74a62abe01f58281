// SPDX-License-Identifier: Apache-2.0
#include "memory.h"

#include <fmt/format.h>

#include <cstring>
#include <set>
#include <span>
#include <vector>

#include "data.h"
#include "szt/checkpoint.h"
#include "szt/error.h"
#include "szt/printable.h"
#include "szt/reopen.h"
#include "szt/safetensors.h"

namespace szt::train {
namespace {

constexpr const char* kNetworkKey = "network";

std::string weight_name(const std::string& layer) { return layer + ".weight"; }
std::string latents_name(const std::string& layer) { return "latents." + layer + ".weight"; }

std::span<const std::byte> bytes_of(const torch::Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.data_ptr()),
          static_cast<std::size_t>(tensor.numel()) * sizeof(float)};
}

std::vector<std::uint64_t> shape_of(const torch::Tensor& tensor) {
  return {tensor.sizes().begin(), tensor.sizes().end()};
}

PackedCodes packed_codes(TernaryLayerImpl& layer) {
  const auto* const codes = layer.planes().codes.data_ptr<std::uint8_t>();
  std::vector<Code> row(layer.cols());
  PackedCodes packed(layer.rows(), layer.cols());
  for (std::size_t r = 0; r < layer.rows(); ++r) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      row[c] = static_cast<Code>(codes[r * row.size() + c]);
    }
    packed.pack_row(r, row.data());
  }
  return packed;
}

// The signs that `memory` gives to the zeros of `codes`.
PackedCodes resign_zeros(PackedCodesView codes, Memory memory, std::uint64_t seed) {
  PackedCodes changed(codes);
  for (std::size_t r = 0; r < codes.rows(); ++r) {
    for (std::size_t c = 0; c < codes.cols(); ++c) {
      const Code code = codes.get(r, c);
      if (magnitude_bit(code)) continue;
      const bool negative = memory == Memory::kOppositeSign
                                ? !sign_bit(code)
                                : (hash(seed, r * codes.cols() + c) & 1U) != 0;
      changed.set(r, c, make_code(negative, false));
    }
  }
  return changed;
}

std::vector<float> remember(PackedCodesView codes, float threshold, float scale,
                            const ZeroShift& zero_shift, Memory memory, std::uint64_t seed) {
  if (memory == Memory::kBtZero) return reopen(codes, threshold, scale, std::nullopt);
  if (memory == Memory::kSzt) return reopen(codes, threshold, scale, zero_shift);
  return reopen(resign_zeros(codes, memory, seed), threshold, scale, zero_shift);
}

void copy_into(const std::vector<float>& values, torch::Tensor& tensor) {
  const torch::NoGradGuard no_gradient;
  tensor.copy_(torch::from_blob(const_cast<float*>(values.data()), tensor.sizes()));
}

std::vector<float> read_floats(const SafetensorsFile& file, const std::string& name,
                               const torch::Tensor& like) {
  const TensorInfo& info = file.at(name);
  if (info.dtype != "F32" || info.shape != shape_of(like)) {
    throw InputError(fmt::format("{}: tensor '{}' is {} [{}]; the network has F32 [{}] there",
                                 printable_path(file.path()), printable(name),
                                 printable(info.dtype), fmt::join(info.shape, ","),
                                 fmt::join(shape_of(like), ",")));
  }
  std::vector<float> values(static_cast<std::size_t>(like.numel()));
  std::memcpy(values.data(), info.data.data(), info.data.size());
  return values;
}

void load_layer(const Options& options, const QuantizedCheckpoint& checkpoint,
                const std::string& name, std::uint64_t index, TernaryLayerImpl& layer) {
  const std::string weight = weight_name(name);
  if (!checkpoint.contains(weight)) {
    const std::vector<float> latents = read_floats(checkpoint.file(), weight, layer.weight);
    if (options.memory != Memory::kKeptLatents) {
      throw InputError(fmt::format(
          "{}: a float tensor has latents to keep; quantise the file first, or give memory "
          "kept-latents",
          checkpoint.where(weight)));
    }
    copy_into(latents, layer.weight);
    if (layer.quantized() && !options.recalibrate) {
      const Calibration calibration =
          calibrate(Dtype::kF32, latents.data(), latents.size(), Rule{});
      layer.freeze(calibration.threshold, calibration.scale);
    }
    return;
  }
  const QuantizedWeights stored = checkpoint.at(weight);
  if (stored.codes.rows() != layer.rows() || stored.codes.cols() != layer.cols()) {
    throw InputError(fmt::format("{} is [{},{}]; the network has [{},{}] there",
                                 checkpoint.where(weight), stored.codes.rows(), stored.codes.cols(),
                                 layer.rows(), layer.cols()));
  }
  if (options.memory == Memory::kKeptLatents) {
    copy_into(read_floats(checkpoint.file(), latents_name(name), layer.weight), layer.weight);
  } else {
    copy_into(remember(stored.codes, stored.threshold, stored.scale, options.zero_shift,
                       options.memory, hash(options.seed, index)),
              layer.weight);
  }
  if (layer.quantized() && !options.recalibrate) layer.freeze(stored.threshold, stored.scale);
}

// Parameters that no layer quantises, by the names that files have for them.
template <typename Visitor>
void visit_float_parameters(Network& network, const Visitor& visitor) {
  std::set<const void*> of_layers;
  for (const auto& [name, layer] : network.layers()) {
    of_layers.insert(layer->weight.unsafeGetTensorImpl());
    of_layers.insert(layer->bias.unsafeGetTensorImpl());
    visitor(name + ".bias", layer->bias);
  }
  for (auto& parameter : network.named_parameters()) {
    if (of_layers.contains(parameter.value().unsafeGetTensorImpl())) continue;
    visitor(parameter.key(), parameter.value());
  }
}

}  // namespace

void forget(TernaryLayerImpl& layer, const ZeroShift& zero_shift, Memory memory, std::uint64_t seed,
            std::uint64_t layer_index) {
  if (memory == Memory::kKeptLatents) return;
  const Planes planes = layer.planes();
  copy_into(remember(packed_codes(layer), planes.threshold, planes.scale, zero_shift, memory,
                     hash(seed, layer_index)),
            layer.weight);
}

void load_start(const Options& options, Network& network) {
  const QuantizedCheckpoint checkpoint{SafetensorsFile(options.start)};
  const auto& metadata = checkpoint.file().metadata();
  const auto found = metadata.find(kNetworkKey);
  if (found == metadata.end() || found->second != network.description()) {
    throw InputError(fmt::format(
        "{}: holds {}; needed is a {}", printable_path(options.start),
        found == metadata.end() ? "no network of szt train" : "a " + printable(found->second),
        network.description()));
  }
  std::uint64_t index = 0;
  for (const auto& [name, layer] : network.layers()) {
    load_layer(options, checkpoint, name, index++, *layer);
  }
  visit_float_parameters(network, [&](const std::string& name, torch::Tensor& parameter) {
    copy_into(read_floats(checkpoint.file(), name, parameter), parameter);
  });
}

void write_network(const Options& options, Network& network) {
  SafetensorsWriter writer;
  writer.set_metadata(kNetworkKey, network.description());
  writer.set_metadata("task", std::string(name(options.task)));
  writer.set_metadata("arm", std::string(name(options.arm)));
  if (options.arm != Arm::kFloat32) set_checkpoint_metadata(writer, Rule{}, options.zero_shift);
  for (const auto& [layer_name, layer] : network.layers()) {
    const std::string weight = weight_name(layer_name);
    if (!layer->quantized()) {
      writer.add(weight, "F32", shape_of(layer->weight), bytes_of(layer->weight));
      continue;
    }
    PackedCodes codes = packed_codes(*layer);
    const Planes& planes = layer->planes();
    QuantizedTensor tensor{std::move(codes), planes.threshold, planes.scale, Dtype::kF32, 0};
    for (const Code code : tensor.codes.unpack()) tensor.nonzero += magnitude_bit(code) ? 1U : 0U;
    add_quantized(writer, weight, std::move(tensor));
    if (options.keep_latents) {
      writer.add(latents_name(layer_name), "F32", shape_of(layer->weight), bytes_of(layer->weight));
    }
  }
  visit_float_parameters(network, [&](const std::string& parameter_name, torch::Tensor& parameter) {
    writer.add(parameter_name, "F32", shape_of(parameter), bytes_of(parameter));
  });
  writer.write(options.output);
}

}  // namespace szt::train
