// SPDX-License-Identifier: Apache-2.0
// szt classify: test images through a trained network, every product on a device.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "commands.h"
#include "devices.h"
#include "options.h"
#include "outputs.h"
#include "progress.h"
#include "report.h"
#include "szt/configuration.h"
#include "szt/dense_network.h"
#include "szt/error.h"
#include "szt/idx.h"
#include "szt/matmul.h"
#include "szt/printable.h"
#include "szt/sim/driver.h"

namespace szt::tools {
namespace {

struct Options {
  std::string network;
  std::string images = kFashionMnistDirectory;
  std::optional<std::uint64_t> count;  // else all
  std::uint64_t batch = 256;
  std::string device = "model";
  std::string config = "medium";
  double megahertz = 100;
  std::string json;
};

// Sums over the batches.
struct Totals {
  std::size_t right = 0, right_model = 0;
  std::uint64_t results = 0, mismatching_bits = 0;
  std::uint64_t cycles = 0, cycles_model = 0, macs = 0;
};

std::size_t count_right(const std::vector<float>& scores, std::size_t classes,
                        std::span<const std::uint8_t> expected) {
  const std::vector<std::size_t> best = argmax_rows(scores, classes);
  std::size_t right = 0;
  for (std::size_t i = 0; i < best.size(); ++i) right += best[i] == expected[i] ? 1U : 0U;
  return right;
}

int classify(const Options& options) {
  const Configuration& config = find_configuration(options.config);
  if (!(options.megahertz > 0 && options.megahertz <= 1e6)) {
    throw InputError(fmt::format("--clock {}: megahertz above 0", options.megahertz));
  }
  if (options.batch == 0) throw InputError("--batch 0: a batch is at least one image");
  if (options.count == 0) throw InputError("--count 0: classify at least one image");
  const std::unique_ptr<sim::Device> device = make_device(options.device, config);
  const DenseNetwork network(options.network);
  const ImageSet images = read_image_set(options.images, Part::kTest);
  if (network.inputs() != ImageSet::kPixels || network.outputs() != 10) {
    throw InputError(fmt::format("{}: {} inputs and {} outputs; images have {} pixels, 10 classes",
                                 printable_path(options.network), network.inputs(),
                                 network.outputs(), ImageSet::kPixels));
  }
  const std::size_t count = options.count.value_or(images.size);
  if (count > images.size) {
    throw InputError(fmt::format("--count {}: there are {} test images", count, images.size));
  }
  check_outputs({{"--json", options.json}}, {{"--network", options.network}});

  Totals totals;
  Progress progress;
  sim::DriverOptions driver_options;
  std::size_t begin = 0;
  driver_options.progress = [&](std::uint64_t, std::uint64_t) {
    progress.update(ratio(static_cast<double>(begin), static_cast<double>(count)),
                    fmt::format("image {} of {}", begin, count));
  };
  sim::Driver driver(*device, driver_options);
  const auto on_model = [](std::size_t, std::span<const std::int8_t> x, std::size_t m,
                           PackedCodesView codes, std::span<std::int32_t> y) {
    matmul(x, m, codes, DecodeMode::kForward, y);
  };
  const auto on_device = [&](std::size_t, std::span<const std::int8_t> x, std::size_t m,
                             PackedCodesView codes, std::span<std::int32_t> y) {
    const sim::MatmulReport report = driver.matmul({x, m, codes, DecodeMode::kForward}, y);
    totals.cycles += report.cycles;
    totals.cycles_model += report.cycles_model;
    totals.macs += report.macs;
    std::vector<std::int32_t> expected(y.size());
    matmul(x, m, codes, DecodeMode::kForward, expected);
    totals.results += y.size();
    for (std::size_t i = 0; i < y.size(); ++i) {
      totals.mismatching_bits += static_cast<std::uint64_t>(std::popcount(
          static_cast<std::uint32_t>(y[i]) ^ static_cast<std::uint32_t>(expected[i])));
    }
  };
  while (begin < count) {
    const std::size_t m = std::min(static_cast<std::size_t>(options.batch), count - begin);
    std::vector<float> pixels(m * ImageSet::kPixels);
    std::transform(&images.pixels[begin * ImageSet::kPixels],
                   &images.pixels[begin * ImageSet::kPixels] + pixels.size(), pixels.begin(),
                   [](std::uint8_t pixel) { return static_cast<float>(pixel) / 255.0F; });
    const auto expected = std::span(images.classes).subspan(begin, m);
    totals.right_model +=
        count_right(network.forward(pixels, m, on_model), network.outputs(), expected);
    totals.right +=
        count_right(network.forward(std::move(pixels), m, on_device), network.outputs(), expected);
    begin += m;
  }
  progress.clear();

  const bool equal = totals.mismatching_bits == 0 && totals.cycles == totals.cycles_model &&
                     totals.right == totals.right_model;
  const auto accuracy = [&](std::size_t right) {
    return ratio(static_cast<double>(right), static_cast<double>(count));
  };
  const double utilization = ratio(static_cast<double>(totals.macs),
                                   static_cast<double>(totals.cycles) * config.rows * config.cols);
  const double images_per_second = ratio(static_cast<double>(count) * options.megahertz * 1e6,
                                         static_cast<double>(totals.cycles));
  fmt::print("{}, {} test images, {} at a time, on {} {}\n", network.description(), count,
             options.batch, options.device, config.name);
  fmt::print("accuracy: model {:.2f} %, {} {:.2f} %\n", 100 * accuracy(totals.right_model),
             options.device, 100 * accuracy(totals.right));
  fmt::print("{} results of the matrix products compared: {} mismatching bits\n", totals.results,
             totals.mismatching_bits);
  fmt::print(
      "{} clock cycles (model: {}), {} of the array's peak; at {} MHz {:.0f} images a second\n",
      totals.cycles, totals.cycles_model, percent(utilization), options.megahertz,
      images_per_second);
  write_json(options.json, {{"command", "classify"},
                            {"network", network.description()},
                            {"file", options.network},
                            {"device", options.device},
                            {"config", config.name},
                            {"images", count},
                            {"batch", options.batch},
                            {"accuracy_model", accuracy(totals.right_model)},
                            {"accuracy", accuracy(totals.right)},
                            {"results_compared", totals.results},
                            {"mismatching_bits", totals.mismatching_bits},
                            {"cycles", totals.cycles},
                            {"cycles_model", totals.cycles_model},
                            {"utilization", utilization},
                            {"clock_megahertz", options.megahertz},
                            {"images_per_second", images_per_second},
                            {"tool_versions",
                             options.device == "rtl" ? tool_versions(config) : tool_versions()}});
  return equal ? kExitOk : kExitComparisonFailed;
}

}  // namespace

Subcommand add_classify(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "classify", "Classify test images by a trained network, every product on a device");
  command->footer(
      "Quantising, scaling, biases and ReLU are the host's. Each int32 result is compared with "
      "the\n"
      "model's, and the cycles with the cycle model's; exit status 1 if one differs.");
  command->add_option("--network", options->network, "Perceptron that szt train wrote")
      ->required()
      ->type_name("FILE");
  command->add_option("--images", options->images, "Directory of Fashion-MNIST's files")
      ->type_name("DIRECTORY")
      ->capture_default_str();
  add_number_option(*command, "--count", "The first N test images (all)", 1U << 30,
                    [options](std::uint64_t n) { options->count = n; });
  add_number_option(*command, "--batch", "Images a product (256)", 1U << 20,
                    [options](std::uint64_t n) { options->batch = n; });
  command->add_option("--device", options->device, kDeviceHelp)
      ->type_name("DEVICE")
      ->capture_default_str();
  add_config_option(*command, options->config);
  command->add_option("--clock", options->megahertz, "Clock that images a second are given for")
      ->type_name("MHZ")
      ->capture_default_str();
  add_json_option(*command, options->json);
  return {command, [options] { return classify(*options); }};
}

}  // namespace szt::tools
