// SPDX-License-Identifier: Apache-2.0
// A loadable "RTL" that is the real one behind faulty wires; $SZT_TEST_FAULT chooses the fault, so
// that the tests see how cosim reports each kind of failure.
//   bit   bit 7 of the first lane of every result is inverted
//   slow  each result waits a cycle after the one before it
//   hang  results never come
#include <dlfcn.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "rtl_core.h"

namespace szt::sim {
namespace {

template <typename Function>
Function* real(const char* name) {
  void* const library = dlopen(SZT_REAL_RTL, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(dlerror());
  return reinterpret_cast<Function*>(dlsym(library, name));
}

class BrokenCore final : public RtlCore {
 public:
  BrokenCore(const char* trace, std::uint64_t initial_state)
      : core_(real<decltype(szt_make_rtl_core)>("szt_make_rtl_core")(trace, initial_state)),
        pins_(core_->pins()),
        data_(pins_.m_axis_results_tdata.size) {
    if (const char* fault = std::getenv("SZT_TEST_FAULT")) fault_ = fault;
    pins_.m_axis_results_tvalid = {&valid_, 1};
    pins_.m_axis_results_tready = {&ready_, 1};
    pins_.m_axis_results_tdata = {data_.data(), data_.size()};
  }

  const CorePins& pins() const override { return pins_; }

  void eval() override {
    const CorePins& inside = core_->pins();
    const bool taken = ready_ != 0 && valid_ != 0;
    inside.m_axis_results_tready.set(taken ? 1 : 0);
    core_->eval();
    const bool arrived = inside.m_axis_results_tvalid.high();
    if (pins_.clk_i.high()) late_ = fault_ == "slow" && taken;
    valid_ = arrived && !late_ && fault_ != "hang" ? 1 : 0;
    const Pin& data = inside.m_axis_results_tdata;
    data_.assign(data.bytes, data.bytes + data.size);
    if (fault_ == "bit") data_[0] ^= 0x80;
  }

  void dump(std::uint64_t time) override { core_->dump(time); }

 private:
  std::unique_ptr<RtlCore> core_;
  CorePins pins_;
  std::string fault_;
  std::vector<std::uint8_t> data_;
  std::uint8_t valid_ = 0;
  std::uint8_t ready_ = 0;
  bool late_ = false;
};

}  // namespace
}  // namespace szt::sim

szt::sim::RtlCore* szt_make_rtl_core(const char* trace, std::uint64_t initial_state) {
  return new szt::sim::BrokenCore(trace, initial_state);
}

const char* szt_rtl_simulator() { return "real RTL behind faulty wires"; }
