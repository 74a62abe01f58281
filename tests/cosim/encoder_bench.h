// SPDX-License-Identifier: Apache-2.0
// A bench around the pins of szt_encoder_stream: drives every channel, checks every cycle against
// the block's contract as this file states it, beat for beat and apart from the RTL.
#ifndef SZT_TESTS_COSIM_ENCODER_BENCH_H_
#define SZT_TESTS_COSIM_ENCODER_BENCH_H_

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <random>
#include <vector>

#include "encoder_core.h"
#include "szt/encoder.h"
#include "szt/sim/registers.h"
#include "szt/sim/stall.h"

namespace szt::sim {

enum Format : std::uint32_t { kFp32, kFp16, kBf16, kInt16 };
inline constexpr std::uint32_t kFormats = 4;
inline constexpr std::size_t latent_size(std::uint32_t format) { return format == kFp32 ? 4 : 2; }

struct LatentBeat {
  std::vector<std::uint8_t> data;  // all bytes, kept or not
  std::vector<bool> keep;
  bool last = false;
};

struct CodeBeat {
  std::vector<std::uint8_t> data;
  std::uint64_t keep = 0;
  bool last = false;

  friend bool operator==(const CodeBeat&, const CodeBeat&) = default;
};

// What the block must do, told what it accepted and in which order.
class EncoderContract {
 public:
  explicit EncoderContract(std::size_t lanes) : lanes_(lanes) {}

  void accept(const LatentBeat& beat) {
    if (!row_open_) {
      row_format_ = format;
      row_threshold_ = threshold;
    }
    row_open_ = !beat.last;
    if (discard_) {
      discard_ = !beat.last;
      return;
    }
    const std::size_t size = latent_size(row_format_);
    const std::size_t full = 4 * lanes_ / size;
    std::size_t there = 0;
    for (std::size_t i = 0; i < full; ++i) {
      bool whole = true;
      for (std::size_t b = 0; b < size; ++b) whole = whole && beat.keep[i * size + b];
      if (whole) there = i + 1;
    }
    bool right = there != 0 && (beat.last || there == full);
    for (std::size_t b = 0; b < beat.keep.size(); ++b) {
      right = right && beat.keep[b] == (b < there * size);
    }
    if (!right) sticky |= encoder::kStatusErrorKeep.mask();
    codes_.resize(lanes_ / 2);
    for (std::size_t i = 0; i < there; ++i) {
      bool nan = false;
      const auto code = static_cast<unsigned>(encode(&beat.data[i * size], nan));
      const std::size_t place = places_ + i;
      codes_[place / 4] = static_cast<std::uint8_t>(codes_[place / 4] | code << (2 * (place % 4)));
      if (!nan) continue;
      ++nans;
      sticky |= encoder::kStatusNan.mask();
    }
    latents += static_cast<std::uint32_t>(there);
    places_ += beat.last ? there : full;
    if (!beat.last && places_ < 2 * lanes_) return;
    expected.push_back({codes_, (std::uint64_t{1} << ((places_ + 3) / 4)) - 1, beat.last});
    forget_codes();
  }

  // `held`: a beat was offered in the cycle before and not accepted. False: SLVERR.
  bool write(std::uint32_t address, std::uint32_t value, unsigned strobes, bool held) {
    std::uint32_t bits = 0;
    for (unsigned i = 0; i < 4; ++i) bits |= (strobes >> i & 1U) != 0 ? 0xFFU << (8 * i) : 0;
    const std::uint32_t ones = value & bits;
    switch (address & ~3U) {
      case encoder::kControl:
        if ((bits & encoder::kControlIrqEnable.mask()) != 0) {
          irq_enable = encoder::kControlIrqEnable.get(value) != 0;
        }
        if (encoder::kControlSoftReset.get(ones) != 0) {
          expected.resize(held ? 1 : 0);
          forget_codes();
          discard_ = row_open_;
          exact = false;
        }
        if (encoder::kControlFlush.get(ones) != 0 && discard_) discard_ = row_open_ = false;
        return true;
      case encoder::kStatus:
        sticky &= ~ones;
        return true;
      case encoder::kFormat:
        if (ones > 3) return false;
        if ((bits & 3) != 0) format = ones;
        return true;
      case encoder::kThreshold:
        threshold = (threshold & ~bits) | ones;
        return true;
      default:
        return false;
    }
  }

