// SPDX-License-Identifier: Apache-2.0
#include "szt/dense_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "szt/activations.h"
#include "szt/error.h"
#include "szt/matmul.h"
#include "szt/printable.h"

namespace szt {
namespace {

std::vector<float> read_bias(const SafetensorsFile& file, const std::string& name,
                             std::size_t size) {
  const TensorInfo& info = file.at(name);
  if (info.dtype != "F32" || info.shape != std::vector<std::uint64_t>{size}) {
    throw InputError(fmt::format("{}: tensor '{}' is {} [{}]; a bias is F32 [{}] there",
                                 printable_path(file.path()), printable(name),
                                 printable(info.dtype), fmt::join(info.shape, ","), size));
  }
  std::vector<float> bias(size);
  std::memcpy(bias.data(), info.data.data(), info.data.size());
  const auto bad =
      std::find_if_not(bias.begin(), bias.end(), [](float b) { return std::isfinite(b); });
  if (bad != bias.end()) {
    throw InputError(fmt::format("{}: tensor '{}': element {} is {}; train the network again",
                                 printable_path(file.path()), printable(name), bad - bias.begin(),
                                 *bad));
  }
  return bias;
}

}  // namespace

DenseNetwork::DenseNetwork(const std::filesystem::path& path)
    : DenseNetwork(QuantizedCheckpoint{SafetensorsFile(path)}) {}

DenseNetwork::DenseNetwork(QuantizedCheckpoint checkpoint) : checkpoint_(std::move(checkpoint)) {
  std::string widths;
  while (checkpoint_.contains(fmt::format("layers.{}.weight", layers_.size()))) {
    const std::string prefix = fmt::format("layers.{}", layers_.size());
    Layer layer{checkpoint_.at(prefix + ".weight"), {}};
    const PackedCodesView codes = layer.weights.codes;
    if (codes.rows() == 0 || codes.cols() == 0 || (!layers_.empty() && codes.cols() != outputs())) {
      throw InputError(fmt::format("{} is [{},{}]; the layer before it has {} outputs",
                                   checkpoint_.where(layer.weights.name), codes.rows(),
                                   codes.cols(), layers_.empty() ? 0 : outputs()));
    }
    layer.bias = read_bias(checkpoint_.file(), prefix + ".bias", codes.rows());
    layers_.push_back(std::move(layer));
    if (widths.empty()) widths = fmt::format("{}", codes.cols());
    widths += fmt::format("-{}", codes.rows());
  }
  const auto& metadata = checkpoint_.file().metadata();
  const auto network = metadata.find("network");
  description_ = "mlp " + widths;
  if (layers_.empty() || network == metadata.end() || network->second != description_) {
    throw InputError(fmt::format(
        "{}: {}; this needs a quantised perceptron that szt train wrote",
        printable_path(checkpoint_.file().path()),
        network == metadata.end() ? "no network" : "network '" + printable(network->second) + "'"));
  }
}

std::vector<float> DenseNetwork::forward(std::vector<float> x, std::size_t m,
                                         const Matmul& matmul) const {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const PackedCodesView codes = layer.weights.codes;
    const QuantizedActivations input = quantize_activations(
        fmt::format("input of {}", layer.weights.name), x, m, codes.cols(), Granularity::kPerRow);
    std::vector<std::int32_t> products(m * codes.rows());
    matmul(i, input.values, m, codes, products);
    x.resize(products.size());
    scale_output(products, m, codes.rows(), input.scales, layer.weights.scale, x);
    for (std::size_t j = 0; j < x.size(); ++j) {
      x[j] += layer.bias[j % codes.rows()];
      if (i + 1 < layers_.size()) x[j] = std::max(x[j], 0.0F);
    }
  }
  return x;
}

std::vector<std::size_t> argmax_rows(std::span<const float> scores, std::size_t cols) {
  std::vector<std::size_t> best;
  for (std::size_t begin = 0; begin < scores.size(); begin += cols) {
    const auto row = scores.subspan(begin, cols);
    best.push_back(
        static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin()));
  }
  return best;
}

}  // namespace szt
