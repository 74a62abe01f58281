// SPDX-License-Identifier: Apache-2.0
#include "cosim_work.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <random>
#include <utility>

#include "options.h"
#include "outputs.h"
#include "szt/error.h"
#include "szt/matmul.h"
#include "szt/printable.h"

namespace szt::tools {
namespace {

// Bytes from a generator whose output the standard fixes, so that a seed means the same work
// everywhere.
class RandomBytes {
 public:
  explicit RandomBytes(std::uint64_t seed) : engine_(seed) {}
  std::uint8_t next() {
    if (left_ == 0) {
      word_ = engine_();
      left_ = sizeof(word_);
    }
    const auto byte = static_cast<std::uint8_t>(word_ & 0xFFU);
    word_ >>= 8;
    --left_;
    return byte;
  }

 private:
  std::mt19937_64 engine_;
  std::uint64_t word_ = 0;
  std::size_t left_ = 0;
};

std::vector<std::int8_t> random_activations(std::uint64_t seed, std::size_t count) {
  RandomBytes random(seed);
  std::vector<std::int8_t> values(count);
  for (std::int8_t& value : values) value = static_cast<std::int8_t>(random.next());
  return values;
}

PackedCodes random_codes(std::uint64_t seed, std::size_t rows, std::size_t cols) {
  RandomBytes random(~seed);  // another sequence than the activations'
  PackedCodes codes(rows, cols);
  std::vector<Code> row_codes(cols);
  for (std::size_t row = 0; row < rows && cols != 0; ++row) {
    for (Code& code : row_codes) code = static_cast<Code>(random.next() & 3U);
    codes.pack_row(row, row_codes.data());
  }
  return codes;
}

}  // namespace

CosimWork::CosimWork(const CosimOptions& options)
    : options_(options),
      configuration_(find_configuration(options.config)),
      mode_(parse_mode(options.mode)) {
  check_options();
  if (!options_.activations.empty()) x_ = load_activations(options_.activations);
  if (options_.weights.empty()) {
    take_random_codes();
  } else {
    take_weights();
  }
  if (x_) check_activations();
  check_outputs(
      {{"--output", options_.output}, {"--trace", options_.trace}, {"--json", options_.json}},
      {{"--activations", options_.activations},
       {"--weights", selected_ ? selected_->checkpoint.file().path() : std::filesystem::path()}});
}

void CosimWork::check_options() const {
  if (!(options_.stall >= 0 && options_.stall <= kLargestStall)) {
    throw InputError(
        fmt::format("--stall {} is no probability from 0 to {}", options_.stall, kLargestStall));
  }
  if (options_.device != "rtl" && options_.device != "tlm") {
    throw InputError(
        fmt::format("--device '{}' is nothing to compare with the model; use rtl or tlm",
                    printable(options_.device)));
  }
  if (options_.device != "rtl" && (options_.stall > 0 || !options_.trace.empty())) {
    throw InputError("--stall and --trace are for --device rtl; leave them away");
  }
  const bool sized = options_.k || options_.n;
  if (!options_.weights.empty() && sized) {
    throw InputError("--k and --n are the weights' own with --weights; leave them away");
  }
  if (!options_.activations.empty() && (options_.m || options_.k)) {
    throw InputError("--m and --k are the activations' own with --activations; leave them away");
  }
  if (!options_.dequantize) return;
  if (mode_ != DecodeMode::kForward) {
    throw InputError("--dequantize needs --mode forward: the scale belongs to that plane");
  }
  if (options_.weights.empty() || options_.activations.empty() || options_.output.empty()) {
    throw InputError("--dequantize needs --weights, --activations and --output");
  }
}

void CosimWork::take_random_codes() {
  const std::size_t k = x_ ? x_->k : options_.k.value_or(kDefaultK);
  random_codes_ = random_codes(options_.seed, options_.n.value_or(kDefaultN), k);
  tensors_.push_back({"", "random", random_codes_.view(), 1});
}

void CosimWork::take_weights() {
  selected_.emplace(open_weights(options_.weights));
  for (const QuantizedWeights& tensor : selected_->tensors) {
    if (tensor.codes.cols() > kMaxExactK) {
      throw InputError(fmt::format("{}: K = {} is beyond {}, where int32 sums stop to be exact",
                                   selected_->checkpoint.where(tensor.name), tensor.codes.cols(),
                                   kMaxExactK));
    }
    tensors_.push_back({tensor.name, printable(tensor.name, 64), tensor.codes, tensor.scale});
  }
  if (tensors_.size() == 1) return;
  const std::string example = printable_path(weights_argument(*selected_, selected_->tensors[0]));
  for (const auto& [option, value] :
       {std::pair("--output", &options_.output), std::pair("--trace", &options_.trace)}) {
    if (value->empty()) continue;
    throw InputError(
        fmt::format("{} takes one tensor and there are {}; choose one, as in "
                    "--weights {}",
                    option, tensors_.size(), example));
  }
}

void CosimWork::check_activations() const {
  if (selected_) {
    for (const QuantizedWeights& tensor : selected_->tensors) {
      check_k(x_->k, options_.activations, weights_argument(*selected_, tensor),
              tensor.codes.cols());
    }
  }
  if (options_.dequantize && !x_->scaled) {
    throw InputError(fmt::format(
        "{}: --dequantize needs float32 activations, int8 ones have no scale; leave it away",
        printable_path(options_.activations)));
  }
}

std::span<const std::int8_t> CosimWork::activations(const CosimTensor& tensor) {
  if (x_) return x_->values;
  random_activations_ = random_activations(options_.seed, m() * tensor.codes.cols());
  return random_activations_;
}

std::span<const float> CosimWork::activation_scales() const {
  return x_ ? std::span<const float>(x_->scales) : std::span<const float>();
}

std::string CosimWork::command_line(const CosimTensor& tensor) const {
  std::string command;
  if (const char* path = std::getenv("SZT_RTL_PATH"); path != nullptr && *path != '\0') {
    command = fmt::format("SZT_RTL_PATH={} ", shell_quote(path));
  }
  command += "szt cosim";
  if (options_.device != "rtl") command += " --device " + options_.device;
  command += fmt::format(" --config {} --mode {} --seed {} --stall {}", configuration_.name,
                         options_.mode, options_.seed, options_.stall);
  if (!options_.weights.empty()) {
    command += " --weights " +
               shell_quote(selected_->checkpoint.file().path().string() + ":" + tensor.name);
  } else {
    command += fmt::format(" --n {}", tensor.codes.rows());
    if (!x_) command += fmt::format(" --k {}", tensor.codes.cols());
  }
  command +=
      x_ ? " --activations " + shell_quote(options_.activations) : fmt::format(" --m {}", m());
  return command;
}

}  // namespace szt::tools