  bool row_open() const { return row_open_ && !discard_; }
  bool discard() const { return discard_; }

  std::uint32_t format = 0, threshold = 0;
  bool irq_enable = false;
  std::uint32_t sticky = 0;
  std::uint32_t latents = 0, nans = 0;
  // The counts are exact: no soft reset dropped latents that were accepted and perhaps not encoded.
  bool exact = true;
  std::deque<CodeBeat> expected;  // to come out, in order

 private:
  Code encode(const std::uint8_t* bytes, bool& nan) const {
    std::uint32_t word = 0;
    std::memcpy(&word, bytes, latent_size(row_format_));
    const auto half = static_cast<std::uint16_t>(word);
    switch (row_format_) {
      case kFp32:
        nan = is_nan_f32(word);
        return encode_f32(word, row_threshold_);
      case kFp16:
        nan = is_nan_f16(half);
        return encode_f16(half, row_threshold_ & 0xFFFFU);
      case kBf16:
        nan = is_nan_bf16(half);
        return encode_bf16(half, row_threshold_ & 0xFFFFU);
      default:
        return encode_i16(static_cast<std::int16_t>(half), row_threshold_ & 0xFFFFU);
    }
  }

  void forget_codes() {
    codes_.assign(lanes_ / 2, 0);
    places_ = 0;
  }

  std::size_t lanes_;
  bool row_open_ = false, discard_ = false;
  std::uint32_t row_format_ = 0, row_threshold_ = 0;
  std::vector<std::uint8_t> codes_;
  std::size_t places_ = 0;  // codes in codes_
};

struct BenchStalls {
  StallPattern latents, codes, bus;
};

class EncoderBench {
 public:
  struct Read {
    std::uint32_t data;
    unsigned response;
  };

  explicit EncoderBench(std::size_t lanes, const BenchStalls& stalls = {}, std::uint64_t seed = 1)
      : contract(lanes),
        lanes_(lanes),
        core_(make_encoder_core(lanes, seed)),
        pins_(core_->pins()),
        noise_(seed),
        latent_gaps_(stalls.latents, seed * 8),
        code_stalls_(stalls.codes, seed * 8 + 1),
        aw_gaps_(stalls.bus, seed * 8 + 2),
        w_gaps_(stalls.bus, seed * 8 + 3),
        ar_gaps_(stalls.bus, seed * 8 + 4),
        b_stalls_(stalls.bus, seed * 8 + 5),
        r_stalls_(stalls.bus, seed * 8 + 6) {
    pins_.clk_i.set(0);
    pins_.rst_ni.set(0);
    for (const Pin& pin : inputs()) std::memset(pin.bytes, 0, pin.size);
    pins_.m_axis_codes_tready.set(1);
    core_->eval();
    for (int i = 0; i < 3; ++i) {
      edge();
      for (const Pin& pin : {pins_.s_axil_awready, pins_.s_axil_wready, pins_.s_axil_bvalid,
                             pins_.s_axil_arready, pins_.s_axil_rvalid, pins_.s_axis_latents_tready,
                             pins_.m_axis_codes_tvalid, pins_.irq_o}) {
        EXPECT_FALSE(pin.high()) << "ready, valid or irq is high in reset";
      }
    }
    pins_.rst_ni.set(1);
    edge();
    cycle_ = 0;
  }

  std::size_t lanes() const { return lanes_; }
  std::size_t beat_bytes() const { return 4 * lanes_; }
  std::uint64_t cycle() const { return cycle_; }

