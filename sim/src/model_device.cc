// SPDX-License-Identifier: Apache-2.0
#include "szt/sim/model_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "array_model.h"
#include "queued_device.h"
#include "register_model.h"

namespace szt::sim {
namespace {

constexpr std::uint32_t kQueuePlaces = 2;
// In the RTL: at the registers, two in the core's queue, in the shadows, in the array.
constexpr std::uint32_t kMostUnissued = 5;
// More packets to discard than the RTL counts: discarded until a flush.
constexpr std::size_t kEndless = 15;

class ModelDevice final : public QueuedDevice<Device>, private RegisterClient {
 public:
  explicit ModelDevice(const Configuration& configuration)
      : QueuedDevice(configuration),
        registers_(configuration, *this),
        rows_(static_cast<std::size_t>(configuration.rows)),
        array_(configuration) {}

  std::string_view name() const override { return "model"; }

  bool write_register(std::uint32_t address, std::uint32_t value) override {
    discard();  // START counts the beats in hand
    return registers_.write(address, value);
  }
  std::optional<std::uint32_t> read_register(std::uint32_t address) override {
    return registers_.read(address);
  }
  bool irq() const override { return registers_.irq(); }

  bool cancel_pushes() override {
    codes_.truncate(0);
    activations_.truncate(0);
    return true;
  }

  // Computes what the beats in hand allow, up to the end of a command, which is when its cycles
  // pass.
  std::uint64_t advance(std::uint64_t /*max_cycles*/) override {
    const std::uint64_t before = cycle_;
    discard();
    while (!commands_.empty() && cycle_ == before && (take_code() || take_activations())) {
    }
    if (cycle_ == before) ++cycle_;
    return cycle_ - before;
  }

  std::optional<StreamStates> stream_states() const override {
    const bool runs = !commands_.empty();
    return StreamStates{.codes = {!codes_.empty(), runs && row_ != rows_},
                        .activations = {!activations_.empty(), runs && row_ == rows_},
                        .results = {!results_.empty(), !results_.full()}};
  }

  std::string describe() const override {
    return fmt::format("cycle {}: {} commands held; {} code, {} activation, {} result beats wait",
                       cycle_, commands_.size(), codes_.size(), activations_.size(),
                       results_.size());
  }

 private:
  Status status() const override {
    const std::uint32_t queue = unloaded() < 2 ? 0 : std::min(unloaded() - 1, kQueuePlaces);
    return {.busy = !commands_.empty(),
            .queue = queue,
            .room = queue < kQueuePlaces && unissued() < kMostUnissued,
            .discard_codes = codes_to_discard_ != 0,
            .discard_activations = activations_to_discard_ != 0,
            .busy_cycles = busy_cycles_};
  }

  void start(const Command& command) override {
    // As in the RTL, a command is queued if the one before it still runs.
    if (commands_.empty()) pending_cycles_ = command_cycles(configuration_, command);
    commands_.push_back(command);
  }

  // Every dropped command still owes the beats that it has not brought.
  void soft_reset() override {
    if (!commands_.empty()) {
      const std::size_t codes = commands_.size() - (last_tile() && row_ == rows_ ? 1U : 0U);
      codes_to_discard_ = std::min(codes_to_discard_ + codes, kEndless);
      activations_to_discard_ = std::min(activations_to_discard_ + commands_.size(), kEndless);
    }
    commands_.clear();
    row_ = vector_ = 0;
    k_tile_ = n_tile_ = 0;
  }

  void flush() override { codes_to_discard_ = activations_to_discard_ = 0; }

