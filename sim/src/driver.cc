// SPDX-License-Identifier: Apache-2.0
#include "szt/sim/driver.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "szt/error.h"
#include "szt/gradient.h"
#include "szt/matmul.h"
#include "szt/sim/registers.h"
#include "tiling.h"

namespace szt::sim {
namespace {

// A third command may be started while one is loaded and one waits: the queue has room for it.
constexpr std::size_t kMaxUnfinished = 3;
// Commands shorter than this leave no time to acknowledge each one's DONE, or are gone from the
// queue long before their results have come: STATUS is read all the time instead.
constexpr std::uint64_t kBriefCycles = 64;
constexpr std::uint32_t kQueuePlaces = 2;
constexpr std::uint64_t kCyclesMask = (std::uint64_t{1} << 48) - 1;

void check(const MatmulJob& job, std::span<const std::int32_t> y) {
  const std::size_t n = job.weights.rows();
  const std::size_t k = job.weights.cols();
  if (job.x.size() != job.m * k) {
    throw InputError(
        fmt::format("activations hold {} values, not {} x {}", job.x.size(), job.m, k));
  }
  if (y.size() != job.m * n) {
    throw InputError(fmt::format("results hold {} values, not {} x {}", y.size(), job.m, n));
  }
  if (k > kMaxExactK) {
    throw InputError(fmt::format("K = {}: int32 sums are exact up to {}", k, kMaxExactK));
  }
}

struct NamedBit {
  Field field;
  const char* meaning;
};
constexpr NamedBit kErrors[] = {
    {matmul::kStatusErrorSize, "START refused: M, K_TILES or N_TILES out of range"},
    {matmul::kStatusErrorMode, "START refused: the decode mode is not built"},
    {matmul::kStatusErrorQueue, "START refused: the queue is full"},
    {matmul::kStatusErrorCodesLast, "TLAST of the codes misplaced"},
    {matmul::kStatusErrorActivationsLast, "TLAST of the activations misplaced"},
    {matmul::kStatusErrorCodesKeep, "TKEEP of the codes not all ones"},
    {matmul::kStatusErrorActivationsKeep, "TKEEP of the activations not all ones"},
};

constexpr std::uint32_t kErrorBits = matmul::kStatusSticky & ~matmul::kStatusDone.mask();

std::string explain_errors(std::uint32_t status) {
  std::string text;
  for (const NamedBit& bit : kErrors) {
    if (bit.field.get(status) == 0) continue;
    text += fmt::format("{}{}", text.empty() ? "" : "; ", bit.meaning);
  }
  return text;
}

}  // namespace

// One call of matmul(): the streams of a job, and how far each is.
class Driver::Run {
 public:
  Run(Driver& driver, const MatmulJob& job, std::span<std::int32_t> y,
      const ResultObserver& observer)
      : driver_(driver),
        device_(driver.device_),
        job_(job),
        y_(y),
        observer_(observer),
        tiling_(job, device_.configuration()),
        codes_(job, tiling_, device_.configuration()),
        activations_(job, tiling_),
        lanes_(256 * tiling_.cols),
        total_beats_(static_cast<std::uint64_t>(job.m) * tiling_.n_tiles) {
    if (tiling_.blocks > 1) {
      const Configuration& configuration = device_.configuration();
      const Command command = tiling_.command(1, job.mode);
      const std::uint64_t period = queued_command_cycles(configuration, command, command);
      const std::uint64_t drain = command_cycles(configuration, command) - period;
      brief_ = period < kBriefCycles + drain / 2;
    }
  }

  std::uint64_t cycles_model() const {
    const Configuration& configuration = device_.configuration();
    std::uint64_t cycles = command_cycles(configuration, tiling_.command(0, job_.mode));
    for (std::size_t block = 1; block < tiling_.blocks; ++block) {
      cycles += queued_command_cycles(configuration, tiling_.command(block - 1, job_.mode),
                                      tiling_.command(block, job_.mode));
    }
    return cycles;
  }