  // ---- What is to be driven; queues, in order.
  void send(LatentBeat beat) { latents_.push_back(std::move(beat)); }
  // A row of these bytes, with the TKEEP it should have.
  void send_row(const std::vector<std::uint8_t>& bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += beat_bytes()) {
      LatentBeat beat;
      beat.last = at + beat_bytes() >= bytes.size();
      for (std::size_t i = 0; i < beat_bytes(); ++i) {
        const bool kept = at + i < bytes.size();
        beat.data.push_back(kept ? bytes[at + i] : static_cast<std::uint8_t>(noise_()));
        beat.keep.push_back(kept);
      }
      send(std::move(beat));
    }
  }
  void write(std::uint32_t address, std::uint32_t value, unsigned strobes = 0xF) {
    aw_.push_back(address);
    w_.push_back({value, strobes});
    writes_.push_back({address, value, strobes});
  }
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

  void run(int cycles) {
    for (int i = 0; i < cycles && !::testing::Test::HasFatalFailure(); ++i) step();
  }
  // Until nothing is queued or due; false (and a failure) if that takes too long.
  bool finish() {
    for (int i = 0; i < 100'000; ++i) {
      if (::testing::Test::HasFailure()) return false;
      if (latents_.empty() && aw_.empty() && w_.empty() && ar_.empty() && writes_.empty() &&
          responses_due_ == 0 && reads_due_ == 0 && contract.expected.empty()) {
        run(8);  // nothing more may come
        return !::testing::Test::HasFailure();
      }
      step();
    }
    ADD_FAILURE() << "no end at cycle " << cycle_ << ": " << latents_.size() << " beats to accept, "
                  << contract.expected.size() << " to come";
    return false;
  }
  std::uint32_t read_now(std::uint32_t address) {
    read(address);
    if (!finish()) return 0;
    EXPECT_EQ(reads.back().response, 0U);
    return reads.back().data;
  }
  void write_now(std::uint32_t address, std::uint32_t value, unsigned strobes = 0xF) {
    write(address, value, strobes);
    if (finish()) {
      EXPECT_EQ(write_responses.back(), 0U);
    }
  }
  // Everything that software can read, against the contract. Ends all traffic first.
  void check_registers() {
    ASSERT_TRUE(finish());
    EXPECT_EQ(read_now(encoder::kFormat), contract.format);
    EXPECT_EQ(read_now(encoder::kThreshold), contract.threshold);
    EXPECT_EQ(read_now(encoder::kControl),
              encoder::kControlIrqEnable.make(contract.irq_enable ? 1 : 0));
    const std::uint32_t latents = read_now(encoder::kLatentCount);
    const std::uint32_t nans = read_now(encoder::kNanCount);
    const std::uint32_t status = read_now(encoder::kStatus);
    if (!contract.exact) {  // from here on it is again
      EXPECT_LE(latents, contract.latents);
      EXPECT_LE(nans, contract.nans);
      EXPECT_EQ(status & encoder::kStatusSticky & ~contract.sticky, 0U);
      contract.latents = latents;
      contract.nans = nans;
      contract.sticky = status & encoder::kStatusSticky;
      contract.exact = true;
    }
    EXPECT_EQ(latents, contract.latents);
    EXPECT_EQ(nans, contract.nans);
    EXPECT_EQ(status, contract.sticky | encoder::kStatusBusy.make(contract.row_open() ? 1 : 0) |
                          encoder::kStatusDiscard.make(contract.discard() ? 1 : 0));
    EXPECT_EQ(irq(), contract.irq_enable && contract.sticky != 0);
  }

  void step() {
    const std::vector<std::uint8_t> before = outputs();

    // A write acts on the edge on which its response becomes valid.
    if (pins_.s_axil_bvalid.high() && !b_waited_) carry_out_write();
    ASSERT_FALSE(pins_.s_axil_rvalid.high() && reads_due_ == 0) << "read data from nowhere";

    drive();
    core_->eval();
    ASSERT_EQ(outputs(), before) << "an output depends on an input, cycle " << cycle_;
    check_held();
    sample();
    if (::testing::Test::HasFatalFailure()) return;
    edge();
    ++cycle_;
  }

 private:
  struct WriteData {
    std::uint32_t value;
    unsigned strobes;
  };
  struct Write {
    std::uint32_t address, value;
    unsigned strobes;
  };

