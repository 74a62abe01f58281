// SPDX-License-Identifier: Apache-2.0
// Which error bits of STATUS must be set and which may be, by what a host knows of its own doings.
#ifndef SZT_TESTS_COSIM_ERROR_LEDGER_H_
#define SZT_TESTS_COSIM_ERROR_LEDGER_H_

#include <cstdint>
#include <vector>

namespace szt::sim {

class ErrorLedger {
 public:
  // Bits that are set now.
  void raised(std::uint32_t bits) { certain_ |= bits; }
  // Bits that may have been set by now.
  void uncertain(std::uint32_t bits) { uncertain_ |= bits; }
  // A beat of a command was handed over that will set the bit once it is accepted.
  void sent(std::uint32_t bit, std::uint64_t command) { on_the_way_.push_back({bit, command}); }
  // All beats of the command were accepted, or no more of them will be.
  void done(std::uint64_t command) { settle(command, true); }
  void dropped(std::uint64_t command) { settle(command, false); }
  // A 1 was written to the bits: nobody knows on which side of it a beat was that is on its way.
  void cleared(std::uint32_t bits) {
    certain_ &= ~bits;
    uncertain_ &= ~bits;
    for (Event& event : on_the_way_) event.clouded |= (event.bit & bits) != 0;
  }

  std::uint32_t certain() const { return certain_; }
  std::uint32_t possible() const {
    std::uint32_t bits = certain_ | uncertain_;
    for (const Event& event : on_the_way_) bits |= event.bit;
    return bits;
  }

 private:
  struct Event {
    std::uint32_t bit;
    std::uint64_t command;
    bool clouded = false;
  };

  void settle(std::uint64_t command, bool accepted) {
    for (const Event& event : on_the_way_) {
      if (event.command != command) continue;
      (accepted && !event.clouded ? certain_ : uncertain_) |= event.bit;
    }
    std::erase_if(on_the_way_, [&](const Event& event) { return event.command == command; });
  }

  std::vector<Event> on_the_way_;
  std::uint32_t certain_ = 0, uncertain_ = 0;
};

}  // namespace szt::sim

#endif  // SZT_TESTS_COSIM_ERROR_LEDGER_H_