  void operator()() {
    driver_.prepare();
    driver_.write(matmul::kKTiles, static_cast<std::uint32_t>(tiling_.k_tiles));
    driver_.write(matmul::kNTiles, static_cast<std::uint32_t>(tiling_.n_tiles));
    driver_.write(matmul::kMode, static_cast<std::uint32_t>(job_.mode));
    last_moved_ = device_.cycle();
    push();  // so that the first command finds its beats
    while (block_ < tiling_.blocks) {
      start_commands();
      push();
      device_.advance(brief_ ? 1
                      : driver_.options_.completion == Completion::kInterrupt
                          ? driver_.options_.watchdog_cycles
                          : driver_.options_.poll_cycles);
      pop();
      push();  // before the bus takes its time
      if (!brief_ && (driver_.options_.completion == Completion::kPolling || device_.irq())) {
        driver_.service(*this);
      }
      watch();
    }
    driver_.service(*this);
  }

  std::string progress() const {
    return fmt::format(
        "{} of {} commands started; {} code, {} activation beats handed over{}; {} of {} result "
        "beats came",
        started_, tiling_.blocks, codes_.beats_sent(), activations_.beats_sent(),
        codes_.done() && activations_.done() ? " (all)" : "", beats_done_, total_beats_);
  }

 private:
  bool may_start() {
    if (started_ == tiling_.blocks) return false;
    if (started_ - block_ < kMaxUnfinished) return true;
    if (!brief_) return false;
    const std::uint32_t status = driver_.read(matmul::kStatus);
    if ((status & kErrorBits) != 0) driver_.service(*this);
    return matmul::kStatusQueue.get(status) < kQueuePlaces;
  }

  void start_commands() {
    while (may_start()) {
      const auto m = static_cast<std::uint32_t>(tiling_.block_size(started_));
      if (m != m_) driver_.write(matmul::kM, m);
      m_ = m;
      driver_.control(matmul::kControlStart);
      ++started_;
    }
  }

  void push() {
    const bool codes = codes_.push(device_);
    const bool activations = activations_.push(device_);
    if (codes || activations) last_moved_ = device_.cycle();
  }

  void pop() {
    while (true) {
      const Popped popped = device_.pop_results(lanes_);
      if (popped.beats == 0) break;
      last_moved_ = device_.cycle();
      for (std::size_t i = 0; i < popped.beats; ++i) {
        take(std::span<const std::int32_t>(&lanes_[i * tiling_.cols], tiling_.cols),
             popped.last && i + 1 == popped.beats);
      }
      beats_done_ += popped.beats;
    }
    if (driver_.options_.progress) driver_.options_.progress(beats_done_, total_beats_);
  }

  void take(std::span<const std::int32_t> beat, bool last) {
    if (block_ == tiling_.blocks) driver_.fail("more results than asked for", *this);
    const std::size_t n = job_.weights.rows();
    const std::size_t y_row = tiling_.block_begin(block_) + row_;
    const std::size_t first_col = n_tile_ * tiling_.cols;
    if (observer_) observer_({y_row, first_col, beat, device_.cycle()});
    std::copy_n(beat.begin(), std::min(tiling_.cols, n - first_col), &y_[y_row * n + first_col]);
    const bool ends_tile = ++row_ == tiling_.block_size(block_);
    if (last != ends_tile) {
      driver_.fail(last ? "TLAST on a result that does not end an N tile"
                        : "TLAST is missing on the last result of an N tile",
                   *this);
    }
    if (!ends_tile) return;
    row_ = 0;
    if (++n_tile_ < tiling_.n_tiles) return;
    n_tile_ = 0;
    ++block_;
  }

  void watch() {
    const std::uint64_t idle = device_.cycle() - last_moved_;
    if (block_ == tiling_.blocks || idle < driver_.options_.watchdog_cycles) return;
    driver_.service(*this);  // an error that STATUS holds says more
    driver_.fail(fmt::format("hangs: no beat for {} cycles; stuck handshake: {}", idle, stuck()),
                 *this);
  }