  std::vector<Pin> inputs() const {
    return {pins_.s_axil_awaddr,        pins_.s_axil_awprot,        pins_.s_axil_awvalid,
            pins_.s_axil_wdata,         pins_.s_axil_wstrb,         pins_.s_axil_wvalid,
            pins_.s_axil_bready,        pins_.s_axil_araddr,        pins_.s_axil_arprot,
            pins_.s_axil_arvalid,       pins_.s_axil_rready,        pins_.s_axis_latents_tdata,
            pins_.s_axis_latents_tkeep, pins_.s_axis_latents_tlast, pins_.s_axis_latents_tvalid,
            pins_.m_axis_codes_tready};
  }
  static void append(std::vector<std::uint8_t>& bytes, const Pin& pin) {
    bytes.insert(bytes.end(), pin.bytes, pin.bytes + pin.size);
  }
  std::vector<std::uint8_t> codes_payload() const {
    std::vector<std::uint8_t> bytes;
    for (const Pin& pin :
         {pins_.m_axis_codes_tdata, pins_.m_axis_codes_tkeep, pins_.m_axis_codes_tlast}) {
      append(bytes, pin);
    }
    return bytes;
  }
  std::vector<std::uint8_t> outputs() const {
    std::vector<std::uint8_t> bytes = codes_payload();
    for (const Pin& pin :
         {pins_.irq_o, pins_.s_axil_awready, pins_.s_axil_wready, pins_.s_axil_bresp,
          pins_.s_axil_bvalid, pins_.s_axil_arready, pins_.s_axil_rdata, pins_.s_axil_rresp,
          pins_.s_axil_rvalid, pins_.s_axis_latents_tready, pins_.m_axis_codes_tvalid}) {
      append(bytes, pin);
    }
    return bytes;
  }

  void edge() {
    pins_.clk_i.set(1);
    core_->eval();
    pins_.clk_i.set(0);
    core_->eval();
  }

  void carry_out_write() {
    ASSERT_FALSE(writes_.empty()) << "a write response from nowhere, cycle " << cycle_;
    const Write write = writes_.front();
    writes_.pop_front();
    ++responses_due_;
    last_write_cycle = cycle_ - 1;
    const bool okay = contract.write(write.address, write.value, write.strobes, codes_waited_);
    EXPECT_EQ(pins_.s_axil_bresp.get(), okay ? 0U : 2U) << fmt::format(
        "writing {:#x} to {:#x}, strobes {:#x}", write.value, write.address, write.strobes);
  }

  // Whatever is not offered is noise.
  void drive() {
    if (!aw_offered_) {
      aw_offered_ = !aw_.empty() && !hold_aw && !aw_gaps_.next();
      pins_.s_axil_awaddr.set((aw_offered_ ? aw_.front() : noise_()) & 0xFF);
      pins_.s_axil_awprot.set(noise_() & 7);
    }
    if (!w_offered_) {
      w_offered_ = !w_.empty() && !hold_w && !w_gaps_.next();
      pins_.s_axil_wdata.set(w_offered_ ? w_.front().value : noise_());
      pins_.s_axil_wstrb.set(w_offered_ ? w_.front().strobes : noise_() & 0xF);
    }
    if (!ar_offered_) {
      ar_offered_ = !ar_.empty() && !ar_gaps_.next();
      pins_.s_axil_araddr.set((ar_offered_ ? ar_.front() : noise_()) & 0xFF);
      pins_.s_axil_arprot.set(noise_() & 7);
    }
    if (!latent_offered_) {
      latent_offered_ = !latents_.empty() && !hold_latents && !latent_gaps_.next();
      const Pin& data = pins_.s_axis_latents_tdata;
      const Pin& keep = pins_.s_axis_latents_tkeep;
      std::memset(keep.bytes, 0, keep.size);
      for (std::size_t i = 0; i < beat_bytes(); ++i) {
        data.bytes[i] =
            latent_offered_ ? latents_.front().data[i] : static_cast<std::uint8_t>(noise_());
        const bool kept = latent_offered_ ? bool{latents_.front().keep[i]} : (noise_() & 1) != 0;
        keep.bytes[i / 8] =
            static_cast<std::uint8_t>(keep.bytes[i / 8] | (kept ? 1U << (i % 8) : 0U));
      }
      pins_.s_axis_latents_tlast.set(latent_offered_ ? latents_.front().last : noise_() & 1);
    }
    pins_.s_axil_awvalid.set(aw_offered_);
    pins_.s_axil_wvalid.set(w_offered_);
    pins_.s_axil_arvalid.set(ar_offered_);
    pins_.s_axis_latents_tvalid.set(latent_offered_);
    pins_.s_axil_bready.set(!b_stalls_.next());
    pins_.s_axil_rready.set(!r_stalls_.next());
    pins_.m_axis_codes_tready.set(!hold_codes && !code_stalls_.next());
  }

