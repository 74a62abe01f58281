// SPDX-License-Identifier: Apache-2.0
// matmul_core.sv with its stream_discards on a time line: what every handshake moves, and when.
//
// Clock edges are counted. Each chain of the core (command queue, code beats, loads, swaps,
// vectors, results) knows the edge of its next step from those that were taken; run() takes all
// that are due, many beats at once where they follow each other. What comes from outside at an
// edge, beats and room, acts from the next one on. The results are computed when their vectors are
// taken.
#ifndef SZT_SIM_SYSTEMC_SRC_TIMED_CORE_H_
#define SZT_SIM_SYSTEMC_SRC_TIMED_CORE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>

#include "array_model.h"
#include "beat_fifo.h"
#include "szt/configuration.h"
#include "szt/cycle_model.h"
#include "szt/sim/registers.h"

namespace szt::systemc {

class TimedCore {
 public:
  using Edge = std::uint64_t;

  // Of each window's FIFO, in beats.
  TimedCore(const Configuration& configuration, std::size_t capacity);

  // ---- Calls at an edge up to which the core has run.
  // There must be no pending() command. `taken` is the first edge at which the core's queue may
  // have it.
  void start(const Command& command, Edge taken);
  void soft_reset(Edge edge);
  void flush(Edge edge, bool behind_reset);
  // Only beats that there is room for, and that there are.
  void push_codes(Edge edge, std::span<const std::uint8_t> beats, bool last);
  void push_activations(Edge edge, std::span<const std::uint8_t> beats, bool last);
  void cancel_codes() { codes_.fifo.truncate(codes_.taken); }
  void cancel_activations() { activations_.fifo.truncate(activations_.taken); }
  // Returns the edge at which the core gave the final one away.
  Edge pop_results(Edge edge, std::span<std::uint8_t> bytes);

  // Lets everything happen that is due up to an edge, that one included.
  void run(Edge edge) { run(edge, edge); }

  // A sticky bit of STATUS that is set at an edge; DONE means a command.
  struct Event {
    Edge edge;
    sim::Field bit;
  };
  // The next one up to an edge, taken off the list.
  std::optional<Event> pop_event(Edge edge);

  // ---- State after the edge up to which it ran.
  bool pending() const { return pending_.has_value(); }  // at the registers
  bool busy() const { return held_ != 0 || pending(); }
  std::uint32_t queue() const { return (queue_.size() == 2 ? 1U : 0U) + (pending() ? 1U : 0U); }
  bool result_held() const { return result_held_; }
  bool discards_codes() const { return codes_.owed != 0; }
  bool discards_activations() const { return activations_.owed != 0; }
  std::uint64_t busy_cycles(Edge edge) const;

  // Beats in the windows.
  std::size_t codes() const { return codes_.waiting(); }
  std::size_t activations() const { return activations_.waiting(); }
  std::size_t results() const { return window_; }
  std::size_t capacity() const { return capacity_; }
  struct Level {
    std::size_t beats = 0;  // up to the first TLAST
    bool last = false;      // the final one of these has it
  };
  Level results_level() const;

  // ---- The future, if nothing comes from outside. Nothing: it waits for that.
  // The next edge at which a run of equal steps ends.
  std::optional<Edge> next_step() const;
  // An edge before which no event happens.
  std::optional<Edge> next_event() const;
  // Vectors of the command that runs, or will.
  std::size_t vectors() const;

  std::string describe() const;

 private:
  static constexpr std::uint32_t kEndless = 15;  // packets: stream_discard.sv stops counting there

