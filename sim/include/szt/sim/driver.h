// SPDX-License-Identifier: Apache-2.0
// Runs whole matrix products on a device: tiling, padding of ragged edges, interleaving of streams.
#ifndef SZT_SIM_DRIVER_H_
#define SZT_SIM_DRIVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "szt/code.h"
#include "szt/packed_codes.h"
#include "szt/sim/device.h"
#include "szt/sim/registers.h"
#include "szt/zero_shift.h"

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
  std::uint64_t cycles = 0;        // busy cycles of the device, over all commands
  std::uint64_t cycles_model = 0;  // the cycle model's, no stream stalling
  std::uint64_t macs = 0;          // m * n * k
  double utilization = 0;          // macs / (cycles * rows * cols)
};

// The input gradient of Y = X * f(W)^T for the integer loss gradient dY, as input_gradient() of
// szt/gradient.h: G[m, k] = 2^shift * (dY[m, n] * f(W[n, k])) + dY * z(W), exact in int32 for
// n < 2^(24 - shift); dY * f(W) for an infinite zero shift. Any dimension may be 0.
struct BackwardJob {
  std::span<const std::int8_t> dy;  // [m, n], row-major
  std::size_t m;
  PackedCodesView weights;  // [n, k]
  ZeroShift zero_shift = kDefaultZeroShift;
};

struct BackwardReport {
  MatmulReport forward, zero_sign;  // the two passes; the second is all 0 for an infinite shift
};

// How the driver learns that a command is done or went wrong.
enum class Completion { kInterrupt, kPolling };

struct DriverOptions {
  // Cycles without any beat taken or given after which the device counts as hung.
  std::uint64_t watchdog_cycles = 100'000;
  Completion completion = Completion::kInterrupt;
  std::uint64_t poll_cycles = 64;  // between two looks at STATUS, with kPolling
  Progress progress;
};

// Every call throws InputError for wrong sizes before the device is touched, and DeviceError when
// the device hangs (the message says which handshake is stuck and how far each stream was), refuses
// a register access or reports an error. After a DeviceError, recover() and go on.
class Driver {
 public:
  // Throws DeviceError unless ID, VERSION, CONFIG and ACC_DEPTH are those of the device's
  // configuration.
  explicit Driver(Device& device, DriverOptions options = {});

  // Writes y [m, n]. M is split into blocks of at most acc_depth vectors, a command each, all
  // queued as early as the device takes them; their code beats are made once. The observer, if any,
  // sees every beat before padding is dropped.
  MatmulReport matmul(const MatmulJob& job, std::span<std::int32_t> y,
                      const ResultObserver& observer = {});

  // Writes g [m, k]: the same product twice on transposed weights, decoded forward and zero_sign.
  BackwardReport backward_input(const BackwardJob& job, std::span<std::int32_t> g);

  // From any state of the device to idle with empty streams and no error: soft reset, drain, flush.
  // The interrupted matmul() must have ended.
  void recover();

 private:
  class Run;

  void prepare();
  void service(const Run& run);
  [[noreturn]] void fail(const std::string& what, const Run& run);
  std::uint32_t irq_enable() const;
  void control(Field bit);
  void write(std::uint32_t address, std::uint32_t value);
  std::uint32_t read(std::uint32_t address);
  std::uint64_t read_cycles();

  Device& device_;
  DriverOptions options_;
};

}  // namespace szt::sim

#endif  // SZT_SIM_DRIVER_H_
