// SPDX-License-Identifier: Apache-2.0
// szt dequantize: a quantised checkpoint back into float32, 0- as -0.0.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "commands.h"
#include "options.h"
#include "outputs.h"
#include "progress.h"
#include "report.h"
#include "szt/checkpoint.h"
#include "szt/error.h"
#include "szt/printable.h"
#include "szt/quantize.h"
#include "szt/reopen.h"
#include "szt/safetensors.h"

namespace szt::tools {
namespace {

// Floats of a piece, so that a big tensor is never held whole.
constexpr std::size_t kPieceElements = std::size_t{1} << 20;

struct Options {
  std::string in;
  std::string out;
  bool reopen = false;
  std::string zero_shift;
};

// `reopened` with the zero shift that asks for latents, or none for plain values.
void write_floats(const QuantizedWeights& weights, const std::optional<ZeroShift>& reopened,
                  const SafetensorsWriter::Sink& sink) {
  const std::size_t rows = weights.codes.rows();
  const std::size_t cols = weights.codes.cols();
  if (rows == 0 || cols == 0) return;
  const std::size_t step = std::max<std::size_t>(1, kPieceElements / cols);
  for (std::size_t row = 0; row < rows; row += step) {
    const auto piece = weights.codes.row_range(row, std::min(step, rows - row));
    const std::vector<float> values =
        reopened ? reopen(piece, weights.threshold, weights.scale, *reopened)
                 : dequantize(piece, weights.scale);
    sink(std::as_bytes(std::span(values)));
  }
}

std::optional<ZeroShift> reopened_zero_shift(const Options& options,
                                             const QuantizedCheckpoint& checkpoint) {
  if (!options.reopen) return std::nullopt;
  return options.zero_shift.empty() ? checkpoint.zero_shift_or_default()
                                    : parse_zero_shift(options.zero_shift);
}

int dequantize_file(const Options& options) {
  if (!options.zero_shift.empty() && !options.reopen) {
    throw InputError("--zero-shift needs --reopen: plain values of zeros are zeros");
  }
  const QuantizedCheckpoint checkpoint{SafetensorsFile(options.in)};
  const std::optional<ZeroShift> reopened = reopened_zero_shift(options, checkpoint);
  const SafetensorsFile& file = checkpoint.file();
  const std::string where = printable_path(file.path());
  if (checkpoint.names().empty()) {
    throw InputError(
        fmt::format("{}: holds no quantised tensor, so there is nothing to do; give a "
                    "file that 'szt quantize' wrote",
                    where));
  }
  SafetensorsWriter writer;
  std::size_t copied = 0;
  for (const TensorInfo& tensor : file.tensors()) {
    if (checkpoint.is_part(tensor.name)) continue;
    if (checkpoint.contains(tensor.name)) {
      throw InputError(fmt::format("{}: tensor '{}' is there twice, quantised and not; remove one",
                                   where, printable(tensor.name)));
    }
    writer.add(tensor.name, tensor.dtype, tensor.shape, tensor.data);
    ++copied;
  }
  for (const auto& [key, value] : file.metadata()) {
    if (!key.starts_with(kCheckpointKeyPrefix)) writer.set_metadata(key, value);
  }

  Progress progress;
  double total = 0;
  double done = 0;
  for (const std::string& name : checkpoint.names()) {
    const QuantizedWeights weights = checkpoint.at(name);
    const auto size = static_cast<double>(weights.codes.bytes().size());
    total += size;
    writer.add(
        name, "F32", {weights.codes.rows(), weights.codes.cols()},
        [weights, reopened, size, &progress, &total, &done](const SafetensorsWriter::Sink& sink) {
          progress.update(ratio(done, total), weights.name);
          write_floats(weights, reopened, sink);
          done += size;
        });
  }
  check_outputs({{"OUT", options.out}});
  writer.write(options.out);
  progress.clear();
  fmt::print("{}: {} tensors {} to F32, {} copied\n", printable_path(options.out),
             checkpoint.names().size(), reopened ? "reopened" : "dequantised", copied);
  return kExitOk;
}

}  // namespace

Subcommand add_dequantize(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("dequantize", "Turn a quantised checkpoint back into F32 tensors");
  command->footer(
      "Codes become -scale, -0.0, +0.0 and +scale. The minus zeros keep the fourth state:\n"
      "encoding the result again gives the same codes.\n"
      "All other tensors and the metadata are copied as they are. OUT may be IN.");
  command->add_option("IN", options->in, "Quantised safetensors checkpoint")
      ->required()
      ->type_name("FILE");
  command->add_option("OUT", options->out, "safetensors file to write")
      ->required()
      ->type_name("FILE");
  command->add_flag("--reopen", options->reopen,
                    "Write latents to train on instead: a zero is +-scale * 2^-k\n"
                    "by its sign, at most the threshold, and +1 and -1 are above\n"
                    "it, so that the stored threshold gives the same codes");
  add_zero_shift_option(*command, options->zero_shift,
                        fmt::format("k of --reopen, 0 to {} or inf; if not given\n"
                                    "what the checkpoint says",
                                    kMaxZeroShift));
  return {command, [options] { return dequantize_file(*options); }};
}

}  // namespace szt::tools
