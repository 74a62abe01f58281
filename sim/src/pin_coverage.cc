// SPDX-License-Identifier: Apache-2.0
#include "pin_coverage.h"

#include <algorithm>
#include <string>

#include "szt/sim/registers.h"

namespace szt::sim {
namespace {

struct Register {
  std::uint32_t address;
  const char* name;
  bool read_only;
};
constexpr Register kRegisters[] = {{matmul::kId, "ID", true},
                                   {matmul::kVersion, "VERSION", true},
                                   {matmul::kConfig, "CONFIG", true},
                                   {matmul::kAccDepth, "ACC_DEPTH", true},
                                   {matmul::kControl, "CONTROL", false},
                                   {matmul::kStatus, "STATUS", false},
                                   {matmul::kIrqMask, "IRQ_MASK", false},
                                   {matmul::kM, "M", false},
                                   {matmul::kKTiles, "K_TILES", false},
                                   {matmul::kNTiles, "N_TILES", false},
                                   {matmul::kMode, "MODE", false},
                                   {matmul::kDoneCount, "DONE_COUNT", true},
                                   {matmul::kCycles, "CYCLES", true},
                                   {matmul::kCyclesHigh, "CYCLES_HIGH", true},
                                   {matmul::kCodesStalls, "CODES_STALLS", true},
                                   {matmul::kActivationsStalls, "ACTIVATIONS_STALLS", true},
                                   {matmul::kResultsStalls, "RESULTS_STALLS", true}};

struct StatusBit {
  Field field;
  const char* name;
};
constexpr StatusBit kStatusBits[] = {
    {matmul::kStatusBusy, "BUSY"},
    {matmul::kStatusResultHeld, "RESULT_HELD"},
    {matmul::kStatusDiscardCodes, "DISCARD_CODES"},
    {matmul::kStatusDiscardActivations, "DISCARD_ACTIVATIONS"},
    {matmul::kStatusDone, "DONE"},
    {matmul::kStatusErrorSize, "ERROR_SIZE"},
    {matmul::kStatusErrorMode, "ERROR_MODE"},
    {matmul::kStatusErrorQueue, "ERROR_QUEUE"},
    {matmul::kStatusErrorCodesLast, "ERROR_CODES_LAST"},
    {matmul::kStatusErrorActivationsLast, "ERROR_ACTIVATIONS_LAST"},
    {matmul::kStatusErrorCodesKeep, "ERROR_CODES_KEEP"},
    {matmul::kStatusErrorActivationsKeep, "ERROR_ACTIVATIONS_KEEP"}};

constexpr const char* kLastBins[] = {"none", "at_end", "early", "missing"};
constexpr std::uint64_t kCounted = 14;  // TLASTs owed; more are discarded until FLUSH

const Register* find_register(std::uint32_t address) {
  const auto found =
      std::find_if(std::begin(kRegisters), std::end(kRegisters),
                   [&](const Register& entry) { return entry.address == (address & ~3U); });
  return found == std::end(kRegisters) ? nullptr : found;
}

bool moves(const Pin& valid, const Pin& ready) { return valid.high() && ready.high(); }

const char* mode_bin(std::uint32_t mode) {
  constexpr const char* kNames[] = {"forward", "zero_sign", "sign"};
  return kNames[mode];
}

const char* owes_bin(const std::array<std::uint64_t, 2>& owed) {
  if (owed[0] != 0) return owed[1] != 0 ? "both" : "codes";
  return owed[1] != 0 ? "activations" : "nothing";
}

const char* count_bin(std::uint64_t owed) {
  if (owed == 0) return "0";
  if (owed == 1) return "1";
  if (owed <= 3) return "2_3";
  if (owed < kCounted) return "4_13";
  return owed == kCounted ? "14" : "more";
}

std::uint32_t parameter(const std::string& all, const std::string& name, std::uint32_t value) {
  const std::size_t at = (" " + all).find(" " + name + "=");
  if (at == std::string::npos) return value;
  std::string text = all.substr(at + name.size() + 1);
  if (text.rfind("1'b", 0) == 0) text.erase(0, 3);
  return static_cast<std::uint32_t>(std::stoul(text));
}

}  // namespace

PinCoverage::PinCoverage(const CorePins& pins, const char* parameters, CoverageBins& bins)
    : pins_(pins), bins_(bins) {
  rows_ = parameter(parameters, "Rows", rows_);
  cols_ = parameter(parameters, "Cols", cols_);
  depth_ = parameter(parameters, "AccDepth", depth_);
  backward_ = parameter(parameters, "Backward", 1) != 0 && parameter(parameters, "Format", 1) == 1;
}

void PinCoverage::edge() {
  ++cycle_;
  if (!pins_.rst_ni.high()) {
    forget();
    aw_.clear();
    w_.clear();
    ar_.clear();
    owed_ = {};
    held_ = false;
    m_ = k_tiles_ = n_tiles_ = mode_ = status_ = 0;
    irq_mask_ = matmul::kIrqMaskReset;
    mode_before_ = "none";
    return;
  }
  streams();
  bus();
}

PinCoverage::~PinCoverage() {
  for (std::size_t i = 0; i < beats_.size(); ++i) {
    if (beats_[i] == 0) continue;
    bins_.sample("beat",
                 {{"stream", i / 8 == 0 ? "codes" : "activations"},
                  {"last", kLastBins[i / 2 % 4]},
                  {"keep", i % 2 == 0 ? "all" : "not_all"}},
                 beats_[i]);
  }
}

void PinCoverage::forget() { commands_.clear(); }

// ---- The bus.

void PinCoverage::bus() {
  const auto value = [](const Pin& pin) { return static_cast<std::uint32_t>(pin.get()); };
  if (moves(pins_.s_axil_awvalid, pins_.s_axil_awready)) {
    aw_.push_back({value(pins_.s_axil_awaddr), 0, cycle_});
  }
  if (moves(pins_.s_axil_wvalid, pins_.s_axil_wready)) {
    w_.push_back({value(pins_.s_axil_wdata), value(pins_.s_axil_wstrb), cycle_});
  }
  if (moves(pins_.s_axil_arvalid, pins_.s_axil_arready)) {
    ar_.push_back({value(pins_.s_axil_araddr), 0, cycle_});
  }
  if (pins_.s_axil_bvalid.high() && !aw_.empty() && !w_.empty()) {
    if (pins_.s_axil_bready.high()) {
      finish_write(value(pins_.s_axil_bresp));
      response_waits_ = 0;
    } else {
      ++response_waits_;
    }
  }
  if (pins_.s_axil_rvalid.high() && !ar_.empty()) {
    if (pins_.s_axil_rready.high()) {
      finish_read(value(pins_.s_axil_rresp), value(pins_.s_axil_rdata));
      answer_waits_ = 0;
    } else {
      ++answer_waits_;
    }
  }
}

void PinCoverage::finish_write(unsigned response) {
  const Half address = aw_.front(), data = w_.front();
  aw_.pop_front();
  w_.pop_front();
  const Register* const entry = find_register(address.value);
  const char* kind = "whole";
  if (entry == nullptr) {
    kind = "refused_unmapped";
  } else if (entry->read_only) {
    kind = "refused_read_only";
  } else if (data.strobes == 0) {
    kind = "no_byte";
  } else if (data.strobes != 0xF) {
    kind = "some_bytes";
  }
  const char* order = "together";
  if (address.cycle != data.cycle) order = address.cycle < data.cycle ? "address" : "data";
  bins_.sample("write", {{"kind", kind},
                         {"first", order},
                         {"answer", response_waits_ == 0 ? "at_once" : "waits"},
                         {"response", response == 0 ? "okay" : "slverr"}});
  if (entry != nullptr) bins_.sample("register", {{"name", entry->name}, {"access", "write"}});
  if (entry == nullptr || response != 0) return;

  std::uint32_t bytes = 0;
  for (unsigned i = 0; i < 4; ++i) bytes |= (data.strobes >> i & 1U) != 0 ? 0xFFU << 8 * i : 0U;
  const std::uint32_t ones = data.value & bytes;
  const auto merge = [&](std::uint32_t& into) { into = (into & ~bytes) | ones; };
  switch (entry->address) {
    case matmul::kM:
      return merge(m_);
    case matmul::kKTiles:
      return merge(k_tiles_);
    case matmul::kNTiles:
      return merge(n_tiles_);
    case matmul::kMode:
      return merge(mode_);
    case matmul::kIrqMask:
      return merge(irq_mask_);
    case matmul::kControl:
      return control(ones);
    case matmul::kStatus:
      for (const StatusBit& bit : kStatusBits) {
        if ((bit.field.mask() & matmul::kStatusSticky & status_ & ones) == 0) continue;
        bins_.sample("status", {{"bit", bit.name}, {"what", "cleared"}});
      }
      status_ &= ~ones;
      return;
    default:
      return;
  }
}

void PinCoverage::finish_read(unsigned response, std::uint32_t data) {
  const Half address = ar_.front();
  ar_.pop_front();
  const Register* const entry = find_register(address.value);
  bins_.sample("read", {{"kind", entry == nullptr ? "refused_unmapped" : "register"},
                        {"answer", answer_waits_ == 0 ? "at_once" : "waits"},
                        {"response", response == 0 ? "okay" : "slverr"}});
  if (entry == nullptr) return;
  bins_.sample("register", {{"name", entry->name}, {"access", "read"}});
  if (entry->address == matmul::kStatus) status(data);
}

void PinCoverage::status(std::uint32_t value) {
  for (const StatusBit& bit : kStatusBits) {
    if (bit.field.get(value) == 0) continue;
    bins_.sample("status", {{"bit", bit.name}, {"what", "set"}});
    const std::uint32_t raises = value & irq_mask_ & matmul::kStatusSticky;
    if (pins_.irq_o.high() && raises == bit.field.mask()) {
      bins_.sample("status", {{"bit", bit.name}, {"what", "interrupts_alone"}});
    }
  }
  bins_.sample("queue", {{"waiting", std::to_string(matmul::kStatusQueue.get(value))},
                         {"busy", matmul::kStatusBusy.get(value) != 0 ? "yes" : "no"}});
  // A START that found no place: nobody but STATUS says so.
  const std::uint32_t refused = matmul::kStatusErrorQueue.mask();
  if ((value & ~status_ & refused) != 0) {
    const auto full = std::find_if(commands_.rbegin(), commands_.rend(),
                                   [](const Command& command) { return command.full; });
    if (full != commands_.rend()) commands_.erase(std::next(full).base());
  }
  for (Command& command : commands_) command.full = false;
  if (matmul::kStatusBusy.get(value) == 0) forget();
  status_ = value;
}

// ---- Commands.

std::string PinCoverage::m_bin(std::uint32_t m) const {
  const std::uint32_t edge = std::max(rows_, cols_);
  if (m == 1) return "1";
  if (m == depth_) return "depth";
  if (m == edge) return "array";
  return m < edge ? "below_array" : "above_array";
}

std::string PinCoverage::tile_bin(std::uint32_t tiles) const {
  if (tiles <= 2) return std::to_string(tiles);
  if (tiles < 256) return "3_255";
  return tiles < 65536 ? "256_65535" : "65536_up";
}

std::uint64_t PinCoverage::beats_of(const Command& command, bool codes) const {
  return std::uint64_t{command.k_tiles} * command.n_tiles * (codes ? rows_ : command.m);
}

std::size_t PinCoverage::unloaded() const {
  return static_cast<std::size_t>(std::count_if(
      commands_.begin(), commands_.end(),
      [&](const Command& command) { return command.codes < beats_of(command, true); }));
}

void PinCoverage::control(std::uint32_t bits) {
  const bool begin = (bits & matmul::kControlStart.mask()) != 0;
  const bool reset = (bits & matmul::kControlSoftReset.mask()) != 0;
  const bool flush = (bits & matmul::kControlFlush.mask()) != 0;
  if (reset) soft_reset(flush, begin);
  if (flush) {
    bins_.sample("flush", {{"owes", owes_bin(owed_)},
                           {"with", reset ? "soft_reset" : "nothing"},
                           {"codes", count_bin(owed_[0])},
                           {"activations", count_bin(owed_[1])}});
    owed_ = {};
  }
  if (begin) start(reset, flush);
}

void PinCoverage::start(bool with_reset, bool with_flush) {
  constexpr std::uint32_t kTiles = 1U << 24;
  const auto refused = [&](const char* why) {
    bins_.sample("start_refused", {{"why", why}, {"busy", commands_.empty() ? "no" : "yes"}});
  };
  bool good = true;
  const auto want = [&](bool holds, const char* why) {
    if (!holds) refused(why);
    good = good && holds;
  };
  want(m_ != 0, "m_zero");
  want(m_ <= depth_, "m_above_depth");
  want(k_tiles_ != 0, "k_tiles_zero");
  want(k_tiles_ < kTiles, "k_tiles_large");
  want(n_tiles_ != 0, "n_tiles_zero");
  want(n_tiles_ < kTiles, "n_tiles_large");
  want(mode_ < 3, "mode_unknown");
  want(mode_ >= 3 || mode_ == 0 || backward_, "mode_not_built");
  if (!good) return;

  Command command;
  command.m = m_;
  command.k_tiles = k_tiles_;
  command.n_tiles = n_tiles_;
  command.mode = mode_;
  command.full = unloaded() >= 2;
  command.behind = !commands_.empty();
  const char* with = "nothing";
  if (with_reset || with_flush) with = with_reset ? "soft_reset" : "flush";
  if (with_reset && with_flush) with = "both";
  bins_.sample("start", {{"m", m_bin(m_)},
                         {"k_tiles", tile_bin(k_tiles_)},
                         {"n_tiles", tile_bin(n_tiles_)},
                         {"mode", mode_bin(mode_)},
                         {"mode_before", mode_before_},
                         {"waiting", std::to_string(std::min<std::size_t>(unloaded(), 3))},
                         {"results_owed", commands_.empty() ? "no" : "yes"},
                         {"discards", owes_bin(owed_)},
                         {"with", with}});
  mode_before_ = mode_bin(mode_);
  commands_.push_back(command);
}

void PinCoverage::soft_reset(bool with_flush, bool with_start) {
  std::size_t late[2] = {0, 0};  // commands whose beats have not all come
  for (const Command& command : commands_) {
    late[0] += command.codes < beats_of(command, true) ? 1U : 0U;
    late[1] += command.activations < beats_of(command, false) ? 1U : 0U;
  }
  const char* state = commands_.empty() ? "idle" : "running";
  if (commands_.size() > 1) state = commands_.size() == 2 ? "one_behind" : "more_behind";
  const bool held = pins_.m_axis_results_tvalid.high();
  const char* with = with_flush ? "flush" : "nothing";
  if (with_start) with = with_flush ? "both" : "start";
  bins_.sample("soft_reset", {{"state", state},
                              {"discards", owes_bin(owed_)},
                              {"result", held ? "waits" : "none"},
                              {"with", with}});
  for (std::size_t i = 0; i < 2; ++i) owed_[i] += late[i];
  bins_.sample("owed", {{"codes", count_bin(owed_[0])}, {"activations", count_bin(owed_[1])}});
  held_ = held;
  forget();
}

// ---- Streams.

void PinCoverage::streams() {
  input(true);
  input(false);
  const bool valid = pins_.m_axis_results_tvalid.high();
  const bool ready = pins_.m_axis_results_tready.high();
  if (commands_.empty()) {
    held_ = held_ && !(valid && ready);
    return;
  }
  ++commands_.front().cycles;
  if (!valid) return;
  if (!ready) {
    ++commands_.front().blocked;
  } else if (held_) {
    held_ = false;
  } else if (++commands_.front().results ==
             std::uint64_t{commands_.front().m} * commands_.front().n_tiles) {
    complete(commands_.front());
    commands_.pop_front();
  }
}

void PinCoverage::input(bool codes) {
  const Pin& valid = codes ? pins_.s_axis_codes_tvalid : pins_.s_axis_activations_tvalid;
  const Pin& ready = codes ? pins_.s_axis_codes_tready : pins_.s_axis_activations_tready;
  const Pin& last = codes ? pins_.s_axis_codes_tlast : pins_.s_axis_activations_tlast;
  const Pin& keep = codes ? pins_.s_axis_codes_tkeep : pins_.s_axis_activations_tkeep;
  const char* const stream = codes ? "codes" : "activations";
  std::uint64_t& owed = owed_[codes ? 0 : 1];
  if (!ready.high()) return;
  const std::uint32_t bytes = codes ? (2 * cols_ + 7) / 8 : rows_;
  const bool kept = keep.get() == ~std::uint64_t{0} >> (64 - bytes);
  if (owed != 0) {
    if (!valid.high()) return;
    bins_.sample("discarded", {{"stream", stream},
                               {"last", last.high() ? "yes" : "no"},
                               {"keep", kept ? "all" : "not_all"},
                               {"owes", count_bin(owed)}});
    if (last.high() && owed <= kCounted) --owed;
    return;
  }
  const auto next = std::find_if(commands_.begin(), commands_.end(), [&](const Command& command) {
    return (codes ? command.codes : command.activations) < beats_of(command, codes);
  });
  if (next == commands_.end()) return;
  if (!valid.high()) {
    ++next->waits;
    return;
  }
  const std::uint64_t at = ++(codes ? next->codes : next->activations);
  const bool end = at == beats_of(*next, codes);
  std::size_t where = end ? 1 : 0;
  if (last.high() != end) where = end ? 3 : 2;
  ++beats_[(codes ? 0U : 8U) + 2 * where + (kept ? 0U : 1U)];
}

void PinCoverage::complete(const Command& command) {
  const bool heavy = 2 * std::max(command.waits, command.blocked) >= command.cycles;
  const char* stalls = "none";
  if (command.waits != 0) stalls = command.blocked != 0 ? "both" : "gaps";
  if (command.waits == 0 && command.blocked != 0) stalls = "back_pressure";
  bins_.sample("command", {{"stalls", stalls},
                           {"heavy", heavy && stalls != std::string_view("none") ? "yes" : "no"},
                           {"m", m_bin(command.m)},
                           {"k_tiles", tile_bin(command.k_tiles)},
                           {"n_tiles", tile_bin(command.n_tiles)},
                           {"mode", mode_bin(command.mode)},
                           {"behind_another", command.behind ? "yes" : "no"}});
}

}  // namespace szt::sim
