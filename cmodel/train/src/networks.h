// SPDX-License-Identifier: Apache-2.0
// The networks of the tasks.
#ifndef SZT_TRAIN_SRC_NETWORKS_H_
#define SZT_TRAIN_SRC_NETWORKS_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ternary.h"

namespace szt::train {

class Network : public torch::nn::Module {
 public:
  // Images: float32 [samples, 1, 28, 28] -> scores [samples, 10]. Text: int64 [samples, length] of
  // characters -> scores [samples * length, characters] of the one that follows.
  virtual torch::Tensor forward(const torch::Tensor& input) = 0;
  // "mlp 784-256-256-10".
  virtual std::string description() const = 0;

  // Every quantised layer with its name in files, in the order of the data.
  using NamedLayer = std::pair<std::string, std::shared_ptr<TernaryLayerImpl>>;
  const std::vector<NamedLayer>& layers() const { return layers_; }

 protected:
  // Registers the layer by a name in which a dot becomes '_', which libtorch demands.
  template <typename LayerHolder>
  LayerHolder add(const std::string& name, LayerHolder layer);

 private:
  std::vector<NamedLayer> layers_;
};

// `characters` matters for text only. First weights come from libtorch's generator.
std::shared_ptr<Network> make_network(Task task, const Quantization& quantization,
                                      std::size_t characters);

// Of the transformer: characters that it looks back on.
inline constexpr std::int64_t kTextContext = 128;

}  // namespace szt::train

#endif  // SZT_TRAIN_SRC_NETWORKS_H_
