// SPDX-License-Identifier: Apache-2.0
// Simulated MACs a second with everything on (tiling, stream drivers, monitors, model, scoreboard)
// against the bare Verilated core clocked with the very same pin values, in one run.
//
// Prints Google Benchmark's table, then a line a configuration with the ratio of the medians.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "rtl_core.h"
#include "rtl_library.h"
#include "szt/configuration.h"
#include "szt/sim/driver.h"
#include "szt/sim/registers.h"
#include "szt/sim/rtl_device.h"
#include "szt/sim/scoreboard.h"

namespace szt::sim {
namespace {

constexpr std::size_t kM = 256, kK = 384, kN = 384;

struct Work {
  std::vector<std::int8_t> x;
  PackedCodes weights;
  MatmulJob job() const { return {x, kM, weights}; }
};

Work make_work() {
  std::mt19937_64 generator(1);
  Work work{std::vector<std::int8_t>(kM * kK), PackedCodes(kN, kK)};
  for (std::int8_t& a : work.x) a = static_cast<std::int8_t>(generator());
  for (std::size_t n = 0; n < kN; ++n) {
    for (std::size_t k = 0; k < kK; ++k) work.weights.set(n, k, kAllCodes[generator() >> 62]);
  }
  return work;
}

// Passes every call on to a core and keeps what the input pins were at each rising clock edge.
struct Stimulus {
  std::size_t cycle_bytes = 0;
  std::vector<std::uint8_t> bytes;
};

std::vector<Pin> input_pins(const CorePins& p) {
  return {p.rst_ni,
          p.s_axil_awvalid,
          p.s_axil_awaddr,
          p.s_axil_wvalid,
          p.s_axil_wdata,
          p.s_axil_wstrb,
          p.s_axil_bready,
          p.s_axis_codes_tvalid,
          p.s_axis_codes_tdata,
          p.s_axis_codes_tkeep,
          p.s_axis_codes_tlast,
          p.s_axis_activations_tvalid,
          p.s_axis_activations_tdata,
          p.s_axis_activations_tkeep,
          p.s_axis_activations_tlast,
          p.m_axis_results_tready};
}

// The pins of one run, cycle by cycle: what an RtlDevice without stalls would drive.
Stimulus record(const Configuration& configuration, const Work& work) {
  const std::unique_ptr<RtlCore> core(rtl_library(configuration).make(nullptr, 0));
  const CorePins& p = core->pins();
  const std::vector<Pin> inputs = input_pins(p);
  Stimulus stimulus;
  for (const Pin& pin : inputs) stimulus.cycle_bytes += pin.size;

  const std::size_t rows = static_cast<std::size_t>(configuration.rows);
  const std::size_t cols = static_cast<std::size_t>(configuration.cols);
  const std::size_t k_tiles = kK / rows, n_tiles = kN / cols;
  const std::uint64_t code_beats = k_tiles * n_tiles * rows;
  const std::uint64_t vectors = k_tiles * n_tiles * kM;
  std::uint64_t code = 0, vector = 0, results = 0;
  const std::array<std::pair<std::uint32_t, std::uint64_t>, 4> registers = {
      {{matmul::kM, kM},
       {matmul::kKTiles, k_tiles},
       {matmul::kNTiles, n_tiles},
       {matmul::kControl, matmul::kControlStart.mask()}}};

  p.clk_i.set(0);
  core->eval();
  for (int cycle = 0; results < kM * n_tiles; ++cycle) {
    p.rst_ni.set(cycle >= 4);
    // A write a cycle: the core takes them at that rate.
    const std::size_t step = static_cast<std::size_t>(cycle) - 6;
    const bool writes = cycle >= 6 && step < registers.size();
    p.s_axil_awvalid.set(writes);
    p.s_axil_wvalid.set(writes);
    p.s_axil_wstrb.set(0xF);
    p.s_axil_bready.set(1);
    if (writes) {
      p.s_axil_awaddr.set(registers[step].first);
      p.s_axil_wdata.set(registers[step].second);
    }
    p.s_axis_codes_tkeep.set(~std::uint64_t{0} >> (64 - code_beat_bytes(configuration)));
    p.s_axis_activations_tkeep.set(~std::uint64_t{0} >> (64 - rows));
    p.s_axis_codes_tvalid.set(cycle > 6 && code < code_beats);
    p.s_axis_activations_tvalid.set(cycle > 6 && vector < vectors);
    p.m_axis_results_tready.set(1);
    if (code < code_beats) {
      const std::size_t tile = code / rows, b = code % rows;
      std::memset(p.s_axis_codes_tdata.bytes, 0, p.s_axis_codes_tdata.size);
      for (std::size_t c = 0; c < cols; ++c) {
        const auto bits = static_cast<unsigned>(
            work.weights.get(tile / k_tiles * cols + c, tile % k_tiles * rows + b));
        std::uint8_t& byte = p.s_axis_codes_tdata.bytes[c / 4];
        byte = static_cast<std::uint8_t>(byte | bits << (2 * (c % 4)));
      }
      p.s_axis_codes_tlast.set(code + 1 == code_beats);
    }
    if (vector < vectors) {
      const std::size_t tile = vector / kM, m = vector % kM;
      std::memcpy(p.s_axis_activations_tdata.bytes, &work.x[m * kK + tile % k_tiles * rows], rows);
      p.s_axis_activations_tlast.set(vector + 1 == vectors);
    }
    code += p.s_axis_codes_tvalid.high() && p.s_axis_codes_tready.high();
    vector += p.s_axis_activations_tvalid.high() && p.s_axis_activations_tready.high();
    results += p.m_axis_results_tvalid.high();
    for (const Pin& pin : inputs) {
      stimulus.bytes.insert(stimulus.bytes.end(), pin.bytes, pin.bytes + pin.size);
    }
    p.clk_i.set(1);
    core->eval();
    p.clk_i.set(0);
    core->eval();
  }
  return stimulus;
}

void replay(const Configuration& configuration, const Stimulus& stimulus) {
  const std::unique_ptr<RtlCore> core(rtl_library(configuration).make(nullptr, 0));
  const std::vector<Pin> inputs = input_pins(core->pins());
  const Pin clock = core->pins().clk_i;
  core->eval();
  const std::uint8_t* from = stimulus.bytes.data();
  const std::uint8_t* const end = from + stimulus.bytes.size();
  while (from != end) {
    for (const Pin& pin : inputs) {
      std::memcpy(pin.bytes, from, pin.size);
      from += pin.size;
    }
    clock.set(1);
    core->eval();
    clock.set(0);
    core->eval();
  }
  benchmark::DoNotOptimize(core->pins().m_axis_results_tdata.bytes[0]);
}

void bench_bare(benchmark::State& state, const Configuration& configuration) {
  const Stimulus stimulus = record(configuration, make_work());
  for (auto _ : state) replay(configuration, stimulus);
  state.counters["MAC/s"] = benchmark::Counter(static_cast<double>(kM * kK * kN),
                                               benchmark::Counter::kIsIterationInvariantRate);
}

void bench_checked(benchmark::State& state, const Configuration& configuration) {
  const Work work = make_work();
  std::vector<std::int32_t> y(kM * kN);
  for (auto _ : state) {
    const std::unique_ptr<RtlDevice> device = make_rtl_device(configuration);
    Scoreboard scoreboard(work.job(), configuration);
    const MatmulReport report = Driver(*device).matmul(
        work.job(), y, [&](const ResultBeat& beat) { scoreboard.check(beat); });
    if (scoreboard.mismatches() != 0 || report.cycles != report.cycles_model) {
      state.SkipWithError("the RTL and the model differ");
      return;
    }
  }
  state.counters["MAC/s"] = benchmark::Counter(static_cast<double>(kM * kK * kN),
                                               benchmark::Counter::kIsIterationInvariantRate);
}

// Keeps the CPU time of every repetition beside the usual table.
class Reporter final : public benchmark::ConsoleReporter {
 public:
  Reporter() : ConsoleReporter(isatty(STDOUT_FILENO) != 0 ? OO_ColorTabular : OO_Tabular) {}
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) {
      if (run.run_type == Run::RT_Iteration) {
        times_[run.run_name.function_name].push_back(run.GetAdjustedCPUTime());
      }
    }
  }
  double median(const std::string& name) {
    std::vector<double>& times = times_[name];
    if (times.empty()) return 0;
    std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2),
                     times.end());
    return times[times.size() / 2];
  }

 private:
  std::map<std::string, std::vector<double>> times_;
};

}  // namespace
}  // namespace szt::sim

