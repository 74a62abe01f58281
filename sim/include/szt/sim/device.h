// SPDX-License-Identifier: Apache-2.0
// What software sees of a matmul core, whatever it is made of: a command queue and three streams.
#ifndef SZT_SIM_DEVICE_H_
#define SZT_SIM_DEVICE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "szt/configuration.h"
#include "szt/cycle_model.h"

namespace szt::sim {

// Bytes of a code beat: column c is in bits [2c+1:2c], little-endian, unused high bits 0.
inline std::size_t code_beat_bytes(const Configuration& configuration) {
  return (2 * static_cast<std::size_t>(configuration.cols) + 7) / 8;
}
// Bytes of an activation beat: one int8 a row.
inline std::size_t activation_beat_bytes(const Configuration& configuration) {
  return static_cast<std::size_t>(configuration.rows);
}
// int32 lanes of a result beat: one a column.
inline std::size_t result_beat_lanes(const Configuration& configuration) {
  return static_cast<std::size_t>(configuration.cols);
}

// A finished command.
struct CommandTiming {
  Command command;
  // From the command's first busy cycle, or from the previous command's last result if that came
  // later, to the acceptance of its last result.
  std::uint64_t cycles;
};

// The device misbehaved (a hang, an assertion in the RTL, a protocol error): what() says what, in
// which cycle and which handshakes were stuck. Not bad input.
class DeviceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Order of beats: for each N tile, for each K tile, `rows` code beats and m activation beats; after
// the last K tile of an N tile, m result beats. A push never blocks: it takes what fits and returns
// how many beats that was. The caller interleaves pushes, pops and advance(); one that waits for
// all codes to be taken before it offers activations would wait for ever.
class Device {
 public:
  virtual ~Device() = default;

  virtual std::string_view name() const = 0;  // "model" or "rtl"
  virtual const Configuration& configuration() const = 0;

  // Queues a command; false while the queue is full. Throws InputError if the core could not run it
  // (m not 1..acc_depth, a tile count not 1..2^24-1).
  virtual bool submit(const Command& command) = 0;

  // Offers whole beats in order; `last`: the final one of these ends its command (TLAST).
  virtual std::size_t push_codes(std::span<const std::uint8_t> beats, bool last) = 0;
  virtual std::size_t push_activations(std::span<const std::int8_t> beats, bool last) = 0;

  // Takes result beats, as many as wait and fit into `lanes`; returns how many.
  virtual std::size_t pop_results(std::span<std::int32_t> lanes) = 0;

  // Commands finish in order; each is reported once, after its last result was popped or can be.
  virtual std::optional<CommandTiming> pop_timing() = 0;

  // Lets at most max_cycles pass; returns early, after at least one, when the device has no beat
  // left of an input stream, takes a command out of its queue, or holds so many results that they
  // want popping: a caller that tops everything up after each call stalls nothing. Throws
  // DeviceError.
  virtual std::uint64_t advance(std::uint64_t max_cycles) = 0;

  // Cycles since reset, and handshakes of any kind since then (a watchdog watches these).
  virtual std::uint64_t cycle() const = 0;
  virtual std::uint64_t handshakes() const = 0;

  // How often the core reported a TLAST in the wrong place or missing.
  virtual std::uint64_t last_errors() const = 0;

  // The state of every handshake, for the message of a watchdog.
  virtual std::string describe() const = 0;
};

// Throws InputError unless a core of this configuration can run the command.
void check_command(const Configuration& configuration, const Command& command);

}  // namespace szt::sim

#endif  // SZT_SIM_DEVICE_H_
