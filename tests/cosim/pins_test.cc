// SPDX-License-Identifier: Apache-2.0
// Every output of szt_matmul depends on registers alone: wiggling the inputs between clock edges
// moves none of them. The device models rely on it, and so may a user's timing closure.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "cosim/cosim_util.h"
#include "rtl_core.h"
#include "szt/sim/registers.h"

namespace szt::sim {
namespace {

constexpr std::uint32_t kDepth = 8;  // AccDepth, as built for this test

struct Input {
  Pin pin;
  unsigned width;

  std::uint64_t mask() const { return (std::uint64_t{1} << width) - 1; }
};

// At a clock edge a source is a legal one: what it offers stays until it is accepted.
struct Source {
  Pin valid, ready;
  std::vector<Input> payload;
  double gaps = 0;  // probability
  bool offers = false;

  bool accepted() const { return valid.high() && ready.high(); }
};

struct Write {
  std::uint32_t address, data;
  unsigned strobes;
};

class PinsTest : public testing::Test {
 protected:
  PinsTest() : core_(szt_make_rtl_core(nullptr, test_seed() | 1)), p_(core_->pins()) {
    aw_ = {p_.s_axil_awvalid, p_.s_axil_awready, {{p_.s_axil_awaddr, 8}, {p_.s_axil_awprot, 3}}};
    w_ = {p_.s_axil_wvalid, p_.s_axil_wready, {{p_.s_axil_wdata, 32}, {p_.s_axil_wstrb, 4}}};
    ar_ = {p_.s_axil_arvalid, p_.s_axil_arready, {{p_.s_axil_araddr, 8}, {p_.s_axil_arprot, 3}}};
    codes_ = {p_.s_axis_codes_tvalid,
              p_.s_axis_codes_tready,
              {{p_.s_axis_codes_tdata, 8}, {p_.s_axis_codes_tkeep, 1}, {p_.s_axis_codes_tlast, 1}}};
    activations_ = {p_.s_axis_activations_tvalid,
                    p_.s_axis_activations_tready,
                    {{p_.s_axis_activations_tdata, 32},
                     {p_.s_axis_activations_tkeep, 4},
                     {p_.s_axis_activations_tlast, 1}}};
    inputs_ = {{p_.rst_ni, 1},
               {p_.s_axil_bready, 1},
               {p_.s_axil_rready, 1},
               {p_.m_axis_results_tready, 1}};
    for (const Source* source : {&aw_, &w_, &ar_, &codes_, &activations_}) {
      inputs_.push_back({source->valid, 1});
      inputs_.insert(inputs_.end(), source->payload.begin(), source->payload.end());
    }
    p_.clk_i.set(0);
    for (const Input& input : inputs_) input.pin.set(0);
    core_->eval();
  }

  std::vector<std::uint8_t> outputs() const {
    std::vector<std::uint8_t> bytes;
    for (const Pin& pin :
         {p_.irq_o, p_.s_axil_awready, p_.s_axil_wready, p_.s_axil_bresp, p_.s_axil_bvalid,
          p_.s_axil_arready, p_.s_axil_rdata, p_.s_axil_rresp, p_.s_axil_rvalid,
          p_.s_axis_codes_tready, p_.s_axis_activations_tready, p_.m_axis_results_tvalid,
          p_.m_axis_results_tdata, p_.m_axis_results_tkeep, p_.m_axis_results_tlast}) {
      bytes.insert(bytes.end(), pin.bytes, pin.bytes + pin.size);
    }
    return bytes;
  }

  std::uint32_t below(std::uint32_t limit) {
    return static_cast<std::uint32_t>(generator_() % limit);
  }
  bool chance(double probability) {
    return static_cast<double>(generator_()) < probability * 0x1p64;
  }

  // The next few writes, in order: mostly commands that the core can run.
  void plan_writes() {
    const auto write = [this](std::uint32_t address, std::uint32_t data, unsigned strobes = 0xF) {
      writes_.push_back({address, data, strobes});
    };
    const std::uint32_t irq = below(2) != 0 ? matmul::kControlIrqEnable.mask() : 0;
    switch (const std::uint32_t what = below(40)) {
      case 0:
        write(matmul::kControl, irq | matmul::kControlSoftReset.mask());
        ++soft_resets_;
        return;
      case 1:
        write(matmul::kControl, irq | matmul::kControlFlush.mask());
        return;
      case 2:
        write(matmul::kControl, irq | below(8));  // any of the three, all in one write
        return;
      case 3:
      case 4:
        write(matmul::kStatus, static_cast<std::uint32_t>(generator_()), below(16));
        return;
      case 5:
        write(matmul::kIrqMask, static_cast<std::uint32_t>(generator_()), below(16));
        return;
      default:
        if (what < 12) {  // refused
          write(matmul::kDoneCount + 4 * below(53), static_cast<std::uint32_t>(generator_()));
          return;
        }
        write(matmul::kM, 1 + below(kDepth));
        write(matmul::kKTiles, 1 + below(3));
        write(matmul::kNTiles, 1 + below(2));
        write(matmul::kMode, below(what == 12 ? 4 : 3));
        write(matmul::kControl, irq | matmul::kControlStart.mask());
    }
  }

