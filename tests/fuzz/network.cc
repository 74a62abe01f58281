// SPDX-License-Identifier: Apache-2.0
// Any bytes as a network of `szt train`; one that is read also runs.
#include <cmath>
#include <optional>

#include "fuzz/target.h"
#include "szt/dense_network.h"
#include "szt/matmul.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace szt;
  using namespace szt::fuzz;
  std::optional<DenseNetwork> network;
  if (!accepts([&] {
        network.emplace(QuantizedCheckpoint(SafetensorsFile("file", to_bytes(data, size))));
      })) {
    return 0;
  }
  require(!network->layers().empty(), "a network has a layer");
  std::size_t width = network->inputs();
  for (const DenseNetwork::Layer& layer : network->layers()) {
    require(layer.weights.codes.cols() == width, "a layer takes what the one before it gives");
    width = layer.weights.codes.rows();
    require(layer.bias.size() == width && width != 0, "every output has a bias");
    for (const float bias : layer.bias) require(std::isfinite(bias), "a bias is finite");
  }
  require(width == network->outputs(), "the last layer's rows are the outputs");

  constexpr std::size_t kRows = 2;
  std::vector<float> x(kRows * network->inputs());
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<float>(static_cast<int>(data[i % size]) - 128);
  }
  std::vector<float> scores;
  std::size_t products = 0;
  // Refused: what has become too large for a float on the way.
  if (!accepts([&] {
        scores =
            network->forward(x, kRows,
                             [&](std::size_t layer, std::span<const std::int8_t> in, std::size_t m,
                                 PackedCodesView codes, std::span<std::int32_t> y) {
                               require(layer == products++ && in.size() == m * codes.cols() &&
                                           y.size() == m * codes.rows(),
                                       "a product has the sizes of its layer");
                               matmul(in, m, codes, DecodeMode::kForward, y, 1);
                             });
      })) {
    return 0;
  }
  require(products == network->layers().size(), "every layer has its product");
  require(scores.size() == kRows * network->outputs(), "every row has its scores");
  for (const std::size_t column : argmax_rows(scores, network->outputs())) {
    require(column < network->outputs(), "the largest score is one of them");
  }
  return 0;
}
