// SPDX-License-Identifier: Apache-2.0
// A bench around the pins of szt_matmul: AXI4-Lite traffic under stalls, packets on the streams.
#ifndef SZT_TESTS_COSIM_MATMUL_BENCH_H_
#define SZT_TESTS_COSIM_MATMUL_BENCH_H_

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <ostream>
#include <vector>

#include "rtl_core.h"
#include "szt/sim/registers.h"
#include "szt/sim/stall.h"

namespace szt::sim {

inline constexpr unsigned kOkay = 0, kSlvErr = 2;
// As built for this bench; scripts/mutate.py builds it another depth.
#ifndef SZT_BENCH_DEPTH
#define SZT_BENCH_DEPTH 8
#endif
inline constexpr std::uint32_t kDepth = SZT_BENCH_DEPTH, kRows = 4, kCols = 4;
inline constexpr int kTimeout = 10'000;  // cycles

struct Write {
  std::uint32_t address, data;
  unsigned strobes = 0xF;
};

struct Answer {
  unsigned response;
  std::uint32_t data;

  friend bool operator==(const Answer&, const Answer&) = default;
  friend void PrintTo(const Answer& answer, std::ostream* out) {
    *out << fmt::format("{:#x}{}", answer.data, answer.response == kOkay ? "" : " SLVERR");
  }
};

struct BusStalls {
  StallPattern aw, w, b, ar, r;
};

struct Traffic {
  std::vector<unsigned> writes;  // responses
  std::vector<Answer> reads;
  int cycles = 0;
};

// Offers the beats of whole packets, one after the other.
struct Sender {
  Pin valid, ready, last;
  int packet;         // beats
  int left;           // beats not accepted yet
  int delay = 0;      // cycles before the first
  bool stop = false;  // nothing but what is offered already

  void sample() { accepted = valid.high() && ready.high(); }  // before the edge
  void drive() {                                              // behind it
    if (accepted) {
      --left;
      valid.set(0);
    }
    if (valid.high() || stop || left == 0 || --delay > 0) return;
    valid.set(1);
    last.set((left - 1) % packet == 0 ? 1 : 0);
  }
  bool accepted = false;
};

class MatmulBench {
 public:
  MatmulBench();

  // Ends in reset: the next edge is the first out of it if rst_ni is 1 by then.
  void reset();
  void edge();

  // Carries out writes and reads, each in order, as fast as the stalls let them. No order between
  // the two.
  Traffic traffic(const std::vector<Write>& writes, const std::vector<std::uint32_t>& addresses,
                  const BusStalls& stalls = {}, std::uint64_t seed = 1);

  void write(std::uint32_t address, std::uint32_t data, unsigned strobes = 0xF);
  std::uint32_t read(std::uint32_t address);
  std::uint32_t status() { return read(matmul::kStatus); }

  void set_command(std::uint32_t m, std::uint32_t k_tiles, std::uint32_t n_tiles,
                   std::uint32_t mode);
  void control(std::uint32_t bits) { write(matmul::kControl, bits); }

  // Offers beats (of zeros) until idle; TLAST and TKEEP as given on every one of them. Each stream
  // has to wait for the one before.
  void run_streams(bool last, bool keep);

  // From the next edge on, packets of so many beats each.
  void send(std::uint32_t codes, std::uint32_t activations, int packets);
  bool sent() const;

  // Sets every sticky bit of STATUS.
  void raise_all();

 private:
  std::unique_ptr<RtlCore> core_;
  int cycle_ = 0;

 public:
  const CorePins p;
  std::vector<Sender> senders;
  int ready_every = 0;       // cycles, for results; 0: TREADY is left alone
  std::vector<int> results;  // low byte of each beat that was accepted
};

}  // namespace szt::sim

#endif  // SZT_TESTS_COSIM_MATMUL_BENCH_H_
