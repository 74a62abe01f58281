// SPDX-License-Identifier: Apache-2.0
// A bench around the pins of szt_encoder_stream: drives every channel, checks every cycle against
// the block's contract.
#ifndef SZT_TESTS_COSIM_ENCODER_BENCH_H_
#define SZT_TESTS_COSIM_ENCODER_BENCH_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "cosim/encoder_contract.h"
#include "encoder_core.h"
#include "szt/sim/stall.h"

namespace szt::sim {

struct BenchStalls {
  StallPattern latents, codes, bus;
};

class EncoderBench {
 public:
  struct Read {
    std::uint32_t data;
    unsigned response;
  };

  explicit EncoderBench(std::size_t lanes, const BenchStalls& stalls = {}, std::uint64_t seed = 1);

  std::size_t lanes() const { return lanes_; }
  std::size_t beat_bytes() const { return 4 * lanes_; }
  std::uint64_t cycle() const { return cycle_; }

  // ---- What is to be driven; queues, in order.
  void send(LatentBeat beat) { latents_.push_back(std::move(beat)); }
  // A row of these bytes, with the TKEEP it should have.
  void send_row(const std::vector<std::uint8_t>& bytes);
  void write(std::uint32_t address, std::uint32_t value, unsigned strobes = 0xF);
  void read(std::uint32_t address) { ar_.push_back(address); }
  // Beats that are queued and not on the wires.
  void cancel() { latents_.resize(latent_offered_ ? 1 : 0); }

  // Channels held back.
  bool hold_aw = false, hold_w = false, hold_latents = false, hold_codes = false;

  // ---- What came back.
  std::vector<unsigned> write_responses;
  std::vector<Read> reads;
  std::uint64_t beats_in = 0, beats_out = 0;
  std::uint64_t last_write_cycle = 0;   // in which the last write was carried out
  std::uint64_t last_accept_cycle = 0;  // in which the last latents were accepted
  EncoderContract contract;

  bool latents_ready() const { return pins_.s_axis_latents_tready.high(); }
  bool codes_valid() const { return pins_.m_axis_codes_tvalid.high(); }
  bool irq() const { return pins_.irq_o.high(); }

  void run(int cycles);
  // Until nothing is queued or due; false (and a failure) if that takes too long.
  bool finish();
  std::uint32_t read_now(std::uint32_t address);
  void write_now(std::uint32_t address, std::uint32_t value, unsigned strobes = 0xF);
  // Everything that software can read, against the contract. Ends all traffic first.
  void check_registers();

  void step();

 private:
  struct WriteData {
    std::uint32_t value;
    unsigned strobes;
  };
  struct Write {
    std::uint32_t address, value;
    unsigned strobes;
  };

  std::vector<Pin> inputs() const;
  std::vector<std::uint8_t> codes_payload() const;
  std::vector<std::uint8_t> outputs() const;

  void edge();
  void carry_out_write();
  // Whatever is not offered is noise.
  void drive();
  // What was offered and not accepted is still there.
  void check_held();
  void sample();

  std::size_t lanes_;
  std::unique_ptr<EncoderCore> core_;
  EncoderPins pins_;
  std::uint64_t cycle_ = 0;
  std::mt19937_64 noise_;
  StallGenerator latent_gaps_, code_stalls_, aw_gaps_, w_gaps_, ar_gaps_, b_stalls_, r_stalls_;

  std::deque<LatentBeat> latents_;
  std::deque<std::uint32_t> aw_, ar_;
  std::deque<WriteData> w_;
  std::deque<Write> writes_;  // not carried out yet
  bool latent_offered_ = false, aw_offered_ = false, w_offered_ = false, ar_offered_ = false;
  std::size_t responses_due_ = 0, reads_due_ = 0;

  bool codes_waited_ = false, b_waited_ = false, r_waited_ = false;
  std::vector<std::uint8_t> codes_before_;
  std::uint64_t b_before_ = 0, r_before_ = 0;
};

}  // namespace szt::sim

#endif  // SZT_TESTS_COSIM_ENCODER_BENCH_H_
