// SPDX-License-Identifier: Apache-2.0
// What szt cosim was asked to run, checked before anything runs.
#ifndef SZT_TOOLS_COSIM_WORK_H_
#define SZT_TOOLS_COSIM_WORK_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "activations.h"
#include "szt/code.h"
#include "szt/configuration.h"
#include "szt/packed_codes.h"
#include "weights.h"

namespace szt::tools {

inline constexpr std::size_t kDefaultM = 64;
inline constexpr std::size_t kDefaultK = 384;
inline constexpr std::size_t kDefaultN = 384;
inline constexpr double kLargestStall = 0.99;

struct CosimOptions {
  std::string weights;
  std::string activations;
  std::string device = "rtl";
  std::string config = "medium";
  std::string mode = "forward";
  std::optional<std::size_t> m;
  std::optional<std::size_t> k;
  std::optional<std::size_t> n;
  std::uint64_t seed = 1;
  double stall = 0;
  std::string trace;
  std::string output;
  bool dequantize = false;
  std::string json;
  bool quiet = false;
};

// One matrix of weights to run.
struct CosimTensor {
  std::string name;   // empty: random codes
  std::string label;  // for people
  PackedCodesView codes;
  float scale;
};

// The weights and activations, from files or from the seed. Refers to the options.
class CosimWork {
 public:
  // Throws InputError.
  explicit CosimWork(const CosimOptions& options);
  CosimWork(const CosimWork&) = delete;
  CosimWork& operator=(const CosimWork&) = delete;

  const Configuration& configuration() const { return configuration_; }
  DecodeMode mode() const { return mode_; }
  std::span<const CosimTensor> tensors() const { return tensors_; }  // at least one
  std::size_t m() const { return x_ ? x_->m : options_.m.value_or(kDefaultM); }
  // [m, K of the tensor]; valid until the next call. Random ones depend on the seed and the shape
  // alone, so that a tensor that fails among others fails alone too.
  std::span<const std::int8_t> activations(const CosimTensor& tensor);
  // One a row; empty unless the activations came as float32.
  std::span<const float> activation_scales() const;

  // Runs this tensor alone, just as it is run here.
  std::string command_line(const CosimTensor& tensor) const;

 private:
  void check_options() const;
  void take_random_codes();
  void take_weights();
  void check_activations() const;

  const CosimOptions& options_;
  const Configuration& configuration_;
  DecodeMode mode_;
  std::optional<Activations> x_;
  std::optional<SelectedWeights> selected_;
  PackedCodes random_codes_;
  std::vector<std::int8_t> random_activations_;
  std::vector<CosimTensor> tensors_;
};

}  // namespace szt::tools

#endif  // SZT_TOOLS_COSIM_WORK_H_
