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

// The device misbehaved (a hang, an assertion in the RTL, a protocol error): what() says what, in
// which cycle and which handshakes were stuck. Not bad input.
class DeviceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Result beats taken from a device.
struct Popped {
  std::size_t beats = 0;
  bool last = false;        // the final one of them had TLAST
  std::uint64_t cycle = 0;  // in which it was accepted (exact in a simulation)
};

// The two sides of the streams as they stand.
struct Handshake {
  bool valid = false, ready = false;
};
struct StreamStates {
  Handshake codes, activations, results;
};

// One szt_matmul: its registers (szt/sim/registers.h), its three streams, its interrupt.
//
// Order of beats: for each N tile, for each K tile, `rows` code beats and m activation beats; after
// the last K tile of an N tile, m result beats. A push never blocks: it takes what fits and returns
// how many beats that was. The caller interleaves pushes, pops and advance(); one that waits for
// all codes to be taken before it offers activations would wait for ever.
class Device {
 public:
  virtual ~Device() = default;

  virtual std::string_view name() const = 0;  // "model", "tlm", "rtl", ...
  // What the device is meant to be; its CONFIG and ACC_DEPTH registers say what it is.
  virtual const Configuration& configuration() const = 0;

  // One bus transaction, finished on return; time may pass and streams may move meanwhile. The
  // address is a byte offset. False or nullopt: the device answered SLVERR.
  virtual bool write_register(std::uint32_t address, std::uint32_t value) = 0;
  virtual std::optional<std::uint32_t> read_register(std::uint32_t address) = 0;
  virtual bool irq() const = 0;

  // Offers whole beats in order; `last`: the final one of these ends its command (TLAST).
  virtual std::size_t push_codes(std::span<const std::uint8_t> beats, bool last) = 0;
  virtual std::size_t push_activations(std::span<const std::int8_t> beats, bool last) = 0;

  // Forgets the beats that were pushed and not taken yet. A beat that is on the wires already must
  // stay there: false while there is one, to be called again after time has passed.
  virtual bool cancel_pushes() = 0;

  // Takes result beats, as many as wait and fit into `lanes`, but none behind a TLAST.
  virtual Popped pop_results(std::span<std::int32_t> lanes) = 0;

  // Lets at most max_cycles pass; returns early, after at least one, when irq() is high, when the
  // device has no beat left of an input stream, or when it holds so many results that they want
  // popping: a caller that tops everything up after each call stalls nothing. Throws DeviceError.
  virtual std::uint64_t advance(std::uint64_t max_cycles) = 0;

  // Clock cycles since the device came to be.
  virtual std::uint64_t cycle() const = 0;

  // The state of every handshake that the device can see, for the message of a watchdog.
  virtual std::string describe() const = 0;
  // The same, to be judged; nullopt where it cannot be seen.
  virtual std::optional<StreamStates> stream_states() const { return std::nullopt; }
};

// Throws InputError unless a core of this configuration can run the command.
void check_command(const Configuration& configuration, const Command& command);

}  // namespace szt::sim

#endif  // SZT_SIM_DEVICE_H_
