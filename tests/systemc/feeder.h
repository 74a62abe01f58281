// SPDX-License-Identifier: Apache-2.0
// Beats that come in fits: which, how many and when; and what a program saw meanwhile.
#ifndef SZT_TESTS_SYSTEMC_FEEDER_H_
#define SZT_TESTS_SYSTEMC_FEEDER_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "systemc/bench.h"
#include "systemc/program.h"

namespace szt::systemc {

struct Feed {
  struct Push {
    std::uint64_t cycle;  // after the Feeder's construction, at the earliest
    bool codes;
    std::size_t beats;
  };
  std::vector<std::uint8_t> codes, activations;
  std::vector<std::size_t> code_lasts, activation_lasts;  // beats up to each TLAST
  std::vector<Push> pushes;
};

Feed random_feed(const Configuration& configuration, const std::vector<sim::Beats>& list,
                 std::mt19937_64& generator);

class Feeder {
 public:
  Feeder(Port& port, const Configuration& configuration, const Feed& feed);
  // Carries out the pushes that are due; the windows must have the room.
  void push_due();
  bool done() const { return next_ == feed_.pushes.size(); }

 private:
  void push(bool codes, std::size_t beats);

  Port& port_;
  const Configuration& configuration_;
  const Feed& feed_;
  std::uint64_t begin_;
  std::size_t next_ = 0;
  std::size_t codes_ = 0, activations_ = 0;  // beats pushed
};

// A word that was read, and the edge after it.
struct Look {
  std::uint64_t address, edge;
  std::uint32_t value;
  bool operator==(const Look&) const = default;
};
std::string to_string(const Look& look);

struct Observation {
  std::vector<Look> words;
  std::vector<std::int32_t> results;
  std::vector<IrqEdge> irq;
  void look(Port& port, std::uint64_t address);
};

}  // namespace szt::systemc

#endif  // SZT_TESTS_SYSTEMC_FEEDER_H_
