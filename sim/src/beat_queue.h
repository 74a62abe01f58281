// SPDX-License-Identifier: Apache-2.0
// A bounded queue of beats of one size, with the ends of packets (TLAST) marked.
#ifndef SZT_SIM_SRC_BEAT_QUEUE_H_
#define SZT_SIM_SRC_BEAT_QUEUE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <span>
#include <vector>

namespace szt::sim {

class BeatQueue {
 public:
  BeatQueue(std::size_t beat_bytes, std::size_t capacity)
      : beat_bytes_(beat_bytes), capacity_(capacity), bytes_(beat_bytes * capacity) {}

  std::size_t size() const { return static_cast<std::size_t>(tail_ - head_); }
  bool empty() const { return head_ == tail_; }
  bool full() const { return size() == capacity_; }
  std::size_t room() const { return capacity_ - size(); }

  // Appends as many whole beats as fit and returns their number; `last` marks the final one of
  // `beats`, if that fits too.
  std::size_t push(std::span<const std::uint8_t> beats, bool last) {
    const std::size_t offered = beats.size() / beat_bytes_;
    const std::size_t taken = std::min(offered, capacity_ - size());
    for (std::size_t done = 0; done < taken;) {
      const std::size_t place = static_cast<std::size_t>(tail_ % capacity_);
      const std::size_t run = std::min(taken - done, capacity_ - place);
      std::memcpy(&bytes_[place * beat_bytes_], beats.data() + done * beat_bytes_,
                  run * beat_bytes_);
      done += run;
      tail_ += run;
    }
    if (last && taken == offered && taken > 0) last_.push_back(tail_ - 1);
    return taken;
  }

  const std::uint8_t* front() const {
    return &bytes_[static_cast<std::size_t>(head_ % capacity_) * beat_bytes_];
  }
  bool front_is_last() const { return !last_.empty() && last_.front() == head_; }
  void pop() {
    if (front_is_last()) last_.pop_front();
    ++head_;
  }
  // Beats up to the first that ends a packet, that one included; all if there is none.
  std::size_t packet() const {
    return last_.empty() ? size() : static_cast<std::size_t>(last_.front() - head_) + 1;
  }
  // Beats that lie behind the front one in memory, that one included, none of them behind a
  // packet's end.
  std::size_t run() const {
    return std::min(packet(), capacity_ - static_cast<std::size_t>(head_ % capacity_));
  }
  // Takes so many beats of a run().
  void pop_run(std::size_t beats) {
    head_ += beats;
    if (!last_.empty() && last_.front() < head_) last_.pop_front();
  }
  // Whether the last beat of a run() of so many ends a packet.
  bool run_is_last(std::size_t beats) const {
    return !last_.empty() && last_.front() + 1 == head_ + beats;
  }
  // Forgets all but the first `beats`.
  void truncate(std::size_t beats) {
    tail_ = std::min(tail_, head_ + beats);
    while (!last_.empty() && last_.back() >= tail_) last_.pop_back();
  }

 private:
  std::size_t beat_bytes_;
  std::size_t capacity_;
  std::vector<std::uint8_t> bytes_;
  std::uint64_t head_ = 0;  // beats popped since the start
  std::uint64_t tail_ = 0;  // beats pushed since the start
  std::deque<std::uint64_t> last_;
};

}  // namespace szt::sim

#endif  // SZT_SIM_SRC_BEAT_QUEUE_H_