  // Results that nobody takes stop the inputs too, and an input that the core waits for stops the
  // other one: the cause comes before its consequences.
  std::string stuck() const {
    const std::optional<StreamStates> states = device_.stream_states();
    if (!states) {
      if (codes_.done() && activations_.done()) return "results";
      return std::string(codes_.done() ? "" : "codes ") +
             (activations_.done() ? "" : "activations ") + "or results";
    }
    if (states->results.valid && !states->results.ready) return "results are offered, not taken";
    std::string text;
    const auto add = [&text](const char* stream, const char* what) {
      text += fmt::format("{}{} are {}", text.empty() ? "" : ", ", stream, what);
    };
    const auto each = [&](bool valid, const char* what) {
      const auto is = [valid](const Handshake& handshake) {
        return handshake.valid == valid && handshake.ready != valid;
      };
      if (is(states->codes)) add("codes", what);
      if (is(states->activations)) add("activations", what);
    };
    if (!codes_.done() || !activations_.done()) each(false, "waited for, not offered");
    if (text.empty()) each(true, "offered, not taken");
    return text.empty() ? "results do not come" : text;
  }

  Driver& driver_;
  Device& device_;
  const MatmulJob& job_;
  std::span<std::int32_t> y_;
  const ResultObserver& observer_;
  Tiling tiling_;
  CodeStream codes_;
  ActivationStream activations_;
  std::vector<std::int32_t> lanes_;
  std::uint64_t total_beats_;
  std::uint64_t beats_done_ = 0;
  std::size_t started_ = 0;                       // commands
  std::uint32_t m_ = 0;                           // what the register M holds
  std::size_t block_ = 0, n_tile_ = 0, row_ = 0;  // of the next result
  std::uint64_t last_moved_ = 0;                  // cycle
  bool brief_ = false;                            // no time to service each command
};

Driver::Driver(Device& device, DriverOptions options)
    : device_(device), options_(std::move(options)) {
  const Configuration& configuration = device.configuration();
  const std::uint32_t id = read(matmul::kId);
  if (id != matmul::kIdValue) {
    throw DeviceError(fmt::format("{} device: ID {:#010x} is not a matmul core's ({:#010x})",
                                  device.name(), id, matmul::kIdValue));
  }
  const std::uint32_t version = read(matmul::kVersion);
  if (matmul::kVersionMajor.get(version) != matmul::kVersionMajor.get(kVersionValue)) {
    throw DeviceError(fmt::format("{} device: version {:#x}, this driver is for {:#x}",
                                  device.name(), version, kVersionValue));
  }
  const std::uint32_t built = read(matmul::kConfig);
  const std::uint32_t depth = read(matmul::kAccDepth);
  if (matmul::kConfigRows.get(built) != static_cast<std::uint32_t>(configuration.rows) ||
      matmul::kConfigCols.get(built) != static_cast<std::uint32_t>(configuration.cols) ||
      matmul::kConfigActWidth.get(built) != static_cast<std::uint32_t>(configuration.act_width) ||
      matmul::kConfigAccWidth.get(built) != static_cast<std::uint32_t>(configuration.acc_width) ||
      depth != static_cast<std::uint32_t>(configuration.acc_depth)) {
    throw DeviceError(fmt::format(
        "{} device: its registers say {}x{}, {}-bit activations, {}-bit results, {} vectors; "
        "configuration {} is {}x{}, {}, {}, {}",
        device.name(), matmul::kConfigRows.get(built), matmul::kConfigCols.get(built),
        matmul::kConfigActWidth.get(built), matmul::kConfigAccWidth.get(built), depth,
        configuration.name, configuration.rows, configuration.cols, configuration.act_width,
        configuration.acc_width, configuration.acc_depth));
  }
}

MatmulReport Driver::matmul(const MatmulJob& job, std::span<std::int32_t> y,
                            const ResultObserver& observer) {
  check(job, y);
  const Configuration& configuration = device_.configuration();
  MatmulReport report;
  report.macs = static_cast<std::uint64_t>(job.m) * job.weights.rows() * job.weights.cols();
  std::fill(y.begin(), y.end(), 0);
  if (report.macs == 0) return report;

  Run run(*this, job, y, observer);
  report.cycles_model = run.cycles_model();
  const std::uint64_t before = read_cycles();
  run();
  report.cycles = (read_cycles() - before) & kCyclesMask;
  report.utilization = static_cast<double>(report.macs) / (static_cast<double>(report.cycles) *
                                                           configuration.rows * configuration.cols);
  return report;
}

BackwardReport Driver::backward_input(const BackwardJob& job, std::span<std::int32_t> g) {
  check_exact_n(job.weights.rows(), job.zero_shift);
  const PackedCodes transposed = job.weights.transpose();
  BackwardReport report;
  report.forward = matmul({job.dy, job.m, transposed, DecodeMode::kForward}, g);
  if (!job.zero_shift) return report;
  const std::int32_t unit = 1 << *job.zero_shift;
  std::vector<std::int32_t> zeros(g.size());
  report.zero_sign = matmul({job.dy, job.m, transposed, DecodeMode::kZeroSign}, zeros);
  for (std::size_t i = 0; i < g.size(); ++i) g[i] = g[i] * unit + zeros[i];
  return report;
}

void Driver::recover() {
  control(matmul::kControlSoftReset);
  std::vector<std::int32_t> lanes(256 * result_beat_lanes(device_.configuration()));
  const auto drain = [&] {
    const std::uint64_t start = device_.cycle();
    bool inputs_empty = false;
    do {
      inputs_empty = device_.cancel_pushes();
      while (device_.pop_results(lanes).beats != 0) {
      }
      if (device_.cycle() - start > options_.watchdog_cycles) return inputs_empty;
      device_.advance(1);
    } while (!inputs_empty || matmul::kStatusResultHeld.get(read(matmul::kStatus)) != 0);
    while (device_.pop_results(lanes).beats != 0) {
    }
    return true;
  };
  device_.cancel_pushes();
  // A beat may be on the wires of a stream that owes nothing. A command that is started and dropped
  // makes both streams owe one, so that they take what is there.
  for (const std::uint32_t address : {matmul::kM, matmul::kKTiles, matmul::kNTiles}) {
    write(address, 1);
  }
  write(matmul::kMode, 0);
  control(matmul::kControlStart);
  control(matmul::kControlSoftReset);
  if (!drain()) {
    throw DeviceError(
        fmt::format("{} device: a beat does not leave the wires after a soft reset; {}",
                    device_.name(), device_.describe()));
  }
  control(matmul::kControlFlush);
  write(matmul::kStatus, matmul::kStatusSticky);
  const std::uint32_t status = read(matmul::kStatus);
  if (status != 0) {
    throw DeviceError(fmt::format("{} device: STATUS {:#x} after recovery; {}", device_.name(),
                                  status, device_.describe()));
  }
}

void Driver::prepare() {
  write(matmul::kStatus, matmul::kStatusSticky);
  write(matmul::kIrqMask, matmul::kIrqMaskReset);
  write(matmul::kControl, irq_enable());
}

std::uint32_t Driver::irq_enable() const {
  return matmul::kControlIrqEnable.make(options_.completion == Completion::kInterrupt ? 1 : 0);
}

void Driver::control(Field bit) { write(matmul::kControl, bit.mask() | irq_enable()); }

void Driver::service(const Run& run) {
  const std::uint32_t status = read(matmul::kStatus);
  write(matmul::kStatus, status & matmul::kStatusSticky);
  const std::string errors = explain_errors(status);
  if (!errors.empty()) fail(errors, run);
}

void Driver::fail(const std::string& what, const Run& run) {
  throw DeviceError(fmt::format("{} device: {}; {}; {}", device_.name(), what, run.progress(),
                                device_.describe()));
}

void Driver::write(std::uint32_t address, std::uint32_t value) {
  if (device_.write_register(address, value)) return;
  throw DeviceError(
      fmt::format("{} device: a write to register {:#04x} was refused", device_.name(), address));
}

std::uint32_t Driver::read(std::uint32_t address) {
  if (const auto value = device_.read_register(address)) return *value;
  throw DeviceError(
      fmt::format("{} device: a read of register {:#04x} was refused", device_.name(), address));
}

std::uint64_t Driver::read_cycles() {
  const std::uint64_t low = read(matmul::kCycles);
  return std::uint64_t{read(matmul::kCyclesHigh)} << 32 | low;
}

}  // namespace szt::sim
