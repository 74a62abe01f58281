// SPDX-License-Identifier: Apache-2.0
#include "cosim/encoder_bench.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>

#include "szt/sim/registers.h"

namespace szt::sim {
namespace {

void append(std::vector<std::uint8_t>& bytes, const Pin& pin) {
  bytes.insert(bytes.end(), pin.bytes, pin.bytes + pin.size);
}

bool moves(const Pin& valid, const Pin& ready) { return valid.high() && ready.high(); }

}  // namespace

EncoderBench::EncoderBench(std::size_t lanes, const BenchStalls& stalls, std::uint64_t seed)
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

void EncoderBench::send_row(const std::vector<std::uint8_t>& bytes) {
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

void EncoderBench::write(std::uint32_t address, std::uint32_t value, unsigned strobes) {
  aw_.push_back(address);
  w_.push_back({value, strobes});
  writes_.push_back({address, value, strobes});
}

void EncoderBench::run(int cycles) {
  for (int i = 0; i < cycles && !::testing::Test::HasFatalFailure(); ++i) step();
}

bool EncoderBench::finish() {
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

std::uint32_t EncoderBench::read_now(std::uint32_t address) {
  read(address);
  if (!finish()) return 0;
  EXPECT_EQ(reads.back().response, 0U);
  return reads.back().data;
}

void EncoderBench::write_now(std::uint32_t address, std::uint32_t value, unsigned strobes) {
  write(address, value, strobes);
  if (finish()) {
    EXPECT_EQ(write_responses.back(), 0U);
  }
}

void EncoderBench::check_registers() {
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

void EncoderBench::step() {
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

std::vector<Pin> EncoderBench::inputs() const {
  return {pins_.s_axil_awaddr,        pins_.s_axil_awprot,        pins_.s_axil_awvalid,
          pins_.s_axil_wdata,         pins_.s_axil_wstrb,         pins_.s_axil_wvalid,
          pins_.s_axil_bready,        pins_.s_axil_araddr,        pins_.s_axil_arprot,
          pins_.s_axil_arvalid,       pins_.s_axil_rready,        pins_.s_axis_latents_tdata,
          pins_.s_axis_latents_tkeep, pins_.s_axis_latents_tlast, pins_.s_axis_latents_tvalid,
          pins_.m_axis_codes_tready};
}

std::vector<std::uint8_t> EncoderBench::codes_payload() const {
  std::vector<std::uint8_t> bytes;
  for (const Pin& pin :
       {pins_.m_axis_codes_tdata, pins_.m_axis_codes_tkeep, pins_.m_axis_codes_tlast}) {
    append(bytes, pin);
  }
  return bytes;
}

std::vector<std::uint8_t> EncoderBench::outputs() const {
  std::vector<std::uint8_t> bytes = codes_payload();
  for (const Pin& pin :
       {pins_.irq_o, pins_.s_axil_awready, pins_.s_axil_wready, pins_.s_axil_bresp,
        pins_.s_axil_bvalid, pins_.s_axil_arready, pins_.s_axil_rdata, pins_.s_axil_rresp,
        pins_.s_axil_rvalid, pins_.s_axis_latents_tready, pins_.m_axis_codes_tvalid}) {
    append(bytes, pin);
  }
  return bytes;
}

void EncoderBench::edge() {
  pins_.clk_i.set(1);
  core_->eval();
  pins_.clk_i.set(0);
  core_->eval();
}

void EncoderBench::carry_out_write() {
  ASSERT_FALSE(writes_.empty()) << "a write response from nowhere, cycle " << cycle_;
  const Write write = writes_.front();
  writes_.pop_front();
  ++responses_due_;
  last_write_cycle = cycle_ - 1;
  const bool okay = contract.write(write.address, write.value, write.strobes, codes_waited_);
  EXPECT_EQ(pins_.s_axil_bresp.get(), okay ? 0U : 2U) << fmt::format(
      "writing {:#x} to {:#x}, strobes {:#x}", write.value, write.address, write.strobes);
}

void EncoderBench::drive() {
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

void EncoderBench::check_held() {
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

void EncoderBench::sample() {
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

}  // namespace szt::sim
