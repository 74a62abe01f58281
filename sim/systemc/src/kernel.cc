// SPDX-License-Identifier: Apache-2.0
#include "szt/systemc/kernel.h"

#include <vector>

#ifdef __SANITIZE_ADDRESS__
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace szt::systemc {
namespace {

// libsystemc tells AddressSanitizer of the changes of stacks, but not of the one from a thread that
// ended, and has one record of the first stack for all kernels: without this the sanitizer takes a
// dead thread's stack for the one that sc_start was called on.
class BackOnThisStack {
 public:
  BackOnThisStack() = default;
  BackOnThisStack(const BackOnThisStack&) = delete;
  BackOnThisStack& operator=(const BackOnThisStack&) = delete;
  ~BackOnThisStack() {
#ifdef __SANITIZE_ADDRESS__
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) return;
    void* bottom = nullptr;
    std::size_t size = 0;
    pthread_attr_getstack(&attributes, &bottom, &size);
    pthread_attr_destroy(&attributes);
    void* fake_stack = nullptr;  // kept: this stack goes on
    __sanitizer_start_switch_fiber(&fake_stack, bottom, size);
    __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#endif
  }
};

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

void run_for(const sc_core::sc_time& duration) {
  const BackOnThisStack back;
  sc_core::sc_start(duration);
}

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
      run_for(sc_core::sc_get_time_resolution());  // no time would stop before the method
    }
    ended_ = true;
  } catch (const sc_core::sc_report&) {  // the simulation ended by an error
  }
}

}  // namespace szt::systemc