  // Steps in consecutive cycles.
  struct Run {
    Edge first;
    std::size_t beats;
    Edge last() const { return first + beats - 1; }
    std::size_t due(Edge edge) const;
  };
  struct Input {
    BeatFifo fifo;
    std::size_t taken = 0;   // of its beats by the core, which still uses them
    Edge edge = 0;           // of the latest handshake
    std::uint32_t owed = 0;  // packets to discard
    std::size_t waiting() const { return fifo.size() - taken; }
  };
  struct Pending {
    Command command;
    Edge taken;
  };
  struct Queued {
    Command command;
    Edge accepted;
  };
  struct Complete {  // tile in the code FIFO
    Edge edge;       // of its last beat
    bool last;       // which had TLAST
  };
  struct Tile {
    Command command;
    bool first_k, last_k, end;
    std::uint64_t behind;  // tiles of the command behind it
    Edge edge;             // of its load, later of its swap
  };
  struct Flight {  // results on their way to the window
    Edge ready;    // edge at which the first one could be there
    std::size_t beats;
    bool last, end;  // the final one has TLAST; ends the command
  };
  struct Packet {  // results in the window that came in consecutive cycles
    Edge first;
    std::size_t beats;
    bool last;
  };
  struct Late {
    std::uint64_t result;
    Edge edge;
  };

  const Command& head() const { return queue_.front().command; }
  bool head_at_last_tile() const;
  std::uint64_t head_tiles_behind() const;
  std::size_t in_flight() const { return static_cast<std::size_t>(issued_ - delivered_); }

  // What each chain does next, whenever that is.
  std::optional<Edge> next_accept() const;
  static std::optional<Run> next_discard(const Input& input);
  std::optional<Run> next_codes() const;
  std::optional<Edge> next_load() const;
  std::optional<Edge> next_swap() const;
  std::optional<Run> next_vectors() const;
  std::optional<Run> next_results() const;

  // Take what is due of it; whether there was something.
  bool accept(Edge edge);
  static bool discard(Input& input, Edge edge);
  bool take_codes(Edge edge);
  bool load(Edge edge);
  bool swap(Edge edge);
  bool take_vectors(Edge edge);
  bool deliver(Edge edge);

  // Handshakes of the streams up to one edge, all else up to the other.
  void run(Edge streams, Edge inside);
  void end_discarding();
  void compute(std::size_t vectors);
  void note(Edge edge, sim::Field bit);

  const Configuration configuration_;
  const std::size_t rows_, result_bytes_, capacity_;
  const Edge drain_;    // from a swap to the next load
  const Edge latency_;  // from a vector's handshake to its result's
  const std::size_t credits_;

  sim::ArrayModel array_;
  Input codes_, activations_;
  BeatFifo results_;  // on their way and in the window
  std::deque<Event> events_;
  std::optional<Edge> flush_;

  // Commands: at the registers, in the queue, held from there to the last result.
  std::optional<Pending> pending_;
  std::deque<Queued> queue_;
  Edge room_ = 0;  // the queue was full up to then
  std::uint32_t held_ = 0, unissued_ = 0;
  std::optional<Edge> busy_since_;
  std::uint64_t busy_total_ = 0;

  // Codes and loads.
  std::size_t in_row_ = 0;
  std::deque<Complete> complete_;
  std::uint32_t k_tile_ = 0, n_tile_ = 0;  // of the head: loaded next
  Edge load_ = 0, load_before_ = 0;        // the latest two
  std::optional<Tile> shadow_;

  // Vectors.
  std::optional<Tile> current_;
  Edge swap_ = 0, issue_ = 0;  // the latest
  std::uint32_t vector_ = 0;
  std::array<Edge, 3> hazard_{};  // issues of the tile before, by place

  // Results, counted over all commands.
  std::uint64_t issued_ = 0, delivered_ = 0;
  std::deque<Flight> flight_;
  std::deque<Late> late_;  // those of the latest credits_ that came later than they could
  Edge delivery_ = 0;      // the latest
  Edge window_room_ = 0;   // the window was full up to then
  std::size_t window_ = 0;
  std::deque<Packet> packets_;
  bool result_held_ = false;
};

}  // namespace szt::systemc

#endif  // SZT_SIM_SYSTEMC_SRC_TIMED_CORE_H_