  // Legal inputs for the coming edge.
  void choose() {
    const bool reset = reset_left_ > 0;
    p_.rst_ni.set(reset ? 0 : 1);
    while (writes_.size() <= std::max(addresses_, data_)) plan_writes();
    for (Source* source : {&aw_, &w_, &ar_, &codes_, &activations_}) {
      if (reset || quiet_) {
        source->offers = false;
      } else if (!source->offers && !chance(source->gaps)) {
        source->offers = true;
        for (const Input& input : source->payload) input.pin.set(generator_() & input.mask());
        if (source == &aw_) p_.s_axil_awaddr.set(writes_[addresses_].address | below(4));
        if (source == &w_) {
          p_.s_axil_wdata.set(writes_[data_].data);
          p_.s_axil_wstrb.set(writes_[data_].strobes);
        }
      }
      source->valid.set(source->offers ? 1 : 0);
    }
    p_.s_axil_bready.set(chance(b_stalls_) ? 0 : 1);
    p_.s_axil_rready.set(chance(r_stalls_) ? 0 : 1);
    p_.m_axis_results_tready.set(chance(result_stalls_) ? 0 : 1);
    quiet_ = reset;
  }

  // What the coming edge accepts.
  void sample() {
    if (!p_.rst_ni.high()) return;
    for (Source* source : {&aw_, &w_, &ar_, &codes_, &activations_}) {
      if (source->accepted()) source->offers = false;
    }
    addresses_ += aw_.accepted() ? 1U : 0U;
    data_ += w_.accepted() ? 1U : 0U;
    reads_pending_ += ar_.accepted() ? 1U : 0U;
    if (p_.s_axil_bvalid.high() && p_.s_axil_bready.high()) {
      ++responses_;
      ++write_responses_;
    }
    if (p_.s_axil_rvalid.high() && p_.s_axil_rready.high()) {
      ++responses_;
      --reads_pending_;
    }
    results_ += p_.m_axis_results_tvalid.high() && p_.m_axis_results_tready.high() ? 1U : 0U;
    irqs_ += p_.irq_o.high() ? 1U : 0U;
    most_writes_ = std::max(most_writes_, std::min(addresses_, data_) - write_responses_);
    most_reads_ = std::max(most_reads_, reads_pending_);
  }

  void begin_reset() {
    reset_left_ = 1 + below(3);
    writes_.clear();
    addresses_ = data_ = write_responses_ = reads_pending_ = 0;
  }

  // Another mix of speeds: every channel at full rate, half of it, or nearly stuck.
  void change_pace() {
    constexpr double kPaces[] = {0, 0, 0.5, 0.9};
    for (double* pace : {&aw_.gaps, &w_.gaps, &ar_.gaps, &codes_.gaps, &activations_.gaps,
                         &b_stalls_, &r_stalls_, &result_stalls_}) {
      *pace = kPaces[below(4)];
    }
  }

  std::unique_ptr<RtlCore> core_;
  const CorePins p_;
  Source aw_, w_, ar_, codes_, activations_;
  std::vector<Input> inputs_;
  std::mt19937_64 generator_{test_seed()};
  double b_stalls_ = 0, r_stalls_ = 0, result_stalls_ = 0;

  std::uint32_t reset_left_ = 4;  // cycles
  bool quiet_ = true;             // the edge before was one in reset: nothing may be valid yet
  std::vector<Write> writes_;     // since reset
  std::size_t addresses_ = 0, data_ = 0, write_responses_ = 0;  // of these, sent and answered
  std::size_t reads_pending_ = 0;

  std::uint64_t results_ = 0, responses_ = 0, soft_resets_ = 0, irqs_ = 0;
  std::size_t most_writes_ = 0, most_reads_ = 0;
};

TEST_F(PinsTest, OutputsDependOnStateAlone) {
  SCOPED_TRACE(fmt::format("SZT_TEST_SEED={}", test_seed()));
  constexpr int kCycles = 40'000;
  for (int cycle = 0; cycle < kCycles; ++cycle) {
    if (cycle % 400 == 0) change_pace();
    if (cycle % 4'000 == 3'999) begin_reset();
    choose();
    core_->eval();
    const std::vector<std::uint8_t> before = outputs();
    std::vector<std::uint64_t> legal;
    for (const Input& input : inputs_) legal.push_back(input.pin.get());
    for (int i = 0; i < 4; ++i) {
      // All inputs at once, and back to the legal ones in the end.
      for (std::size_t j = 0; j < inputs_.size(); ++j) {
        inputs_[j].pin.set(i < 3 ? generator_() & inputs_[j].mask() : legal[j]);
      }
      core_->eval();
      ASSERT_EQ(outputs(), before) << "cycle " << cycle;
    }
    sample();
    if (reset_left_ > 0) --reset_left_;
    p_.clk_i.set(1);
    ASSERT_NO_THROW(core_->eval()) << "cycle " << cycle;
    p_.clk_i.set(0);
    core_->eval();
  }
  // It was busy meanwhile.
  EXPECT_GT(results_, 1'000U);
  EXPECT_GT(responses_, 500U);
  EXPECT_GT(soft_resets_, 20U);
  EXPECT_GT(irqs_, 1'000U);
  EXPECT_GE(most_writes_, 3U);
  EXPECT_GE(most_reads_, 3U);
}

}  // namespace
}  // namespace szt::sim
