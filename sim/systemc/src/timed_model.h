// SPDX-License-Identifier: Apache-2.0
// A device that computes, put on the core's time line: what is known in which clock cycle.
//
// Times are clock edges, counted from 2. Everything is as in the RTL while no stream stalls, cycle
// for cycle: a command's results come one by one and its DONE when the cycle model says. A late
// input delays the tile that it belongs to; with several stalls at a time that is close, no more.
// Calls at edges that go back are carried out at the latest edge so far.
//
// How: a tile's beats wait here until its last vector or its first result is due, and go to the
// device then; all but the last activation of a command, which is held back until the command ends:
// with it the device sets DONE. The device's own idea of time is not used.
#ifndef SZT_SIM_SYSTEMC_SRC_TIMED_MODEL_H_
#define SZT_SIM_SYSTEMC_SRC_TIMED_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "beat_fifo.h"
#include "szt/cycle_model.h"
#include "szt/sim/device.h"

namespace szt::systemc {

class TimedModel {
 public:
  // Beats of each window's FIFO.
  static std::size_t capacity(const Configuration& configuration);

  explicit TimedModel(std::unique_ptr<sim::Device> device);

  const Configuration& configuration() const { return device_->configuration(); }
  std::uint64_t now() const { return now_; }

  // Registers at the edge at which they change, or after which they are read.
  bool write_register(std::uint64_t cycle, std::uint32_t address, std::uint32_t value);
  std::optional<std::uint32_t> read_register(std::uint64_t cycle, std::uint32_t address);
  // As read_register(), but changes nothing.
  std::optional<std::uint32_t> peek_register(std::uint64_t cycle, std::uint32_t address);

  // Only beats that fit.
  void push_codes(std::uint64_t cycle, std::span<const std::uint8_t> beats, bool last);
  void push_activations(std::uint64_t cycle, std::span<const std::uint8_t> beats, bool last);
  const BeatFifo& codes() const { return codes_; }
  const BeatFifo& activations() const { return activations_; }
  void cancel_codes() { codes_.truncate(0); }
  void cancel_activations() { activations_.truncate(0); }

  struct Level {
    std::size_t beats = 0;  // that can be read, up to the first TLAST
    bool last = false;      // the final one of these has TLAST
  };
  Level results(std::uint64_t cycle);
  // Only beats that can be read; `bytes` holds whole beats. Returns the edge at which the core gave
  // the final one away.
  std::uint64_t pop_results(std::uint64_t cycle, std::span<std::uint8_t> bytes);
  std::size_t results_held() const { return results_.size(); }

  // Lets everything happen that is due up to an edge, that one included.
  void run_to(std::uint64_t cycle);
  // The next edge at which something can happen by itself; nothing if the core waits for a beat.
  std::optional<std::uint64_t> next_event() const;
  // Whether beats are missing, now or from the next tile on: codes are due a tile ahead.
  bool wants_codes() const;
  bool wants_activations() const;
  // The earliest edge at which a command can end; nothing as above.
  std::optional<std::uint64_t> next_completion() const;

  // The interrupt wire: its changes so far, in order, taken off this list.
  struct Edge {
    std::uint64_t cycle;
    bool level;
  };
  std::optional<Edge> pop_irq_edge();
  // The next change that is known and was not taken off yet.
  std::optional<std::uint64_t> next_irq_edge() const;

  std::string describe() const;

 private:
  // Results that leave the core in consecutive cycles.
  struct Packet {
    std::uint64_t first;  // edge of the first one
    std::size_t beats;
    bool last;  // the final one has TLAST
  };
  // What the head command does next.
  struct Tile {
    std::uint64_t issue;        // edge at which the array takes its first vector
    std::uint64_t last_vector;  // and its last one
    std::uint64_t due;          // edge at which its beats go to the device
  };
  struct Held {
    Command command;
    std::uint64_t start;  // first busy edge
  };

  std::uint64_t width() const;  // of the array's longer side
  std::uint64_t vectors_to_results() const;
  bool last_k() const { return k_tile_ + 1 == commands_.front().command.k_tiles; }
  bool last_tile() const { return last_k() && n_tile_ + 1 == commands_.front().command.n_tiles; }
  bool room_for_results() const;
  std::optional<Tile> next_tile() const;
  // Tiles that are due, and commands of which the last result is.
  void run(std::uint64_t tiles_due, std::uint64_t results_due);
  void take_tile(const Tile& tile);
  void end_command();
  void feed(BeatFifo& fifo, std::size_t beats, bool codes);
  void collect(std::size_t beats, bool ends_packet);
  void discard();
  void note_start(std::uint64_t cycle);
  void note_reset(std::uint64_t cycle);
  void note_irq(std::uint64_t cycle);
  std::uint32_t status() const;
  std::uint64_t busy_cycles(std::uint64_t cycle) const;

  std::unique_ptr<sim::Device> device_;
  std::size_t lanes_;
  BeatFifo codes_, activations_, results_;
  std::deque<Packet> packets_;  // of results_, and of one beat that is not there yet
  std::vector<std::int32_t> scratch_;

  std::uint64_t now_ = 2;
  std::deque<Held> commands_;  // that the device holds
  std::uint32_t k_tile_ = 0, n_tile_ = 0;
  std::uint64_t slot_ = 0;  // the edge from which on the array is free for the next tile
  std::optional<std::uint64_t> last_result_;  // edge of the head command's, once it is known
  bool discards_ = false;

  std::optional<std::uint64_t> busy_since_;
  std::uint64_t busy_total_ = 0;
  std::uint32_t cycles_high_ = 0;

  std::uint64_t last_done_ = 0;  // edge at which DONE was last set
  bool irq_ = false;
  std::uint64_t last_irq_edge_ = 0;
  std::deque<Edge> irq_edges_;
};

}  // namespace szt::systemc

#endif  // SZT_SIM_SYSTEMC_SRC_TIMED_MODEL_H_