int main(int argc, char** argv) {
  using szt::sim::Reporter;
  const std::vector<std::string> names = {"medium", "large"};
  for (const std::string& name : names) {
    const szt::Configuration& configuration = szt::find_configuration(name);
    for (const bool checked : {false, true}) {
      benchmark::RegisterBenchmark((name + (checked ? "_checked" : "_bare")).c_str(),
                                   checked ? szt::sim::bench_checked : szt::sim::bench_bare,
                                   configuration)
          ->Unit(benchmark::kMillisecond)
          ->MeasureProcessCPUTime()
          ->Repetitions(7);
    }
  }
  // The repetitions of both take turns, so that a drift of the machine's speed hits both.
  std::vector<char*> arguments(argv, argv + argc);
  std::string interleave = "--benchmark_enable_random_interleaving=true";
  arguments.insert(arguments.begin() + 1, interleave.data());
  int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;
  Reporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  for (const std::string& name : names) {
    const double bare = reporter.median(name + "_bare");
    const double checked = reporter.median(name + "_checked");
    if (bare == 0 || checked == 0) continue;
    fmt::print("{}: {}; checked runs at {:.3f} of the bare core's speed\n", name,
               szt::sim::rtl_simulator_version(szt::find_configuration(name)), bare / checked);
  }
}
