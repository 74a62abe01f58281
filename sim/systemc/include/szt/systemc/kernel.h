// SPDX-License-Identifier: Apache-2.0
// A SystemC kernel of one's own, and processes without macros.
//
// SystemC has one elaboration a kernel and, as it comes, one kernel a process. Its kernel is an
// object, though, that a global pointer names (sc_curr_simcontext, in 2.3 and 3.0 alike). A Kernel
// is another one: any number of simulations after each other or in turns in one process, each with
// its modules, its time and its errors, beside the user's own. One thread at a time.
#ifndef SZT_SYSTEMC_KERNEL_H_
#define SZT_SYSTEMC_KERNEL_H_

#include <initializer_list>
#include <memory>
#include <systemc>
#include <utility>

namespace szt::systemc {

class Kernel {
 public:
  Kernel();
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  // Of a simulation that was started and not ended, SystemC keeps what it holds.
  ~Kernel();

  // While one lives, SystemC means this kernel: whenever its modules are made, run or destroyed.
  class Use {
   public:
    explicit Use(const Kernel& kernel) : previous_(sc_core::sc_curr_simcontext) {
      sc_core::sc_curr_simcontext = kernel.context_.get();
    }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use() { sc_core::sc_curr_simcontext = previous_; }

   private:
    sc_core::sc_simcontext* previous_;
  };

  // Ends the simulation and all its threads, which unwinds their stacks: before their modules are
  // destroyed. (SystemC 3.0 cannot destroy a kernel that has a thread.) After an error of the
  // simulation there is no way to do it, and nothing happens.
  void end() noexcept;

  // Does it at the end of a scope; declared behind the modules.
  class EndOfScope {
   public:
    explicit EndOfScope(Kernel& kernel) : kernel_(kernel) {}
    EndOfScope(const EndOfScope&) = delete;
    EndOfScope& operator=(const EndOfScope&) = delete;
    ~EndOfScope() { kernel_.end(); }

   private:
    Kernel& kernel_;
  };

 private:
  std::unique_ptr<sc_core::sc_simcontext> context_;
  std::unique_ptr<sc_core::sc_event> end_;
  bool ended_ = false;
};

// sc_start(duration) with AddressSanitizer told which stack it returns on. Throws what sc_start
// throws.
void run_for(const sc_core::sc_time& duration);

// Processes of the module that is being constructed. The macros of 2.3 need a declaration that 3.0
// warns about.
template <typename Function>
void spawn_method(const char* name, std::initializer_list<const sc_core::sc_event*> sensitivity,
                  Function function) {
  sc_core::sc_spawn_options options;
  options.spawn_method();
  options.dont_initialize();
  for (const sc_core::sc_event* event : sensitivity) options.set_sensitivity(event);
  sc_core::sc_spawn(std::move(function), name, &options);
}

template <typename Function>
void spawn_thread(const char* name, Function function) {
  sc_core::sc_spawn(std::move(function), name);
}

}  // namespace szt::systemc

#endif  // SZT_SYSTEMC_KERNEL_H_