  // What was offered and not accepted is still there.
  void check_held() {
    if (codes_waited_) {
      ASSERT_TRUE(pins_.m_axis_codes_tvalid.high()) << "codes went, cycle " << cycle_;
      ASSERT_EQ(codes_payload(), codes_before_) << "codes changed, cycle " << cycle_;
    }
    if (b_waited_) {
      ASSERT_TRUE(pins_.s_axil_bvalid.high()) << "a write response went, cycle " << cycle_;
      ASSERT_EQ(pins_.s_axil_bresp.get(), b_before_) << "it changed, cycle " << cycle_;
    }
    if (r_waited_) {
      ASSERT_TRUE(pins_.s_axil_rvalid.high()) << "read data went, cycle " << cycle_;
      ASSERT_EQ(pins_.s_axil_rdata.get() << 2 | pins_.s_axil_rresp.get(), r_before_)
          << "it changed, cycle " << cycle_;
    }
    codes_waited_ = pins_.m_axis_codes_tvalid.high() && !pins_.m_axis_codes_tready.high();
    codes_before_ = codes_payload();
    b_waited_ = pins_.s_axil_bvalid.high() && !pins_.s_axil_bready.high();
    b_before_ = pins_.s_axil_bresp.get();
    r_waited_ = pins_.s_axil_rvalid.high() && !pins_.s_axil_rready.high();
    r_before_ = pins_.s_axil_rdata.get() << 2 | pins_.s_axil_rresp.get();
  }

  static bool moves(const Pin& valid, const Pin& ready) { return valid.high() && ready.high(); }

  void sample() {
    if (pins_.m_axis_codes_tvalid.high()) {
      ASSERT_FALSE(contract.expected.empty()) << "codes from nowhere, cycle " << cycle_;
      const Pin& data = pins_.m_axis_codes_tdata;
      ASSERT_EQ((CodeBeat{{data.bytes, data.bytes + lanes_ / 2},
                          pins_.m_axis_codes_tkeep.get(),
                          pins_.m_axis_codes_tlast.high()}),
                contract.expected.front())
          << "beat " << beats_out << ", cycle " << cycle_;
      if (pins_.m_axis_codes_tready.high()) {
        contract.expected.pop_front();
        ++beats_out;
      }
    }
    if (moves(pins_.s_axis_latents_tvalid, pins_.s_axis_latents_tready)) {
      contract.accept(latents_.front());
      latents_.pop_front();
      latent_offered_ = false;
      last_accept_cycle = cycle_;
      ++beats_in;
    }
    if (moves(pins_.s_axil_awvalid, pins_.s_axil_awready)) {
      aw_.pop_front();
      aw_offered_ = false;
    }
    if (moves(pins_.s_axil_wvalid, pins_.s_axil_wready)) {
      w_.pop_front();
      w_offered_ = false;
    }
    if (moves(pins_.s_axil_arvalid, pins_.s_axil_arready)) {
      ar_.pop_front();
      ar_offered_ = false;
      ++reads_due_;
    }
    if (moves(pins_.s_axil_bvalid, pins_.s_axil_bready)) {
      write_responses.push_back(static_cast<unsigned>(pins_.s_axil_bresp.get()));
      --responses_due_;
    }
    if (moves(pins_.s_axil_rvalid, pins_.s_axil_rready)) {
      reads.push_back({static_cast<std::uint32_t>(pins_.s_axil_rdata.get()),
                       static_cast<unsigned>(pins_.s_axil_rresp.get())});
      --reads_due_;
    }
  }

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
