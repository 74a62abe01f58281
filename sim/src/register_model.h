// SPDX-License-Identifier: Apache-2.0
// The registers of szt_matmul as software sees them, for devices without RTL.
#ifndef SZT_SIM_SRC_REGISTER_MODEL_H_
#define SZT_SIM_SRC_REGISTER_MODEL_H_

#include <cstdint>
#include <optional>

#include "szt/configuration.h"
#include "szt/cycle_model.h"
#include "szt/sim/registers.h"

namespace szt::sim {

// What the registers control and show.
class RegisterClient {
 public:
  struct Status {
    bool busy = false;
    bool result_held = false;
    std::uint32_t queue = 0;  // commands that wait behind the one being loaded, as the map has it
    bool room = true;         // START is taken
    bool discard_codes = false;
    bool discard_activations = false;
    std::uint64_t busy_cycles = 0;  // since reset
  };

  virtual ~RegisterClient() = default;
  virtual Status status() const = 0;
  virtual void start(const Command& command) = 0;  // legal, and there is room
  virtual void soft_reset() = 0;
  virtual void flush() = 0;
};

class RegisterModel {
 public:
  RegisterModel(const Configuration& configuration, RegisterClient& client);

  // As Device has them.
  bool write(std::uint32_t address, std::uint32_t value);
  std::optional<std::uint32_t> read(std::uint32_t address);
  // As read(), but keeps no CYCLES_HIGH.
  std::optional<std::uint32_t> peek(std::uint32_t address) const;
  bool irq() const { return irq_enable_ && (sticky_ & irq_mask_) != 0; }

  // Events.
  void note_done();
  void note_error(Field bit) { sticky_ |= bit.mask(); }

 private:
  void control(std::uint32_t value);
  void start();
  std::uint32_t status() const;
  std::uint32_t built() const;

  Configuration configuration_;
  RegisterClient& client_;
  std::uint32_t m_ = 0, k_tiles_ = 0, n_tiles_ = 0, mode_ = 0;
  std::uint32_t irq_mask_ = matmul::kIrqMaskReset;
  bool irq_enable_ = false;
  std::uint32_t sticky_ = 0;
  std::uint32_t done_count_ = 0;
  std::uint32_t cycles_high_ = 0;
};

}  // namespace szt::sim

#endif  // SZT_SIM_SRC_REGISTER_MODEL_H_
