// SPDX-License-Identifier: Apache-2.0
// The FIFO of a window: beats of one size, TLAST marks, and when each beat came.
#ifndef SZT_SIM_SYSTEMC_SRC_BEAT_FIFO_H_
#define SZT_SIM_SYSTEMC_SRC_BEAT_FIFO_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <span>
#include <vector>

namespace szt::systemc {

class BeatFifo {
 public:
  // Beats in the order of the stream, contiguous in memory.
  struct Run {
    std::span<const std::uint8_t> bytes;
    std::size_t beats = 0;
    bool last = false;  // the final one of them has TLAST
  };

  BeatFifo(std::size_t beat_bytes, std::size_t capacity)
      : beat_bytes_(beat_bytes), capacity_(capacity), bytes_(beat_bytes * capacity) {}

  std::size_t size() const { return static_cast<std::size_t>(tail_ - head_); }
  std::size_t free() const { return capacity_ - size(); }
  std::size_t capacity() const { return capacity_; }
  bool empty() const { return head_ == tail_; }

  // Whole beats that fit, come at clock edge `cycle`.
  void push(std::span<const std::uint8_t> beats, bool last, std::uint64_t cycle) {
    for (std::size_t done = 0; done < beats.size();) {
      const std::size_t place = place_of(tail_);
      const std::size_t bytes = std::min(beats.size() - done, bytes_.size() - place);
      std::memcpy(&bytes_[place], beats.data() + done, bytes);
      done += bytes;
      tail_ += bytes / beat_bytes_;
    }
    if (last) lasts_.push_back(tail_ - 1);
    arrivals_.push_back({tail_, cycle});
  }

  // The first beats: at most max_beats, none behind a TLAST or the end of the storage. Valid until
  // the next push().
  Run front(std::size_t max_beats) const {
    const std::size_t place = place_of(head_);
    std::size_t beats = std::min({max_beats, size(), (bytes_.size() - place) / beat_bytes_});
    bool last = false;
    if (!lasts_.empty() && lasts_.front() - head_ < beats) {
      beats = static_cast<std::size_t>(lasts_.front() - head_) + 1;
      last = true;
    }
    return {std::span(bytes_).subspan(place, beats * beat_bytes_), beats, last};
  }

  void pop(std::size_t beats) {
    head_ += beats;
    while (!lasts_.empty() && lasts_.front() < head_) lasts_.pop_front();
    while (!arrivals_.empty() && arrivals_.front().end <= head_) arrivals_.pop_front();
  }

  // Forgets all but the first `beats`.
  void truncate(std::size_t beats) {
    tail_ = std::min(tail_, head_ + beats);
    while (!lasts_.empty() && lasts_.back() >= tail_) lasts_.pop_back();
    while (!arrivals_.empty() && arrivals_.back().end > tail_) {
      const std::uint64_t cycle = arrivals_.back().cycle;
      arrivals_.pop_back();
      const std::uint64_t begin = arrivals_.empty() ? head_ : arrivals_.back().end;
      if (begin < tail_) arrivals_.push_back({tail_, cycle});
    }
  }

  // Beats up to the first that has TLAST, that one included; all if there is none.
  std::size_t packet() const {
    return lasts_.empty() ? size() : static_cast<std::size_t>(lasts_.front() - head_) + 1;
  }
  bool has_last() const { return !lasts_.empty(); }

  // The clock edge at which the beat `index` places behind the first one came.
  std::uint64_t arrival(std::size_t index) const {
    const auto chunk = std::partition_point(
        arrivals_.begin(), arrivals_.end(),
        [place = head_ + index](const Arrival& arrival) { return arrival.end <= place; });
    return chunk == arrivals_.end() ? 0 : chunk->cycle;
  }

 private:
  struct Arrival {
    std::uint64_t end;  // beats pushed until then
    std::uint64_t cycle;
  };

  std::size_t place_of(std::uint64_t beat) const {
    return static_cast<std::size_t>(beat % capacity_) * beat_bytes_;
  }

  std::size_t beat_bytes_, capacity_;
  std::vector<std::uint8_t> bytes_;
  std::uint64_t head_ = 0, tail_ = 0;  // beats popped and pushed since the start
  std::deque<std::uint64_t> lasts_;
  std::deque<Arrival> arrivals_;
};

}  // namespace szt::systemc

#endif  // SZT_SIM_SYSTEMC_SRC_BEAT_FIFO_H_
