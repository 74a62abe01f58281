// SPDX-License-Identifier: Apache-2.0
#include "register_model.h"

namespace szt::sim {
namespace {

constexpr std::uint32_t kMaxTiles = (1U << 24) - 1;
constexpr std::uint32_t kFormatSzt = 1;

}  // namespace

RegisterModel::RegisterModel(const Configuration& configuration, RegisterClient& client)
    : configuration_(configuration), client_(client) {}

void RegisterModel::note_done() {
  sticky_ |= matmul::kStatusDone.mask();
  ++done_count_;
}

bool RegisterModel::write(std::uint32_t address, std::uint32_t value) {
  switch (address & ~3U) {
    case matmul::kControl:
      control(value);
      return true;
    case matmul::kStatus:
      sticky_ &= ~value;
      return true;
    case matmul::kIrqMask:
      irq_mask_ = value & matmul::kStatusSticky;
      return true;
    case matmul::kM:
      m_ = value;
      return true;
    case matmul::kKTiles:
      k_tiles_ = value;
      return true;
    case matmul::kNTiles:
      n_tiles_ = value;
      return true;
    case matmul::kMode:
      mode_ = value;
      return true;
    default:
      return false;
  }
}

void RegisterModel::control(std::uint32_t value) {
  irq_enable_ = matmul::kControlIrqEnable.get(value) != 0;
  if (matmul::kControlSoftReset.get(value) != 0) client_.soft_reset();
  if (matmul::kControlFlush.get(value) != 0) client_.flush();
  if (matmul::kControlStart.get(value) != 0) start();
}

void RegisterModel::start() {
  const auto depth = static_cast<std::uint32_t>(configuration_.acc_depth);
  const bool size_ok = m_ >= 1 && m_ <= depth && k_tiles_ >= 1 && k_tiles_ <= kMaxTiles &&
                       n_tiles_ >= 1 && n_tiles_ <= kMaxTiles;
  const bool mode_ok = mode_ < static_cast<std::uint32_t>(kDecodeModeCount);
  const bool room = client_.status().room;
  if (!size_ok) note_error(matmul::kStatusErrorSize);
  if (!mode_ok) note_error(matmul::kStatusErrorMode);
  if (!room) note_error(matmul::kStatusErrorQueue);
  if (size_ok && mode_ok && room) {
    client_.start({m_, k_tiles_, n_tiles_, static_cast<DecodeMode>(mode_)});
  }
}

std::uint32_t RegisterModel::status() const {
  const RegisterClient::Status status = client_.status();
  return sticky_ | matmul::kStatusBusy.make(status.busy) | matmul::kStatusQueue.make(status.queue) |
         matmul::kStatusResultHeld.make(status.result_held) |
         matmul::kStatusDiscardCodes.make(status.discard_codes) |
         matmul::kStatusDiscardActivations.make(status.discard_activations);
}

std::uint32_t RegisterModel::built() const {
  return matmul::kConfigRows.make(static_cast<std::uint32_t>(configuration_.rows)) |
         matmul::kConfigCols.make(static_cast<std::uint32_t>(configuration_.cols)) |
         matmul::kConfigFormat.make(kFormatSzt) | matmul::kConfigBackward.make(1) |
         matmul::kConfigActWidth.make(static_cast<std::uint32_t>(configuration_.act_width)) |
         matmul::kConfigAccWidth.make(static_cast<std::uint32_t>(configuration_.acc_width));
}

std::optional<std::uint32_t> RegisterModel::read(std::uint32_t address) {
  if ((address & ~3U) == matmul::kCycles) {
    cycles_high_ = static_cast<std::uint32_t>(client_.status().busy_cycles >> 32) & 0xFFFFU;
  }
  return peek(address);
}

std::optional<std::uint32_t> RegisterModel::peek(std::uint32_t address) const {
  switch (address & ~3U) {
    case matmul::kId:
      return matmul::kIdValue;
    case matmul::kVersion:
      return kVersionValue;
    case matmul::kConfig:
      return built();
    case matmul::kAccDepth:
      return static_cast<std::uint32_t>(configuration_.acc_depth);
    case matmul::kControl:
      return matmul::kControlIrqEnable.make(irq_enable_);
    case matmul::kStatus:
      return status();
    case matmul::kIrqMask:
      return irq_mask_;
    case matmul::kM:
      return m_;
    case matmul::kKTiles:
      return k_tiles_;
    case matmul::kNTiles:
      return n_tiles_;
    case matmul::kMode:
      return mode_;
    case matmul::kDoneCount:
      return done_count_;
    case matmul::kCycles:
      return static_cast<std::uint32_t>(client_.status().busy_cycles);
    case matmul::kCyclesHigh:
      return cycles_high_;
    case matmul::kCodesStalls:
    case matmul::kActivationsStalls:
    case matmul::kResultsStalls:
      return 0;  // nothing stalls here
    default:
      return std::nullopt;
  }
}

}  // namespace szt::sim
