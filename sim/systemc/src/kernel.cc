// SPDX-License-Identifier: Apache-2.0
#include "szt/systemc/kernel.h"

#include <vector>

namespace szt::systemc {
namespace {

void kill_threads(const std::vector<sc_core::sc_object*>& objects) {
  // A copy: killing a thread changes the list.
  for (sc_core::sc_object* object : std::vector<sc_core::sc_object*>(objects)) {
    kill_threads(object->get_child_objects());
    sc_core::sc_process_handle process(object);
    if (process.valid() && process.proc_kind() == sc_core::SC_THREAD_PROC_ &&
        !process.terminated()) {
      process.kill();
    }
  }
}

}  // namespace

Kernel::Kernel() : context_(std::make_unique<sc_core::sc_simcontext>()) {
  const Use use(*this);
  end_ = std::make_unique<sc_core::sc_event>("end");
  spawn_method("end_all", {end_.get()}, [] { kill_threads(sc_core::sc_get_top_level_objects()); });
}

Kernel::~Kernel() {
  const Use use(*this);
  const bool started = sc_core::sc_get_status() != sc_core::SC_ELABORATION;
  end_.reset();
  if (!started || ended_) {
    context_.reset();
    return;
  }
  // Not lost, so that no leak checker minds.
  static auto* const abandoned = new std::vector<std::unique_ptr<sc_core::sc_simcontext>>;
  abandoned->push_back(std::move(context_));
}

void Kernel::end() noexcept {
  if (ended_) return;
  const Use use(*this);
  try {
    // A thread has no stack before the simulation starts.
    if (sc_core::sc_get_status() != sc_core::SC_ELABORATION) {
      end_->notify(sc_core::SC_ZERO_TIME);
      sc_core::sc_start(sc_core::sc_get_time_resolution());  // no time would stop before the method
    }
    ended_ = true;
  } catch (const sc_core::sc_report&) {  // the simulation ended by an error
  }
}

}  // namespace szt::systemc