  // How many of the commands the RTL could not have loaded, or issued, however long it ran, because
  // their beats have not come. What the model itself has not computed yet counts for nothing: in
  // the RTL the time of a register access is enough for it.
  std::uint32_t unloaded() const {
    const std::uint64_t taken = tile() * rows_ + row_;
    return lacking(taken + (codes_to_discard_ == 0 ? codes_.size() : 0),
                   [this](const Command& command) { return tiles(command) * rows_; });
  }
  std::uint32_t unissued() const {
    const std::uint64_t taken = commands_.empty() ? 0 : tile() * commands_.front().m + vector_;
    return lacking(taken + (activations_to_discard_ == 0 ? activations_.size() : 0),
                   [](const Command& command) { return tiles(command) * command.m; });
  }
  template <typename Need>
  std::uint32_t lacking(std::uint64_t beats, Need need) const {
    auto command = commands_.begin();
    for (; command != commands_.end() && beats >= need(*command); ++command) {
      beats -= need(*command);
    }
    return static_cast<std::uint32_t>(commands_.end() - command);
  }
  static std::uint64_t tiles(const Command& command) {
    return std::uint64_t{command.k_tiles} * command.n_tiles;
  }
  std::uint64_t tile() const {
    return commands_.empty() ? 0 : std::uint64_t{n_tile_} * commands_.front().k_tiles + k_tile_;
  }

  void discard() {
    discard(codes_, codes_to_discard_);
    discard(activations_, activations_to_discard_);
  }
  static void discard(BeatQueue& queue, std::size_t& packets) {
    while (packets != 0 && !queue.empty()) {
      if (queue.front_is_last() && packets != kEndless) --packets;
      queue.pop();
    }
  }

  bool last_tile() const {
    return k_tile_ + 1 == commands_.front().k_tiles && n_tile_ + 1 == commands_.front().n_tiles;
  }

  bool take_code() {
    if (row_ == rows_ || codes_.empty() || codes_to_discard_ != 0) return false;
    array_.load_row(row_, codes_.front(), commands_.front().mode);
    ++row_;
    note_last(codes_.front_is_last(), row_ == rows_ && last_tile(), matmul::kStatusErrorCodesLast);
    codes_.pop();
    return true;
  }

  // A run of vectors of the tile, at most as many as there is room for their results.
  bool take_activations() {
    if (row_ != rows_ || activations_to_discard_ != 0) return false;
    const Command& command = commands_.front();
    const bool last_k = k_tile_ + 1 == command.k_tiles;
    std::size_t count = std::min(activations_.run(), command.m - vector_);
    if (last_k) count = std::min(count, results_.room());
    if (count == 0) return false;
    const std::int32_t* const sums = array_.add(
        k_tile_ == 0, vector_, reinterpret_cast<const std::int8_t*>(activations_.front()), count);
    vector_ += count;
    const bool tile_done = vector_ == command.m;
    note_last(activations_.run_is_last(count), tile_done && last_tile(),
              matmul::kStatusErrorActivationsLast);
    activations_.pop_run(count);
    if (last_k) {
      if (tile_done && last_tile()) finish_time();
      for (std::size_t i = 0; i < count; ++i) {
        push_result(reinterpret_cast<const std::uint8_t*>(sums + i * array_.stride()),
                    tile_done && i + 1 == count);
      }
    }
    if (tile_done) end_tile();
    return true;
  }

  void note_last(bool last, bool expected, Field error) {
    if (last != expected) registers_.note_error(error);
  }

  void finish_time() {
    cycle_ += pending_cycles_;
    busy_cycles_ += pending_cycles_;
  }

  void end_tile() {
    vector_ = 0;
    row_ = 0;
    if (++k_tile_ < commands_.front().k_tiles) return;
    k_tile_ = 0;
    if (++n_tile_ < commands_.front().n_tiles) return;
    n_tile_ = 0;
    const Command done = commands_.front();
    commands_.pop_front();
    registers_.note_done();
    if (!commands_.empty()) {
      pending_cycles_ = queued_command_cycles(configuration_, done, commands_.front());
    }
  }

  RegisterModel registers_;
  std::size_t rows_;
  ArrayModel array_;
  std::deque<Command> commands_;  // the one that runs in front
  std::size_t row_ = 0;           // code beats of the tile taken
  std::size_t vector_ = 0;        // activation beats of the tile taken
  std::uint32_t k_tile_ = 0, n_tile_ = 0;
  std::uint64_t pending_cycles_ = 0;  // what the first command will take
  std::uint64_t busy_cycles_ = 0;
  std::size_t codes_to_discard_ = 0, activations_to_discard_ = 0;  // packets
};

}  // namespace

std::unique_ptr<Device> make_model_device(const Configuration& configuration) {
  return std::make_unique<ModelDevice>(configuration);
}

}  // namespace szt::sim
