// SPDX-License-Identifier: Apache-2.0
// szt-platform: one layer on the example virtual platform.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <new>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "layer.h"
#include "options.h"
#include "platform.h"
#include "szt/configuration.h"
#include "szt/error.h"
#include "szt/matmul.h"
#include "szt/npy.h"
#include "szt/printable.h"
#include "szt/systemc/kernel.h"
#include "weights.h"

namespace szt::platform {
namespace {

constexpr int kExitOk = 0, kExitDiffers = 1, kExitBadInput = 2;
constexpr std::uint64_t kMaxSize = 1U << 20;

struct Options {
  std::uint64_t m = 64, k = 256, n = 128, seed = 1;
  std::string weights, activations;
  std::string config = "medium", mode = "forward";
  bool rtl = false;
  std::uint64_t clock_mhz = 100, latency = 20, width = 64, quantum_ns = 1000;
};

// The layer's operands; `checkpoint` keeps the weights' bytes.
struct Operands {
  LayerInput input;
  std::string name;
  std::optional<tools::SelectedWeights> checkpoint;
  PackedCodes random_weights;
};

void load(const Options& options, Operands& operands) {
  operands.input.mode = tools::parse_mode(options.mode);
  if (options.weights.empty() != options.activations.empty()) {
    throw InputError("--weights and --activations go together");
  }
  if (options.weights.empty()) {
    std::mt19937_64 generator(options.seed);
    operands.name = fmt::format("random, seed {}", options.seed);
    operands.input.m = options.m;
    operands.input.x.resize(options.m * options.k);
    for (std::int8_t& value : operands.input.x) value = static_cast<std::int8_t>(generator());
    std::vector<Code> codes(options.n * options.k);
    for (Code& code : codes) code = kAllCodes[generator() >> 62];
    operands.random_weights = PackedCodes::pack(codes, options.n, options.k);
    operands.input.weights = operands.random_weights;
    return;
  }
  operands.checkpoint = tools::open_single_weights(options.weights);
  const QuantizedWeights& weights = operands.checkpoint->tensors.front();
  const NpyArray x(options.activations);
  const std::string where = printable_path(options.activations);
  if (x.shape().size() != 2 || x.descr() != "|i1") {
    throw InputError(fmt::format("{}: activations are int8 [M,K]", where));
  }
  if (x.shape()[1] != weights.codes.cols()) {
    throw InputError(fmt::format("{}: K is {} here and {} in the weights {}", where, x.shape()[1],
                                 weights.codes.cols(), printable(weights.name)));
  }
  operands.name = printable(weights.name);
  operands.input.m = static_cast<std::size_t>(x.shape()[0]);
  operands.input.x = x.values<std::int8_t>();
  operands.input.weights = weights.codes;
}

void check_sizes(const LayerInput& input) {
  if (input.m == 0 || input.weights.rows() == 0 || input.weights.cols() == 0) {
    throw InputError("a layer without any product; M, K and N must be at least 1");
  }
}

double kibibytes(std::uint64_t bytes) { return static_cast<double>(bytes) / 1024; }

// Prints what happened; whether the results are right.
bool report(const Layer& layer, const Operands& operands, const Configuration& configuration,
            const Platform& platform, bool rtl, double seconds) {
  const Cpu::Outcome& outcome = platform.cpu.outcome();
  const sc_core::sc_time time = outcome.end - outcome.begin;
  const auto cycles = time.value() / platform.accelerator->clock_period().value();
  const double peak = configuration.rows * configuration.cols;
  const auto utilization = [&](std::uint64_t in_cycles) {
    return 100 * static_cast<double>(layer.macs()) / (static_cast<double>(in_cycles) * peak);
  };
  fmt::print("dma: {} transfers; codes {:.1f} KiB, activations {:.1f} KiB, results {:.1f} KiB\n",
             platform.dma.transfers(), kibibytes(layer.list(Channel::kCodes).bytes),
             kibibytes(layer.list(Channel::kActivations).bytes),
             kibibytes(layer.list(Channel::kResults).bytes));
  fmt::print("memory: {:.1f} KiB; {:.1f} KiB read, {:.1f} KiB written\n",
             kibibytes(platform.memory.contents().size()), kibibytes(platform.memory.bytes_read()),
             kibibytes(platform.memory.bytes_written()));
  fmt::print("cpu: {} commands started, {} interrupts served\n", layer.commands().size(),
             outcome.interrupts);
  fmt::print("simulated: {} = {} cycles, {:.1f} % of the array's peak\n", time.to_string(), cycles,
             utilization(cycles));
  fmt::print("accelerator: {} busy cycles, {:.1f} % of the peak; {} if nothing stalled\n",
             outcome.busy_cycles, utilization(outcome.busy_cycles), layer.cycles_model());
  if (rtl) {
    fmt::print("stalls: codes {}, activations {}, results {} cycles\n", outcome.codes_stalls,
               outcome.activations_stalls, outcome.results_stalls);
  }
  fmt::print("host: {:.3f} s\n", seconds);

  const std::vector<std::int32_t> y = layer.results(platform.memory.contents());
  std::vector<std::int32_t> expected(y.size());
  matmul(operands.input.x, operands.input.m, operands.input.weights, operands.input.mode, expected);
  std::size_t wrong = 0, first = 0;
  for (std::size_t i = y.size(); i-- > 0;) {
    if (y[i] == expected[i]) continue;
    ++wrong;
    first = i;
  }
  fmt::print("results: {} compared, {} differ\n", y.size(), wrong);
  if (wrong == 0) return true;
  const std::size_t n = operands.input.weights.rows();
  fmt::print("first at row {} column {}: {} instead of {}\n", first / n, first % n, y[first],
             expected[first]);
  return false;
}

int run(const Options& options) {
  const Configuration& configuration = find_configuration(options.config);
  Operands operands;
  load(options, operands);
  check_sizes(operands.input);
  const Layer layer(operands.input, configuration);

  systemc::Kernel kernel;
  const systemc::Kernel::Use use(kernel);
  // Whole picoseconds, even.
  const std::uint64_t period_ps = 1'000'000 / options.clock_mhz / 2 * 2;
  const sc_core::sc_time period(static_cast<double>(period_ps), sc_core::SC_PS);
  tlm::tlm_global_quantum::instance().set(
      sc_core::sc_time(static_cast<double>(options.quantum_ns), sc_core::SC_NS));
  Platform platform(configuration, layer,
                    {.rtl = options.rtl,
                     .clock_period = period,
                     .memory_latency_cycles = options.latency,
                     .memory_bytes_per_cycle = options.width});
  const systemc::Kernel::EndOfScope end(kernel);
  fmt::print(
      "platform: {} {}x{}, accelerator from {}, {} MHz; memory {} bytes a cycle, latency {} "
      "cycles\n",
      configuration.name, configuration.rows, configuration.cols,
      options.rtl ? "the RTL" : "the model", options.clock_mhz, options.width, options.latency);
  fmt::print("layer: {}: Y [{},{}] = X [{},{}] * W [{},{}]^T, {}\n", operands.name,
             operands.input.m, operands.input.weights.rows(), operands.input.m,
             operands.input.weights.cols(), operands.input.weights.rows(),
             operands.input.weights.cols(), options.mode);

  const auto start = std::chrono::steady_clock::now();
  // The RTL's clock never stops: a run that hangs ends at a limit that no run comes near.
  systemc::run_for(period * (1e6 + 1e3 * static_cast<double>(layer.cycles_model())));
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const Cpu::Outcome& outcome = platform.cpu.outcome();
  if (!outcome.finished || !outcome.error.empty()) {
    fmt::print("the platform failed: {}\n",
               outcome.finished ? outcome.error : "the program waits for ever");
    return kExitDiffers;
  }
  const bool right = report(layer, operands, configuration, platform, options.rtl, seconds);
  return right ? kExitOk : kExitDiffers;
}

int fail(std::string_view message) {
  std::fflush(stdout);
  fmt::print(stderr, "szt-platform: {}\n", message);
  return kExitBadInput;
}

int parse_and_run(int argc, char** argv) {
  Options options;
  CLI::App app{
      "One layer on an example platform in SystemC: a CPU runs the driver's sequence, a DMA "
      "engine\n"
      "moves beats between memory and the accelerator's streams, and the results are compared "
      "with\n"
      "the model's product.\n"
      "Exit status: 0 ok, 1 the results differ or the platform failed, 2 bad usage or input.",
      "szt-platform"};
  const auto number = [&app](const std::string& name, const std::string& description,
                             std::uint64_t& value, std::uint64_t smallest, std::uint64_t largest) {
    tools::add_number_option(
        app, name, fmt::format("{} (default {})", description, value), largest,
        [name, smallest, &value](std::uint64_t given) {
          if (given < smallest) {
            throw InputError(fmt::format("{} must be at least {}", name, smallest));
          }
          value = given;
        });
  };
  number("--m", "Vectors of a random layer", options.m, 1, kMaxSize);
  number("--k", "Its inputs", options.k, 1, kMaxSize);
  number("--n", "Its outputs", options.n, 1, kMaxSize);
  number("--seed", "Of its values", options.seed, 0, ~std::uint64_t{0});
  app.add_option("--weights", options.weights,
                 "Quantised checkpoint and tensor instead; the tensor may\n"
                 "be left away if it is the only one")
      ->type_name("FILE[:T]");
  app.add_option("--activations", options.activations, "int8 [M,K] for it")->type_name("X.npy");
  tools::add_config_option(app, options.config);
  tools::add_mode_option(app, options.mode);
  app.add_flag("--rtl", options.rtl, "The accelerator is the RTL, cycle by cycle, not the model");
  number("--clock", "MHz, of everything", options.clock_mhz, 1, 10'000);
  number("--memory-width", "Bytes that the memory moves a cycle", options.width, 1, 1U << 16);
  number("--memory-latency", "Cycles", options.latency, 0, 1'000'000);
  number("--quantum", "Nanoseconds that the CPU may run ahead", options.quantum_ns, 0,
         1'000'000'000);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      app.exit(error);
      return kExitOk;
    }
    throw InputError(fmt::format("{}; see 'szt-platform --help'", error.what()));
  }
  const int status = run(options);
  if (std::fflush(stdout) != 0) throw InputError("cannot write to the standard output");
  return status;
}

int guarded(int argc, char** argv) {
  try {
    return parse_and_run(argc, argv);
  } catch (const InputError& error) {
    return fail(error.what());
  } catch (const std::bad_alloc&) {
    return fail("out of memory; use smaller sizes");
  } catch (const std::length_error&) {
    return fail("the sizes are beyond any memory; use smaller ones");
  } catch (const std::exception& error) {  // an sc_report among others
    std::fflush(stdout);
    fmt::print(stderr, "szt-platform: the platform failed: {}\n", printable(error.what()));
    return kExitDiffers;
  }
}

}  // namespace
}  // namespace szt::platform

int main(int argc, char** argv) { return szt::platform::guarded(argc, argv); }
