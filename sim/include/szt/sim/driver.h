// SPDX-License-Identifier: Apache-2.0
// Runs whole matrix products on a device: tiling, padding of ragged edges, interleaving of streams.
#ifndef SZT_SIM_DRIVER_H_
#define SZT_SIM_DRIVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "szt/code.h"
#include "szt/packed_codes.h"
#include "szt/sim/device.h"

namespace szt::sim {

// Y[m, n] = X[m, k] * d(W[n, k])^T. Any of m, n, k may be 0; k < 2^24.
struct MatmulJob {
  std::span<const std::int8_t> x;  // [m, k], row-major
  std::size_t m;
  PackedCodesView weights;  // [n, k]
  DecodeMode mode = DecodeMode::kForward;
};

// A result beat as it came from the device: lanes of row `row` from column `first_col` on. Lanes
// past the last column belong to the padding.
struct ResultBeat {
  std::size_t row;
  std::size_t first_col;
  std::span<const std::int32_t> lanes;
  std::uint64_t cycle;  // of the device, when the driver saw it
};
using ResultObserver = std::function<void(const ResultBeat&)>;

// Called now and then with result beats done and in all. What it throws ends the run.
using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;

struct MatmulReport {
  std::uint64_t cycles = 0;        // the device's, over all commands
  std::uint64_t cycles_model = 0;  // the cycle model's, no stream stalling
  std::uint64_t macs = 0;          // m * n * k
  double utilization = 0;          // macs / (cycles * rows * cols)
  std::vector<CommandTiming> commands;
};

struct DriverOptions {
  // Cycles without any handshake after which the device counts as hung.
  std::uint64_t watchdog_cycles = 100'000;
  Progress progress;
};

class Driver {
 public:
  explicit Driver(Device& device, DriverOptions options = {});

  // Writes y [m, n]. M is split into blocks of at most acc_depth vectors, a command each, all
  // queued as early as the device takes them. The observer, if any, sees every beat before padding
  // is dropped. Throws InputError for wrong sizes, DeviceError (with the handshakes' state) when
  // the device hangs or fails.
  MatmulReport matmul(const MatmulJob& job, std::span<std::int32_t> y,
                      const ResultObserver& observer = {});

 private:
  Device& device_;
  DriverOptions options_;
};

}  // namespace szt::sim

#endif  // SZT_SIM_DRIVER_H_
