// SPDX-License-Identifier: Apache-2.0
#include "cosim/matmul_bench.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "bus.h"
#include "cosim/cosim_util.h"

namespace szt::sim {
namespace {

bool moves(const Pin& valid, const Pin& ready) { return valid.high() && ready.high(); }

}  // namespace

MatmulBench::MatmulBench() : core_(szt_make_rtl_core(nullptr, test_seed() | 1)), p(core_->pins()) {
  p.clk_i.set(0);
  reset();
  p.rst_ni.set(1);
  edge();
}

void MatmulBench::reset() {
  p.rst_ni.set(0);
  for (const Pin& pin :
       {p.s_axil_awvalid, p.s_axil_wvalid, p.s_axil_bready, p.s_axil_arvalid, p.s_axil_rready,
        p.s_axis_codes_tvalid, p.s_axis_activations_tvalid, p.m_axis_results_tready}) {
    pin.set(0);
  }
  for (const Pin& pin : {p.s_axis_codes_tkeep, p.s_axis_activations_tkeep}) pin.set(0);
  core_->eval();
  for (int i = 0; i < 3; ++i) {
    edge();
    for (const Pin& pin :
         {p.s_axil_awready, p.s_axil_wready, p.s_axil_bvalid, p.s_axil_arready, p.s_axil_rvalid,
          p.s_axis_codes_tready, p.s_axis_activations_tready, p.m_axis_results_tvalid, p.irq_o}) {
      EXPECT_FALSE(pin.high()) << "ready, valid or irq in reset";
    }
  }
}

void MatmulBench::edge() {
  for (Sender& sender : senders) sender.sample();
  if (moves(p.m_axis_results_tvalid, p.m_axis_results_tready)) {
    results.push_back(p.m_axis_results_tdata.bytes[0]);
  }
  p.clk_i.set(1);
  core_->eval();
  p.clk_i.set(0);
  core_->eval();
  for (Sender& sender : senders) sender.drive();
  if (ready_every != 0) p.m_axis_results_tready.set(++cycle_ % ready_every == 0 ? 1 : 0);
}

Traffic MatmulBench::traffic(const std::vector<Write>& writes,
                             const std::vector<std::uint32_t>& addresses, const BusStalls& stalls,
                             std::uint64_t seed) {
  StreamSource aw(stalls.aw, 8 * seed), w(stalls.w, 8 * seed + 1), ar(stalls.ar, 8 * seed + 2);
  StallGenerator b(stalls.b, 8 * seed + 3), r(stalls.r, 8 * seed + 4);
  std::size_t aw_sent = 0, w_sent = 0, ar_sent = 0;
  Traffic done;
  while (done.writes.size() < writes.size() || done.reads.size() < addresses.size()) {
    if (++done.cycles > kTimeout) {
      ADD_FAILURE() << fmt::format("hangs: {}, {} and {} of {} writes, {} and {} of {} reads",
                                   aw_sent, w_sent, done.writes.size(), writes.size(), ar_sent,
                                   done.reads.size(), addresses.size());
      break;
    }
    bool fresh = false;
    p.s_axil_awvalid.set(aw.offer(aw_sent < writes.size(), fresh) ? 1 : 0);
    if (fresh) p.s_axil_awaddr.set(writes[aw_sent].address);
    p.s_axil_wvalid.set(w.offer(w_sent < writes.size(), fresh) ? 1 : 0);
    if (fresh) {
      p.s_axil_wdata.set(writes[w_sent].data);
      p.s_axil_wstrb.set(writes[w_sent].strobes);
    }
    p.s_axil_arvalid.set(ar.offer(ar_sent < addresses.size(), fresh) ? 1 : 0);
    if (fresh) p.s_axil_araddr.set(addresses[ar_sent]);
    p.s_axil_bready.set(b.next() ? 0 : 1);
    p.s_axil_rready.set(r.next() ? 0 : 1);
    if (moves(p.s_axil_awvalid, p.s_axil_awready)) {
      aw.accept();
      ++aw_sent;
    }
    if (moves(p.s_axil_wvalid, p.s_axil_wready)) {
      w.accept();
      ++w_sent;
    }
    if (moves(p.s_axil_arvalid, p.s_axil_arready)) {
      ar.accept();
      ++ar_sent;
    }
    if (moves(p.s_axil_bvalid, p.s_axil_bready)) {
      done.writes.push_back(static_cast<unsigned>(p.s_axil_bresp.get()));
    }
    if (moves(p.s_axil_rvalid, p.s_axil_rready)) {
      done.reads.push_back({static_cast<unsigned>(p.s_axil_rresp.get()),
                            static_cast<std::uint32_t>(p.s_axil_rdata.get())});
    }
    edge();
  }
  for (const Pin& pin :
       {p.s_axil_awvalid, p.s_axil_wvalid, p.s_axil_arvalid, p.s_axil_bready, p.s_axil_rready}) {
    pin.set(0);
  }
  return done;
}

void MatmulBench::write(std::uint32_t address, std::uint32_t data, unsigned strobes) {
  EXPECT_EQ(traffic({{address, data, strobes}}, {}).writes, std::vector<unsigned>{kOkay})
      << fmt::format("write of {:#x} to {:#x}", data, address);
}

std::uint32_t MatmulBench::read(std::uint32_t address) {
  const Traffic done = traffic({}, {address});
  if (done.reads.size() != 1 || done.reads[0].response != kOkay) {
    ADD_FAILURE() << fmt::format("read of {:#x}", address);
    return 0;
  }
  return done.reads[0].data;
}

void MatmulBench::set_command(std::uint32_t m, std::uint32_t k_tiles, std::uint32_t n_tiles,
                              std::uint32_t mode) {
  const Traffic done = traffic({{matmul::kM, m},
                                {matmul::kKTiles, k_tiles},
                                {matmul::kNTiles, n_tiles},
                                {matmul::kMode, mode}},
                               {});
  EXPECT_EQ(done.writes, std::vector<unsigned>(4, kOkay));
}

void MatmulBench::run_streams(bool last, bool keep) {
  for (const Pin& pin : {p.s_axis_codes_tlast, p.s_axis_activations_tlast}) pin.set(last ? 1 : 0);
  p.s_axis_codes_tkeep.set(keep ? 1 : 0);
  p.s_axis_activations_tkeep.set(keep ? 0xF : 0);
  p.m_axis_results_tready.set(0);
  for (const Pin& pin :
       {p.s_axis_codes_tvalid, p.s_axis_activations_tvalid, p.m_axis_results_tready}) {
    pin.set(1);
    for (int i = 0; i < 50; ++i) edge();
  }
  for (int i = 0; matmul::kStatusBusy.get(status()) != 0; ++i) ASSERT_LT(i, kTimeout);
  // What is offered now stays: until the next command or reset.
}

void MatmulBench::send(std::uint32_t codes, std::uint32_t activations, int packets) {
  p.s_axis_codes_tkeep.set(1);
  p.s_axis_activations_tkeep.set(0xF);
  const auto sender = [packets](const Pin& valid, const Pin& ready, const Pin& last,
                                std::uint32_t beats) {
    const auto packet = static_cast<int>(beats);
    return Sender{valid, ready, last, packet, packets * packet};
  };
  senders = {sender(p.s_axis_codes_tvalid, p.s_axis_codes_tready, p.s_axis_codes_tlast, codes),
             sender(p.s_axis_activations_tvalid, p.s_axis_activations_tready,
                    p.s_axis_activations_tlast, activations)};
}

bool MatmulBench::sent() const {
  return std::all_of(senders.begin(), senders.end(), [](const Sender& s) { return s.left == 0; });
}

void MatmulBench::raise_all() {
  set_command(0, 1, 1, 3);
  control(matmul::kControlStart.mask());
  set_command(1, 1, 1, 0);
  traffic(std::vector<Write>(4, {matmul::kControl, matmul::kControlStart.mask()}), {});
  run_streams(false, false);
  ASSERT_EQ(status(), matmul::kStatusSticky);
}

}  // namespace szt::sim
