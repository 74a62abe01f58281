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
      const std::size_t place = place_of(size());
      const std::size_t bytes = std::min(beats.size() - done, bytes_.size() - place);
      std::memcpy(&bytes_[place], beats.data() + done, bytes);
      done += bytes;
      tail_ += bytes / beat_bytes_;
    }
    if (last) lasts_.push_back(tail_ - 1);
    if (!arrivals_.empty() && arrivals_.back().cycle == cycle) {
      arrivals_.back().end = tail_;
    } else {
      arrivals_.push_back({tail_, cycle});
    }
  }

  // The beat `index` places behind the first one.
  const std::uint8_t* at(std::size_t index) const { return &bytes_[place_of(index)]; }

  // The first beats: at most max_beats, none behind a TLAST or the end of the storage. Valid until
  // the next push().
  Run front(std::size_t max_beats) const {
    const std::size_t place = place_of(0);
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
    head_place_ += beats;
    if (head_place_ >= capacity_) head_place_ -= capacity_;
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

  // Beats that came at one clock edge, from the one `index` places behind the first one on.
  struct Chunk {
    std::uint64_t cycle;
    std::size_t beats;
  };
  Chunk chunk(std::size_t index) const {
    const std::uint64_t place = head_ + index;
    auto arrival = arrivals_.begin();
    if (arrival->end <= place) {  // seldom
      arrival = std::partition_point(arrival, arrivals_.end(),
                                     [place](const Arrival& given) { return given.end <= place; });
    }
    return {arrival->cycle, static_cast<std::size_t>(arrival->end - place)};
  }

  // The first beat with TLAST at or behind that of `index`; size() if there is none.
  std::size_t next_last(std::size_t index) const {
    if (lasts_.empty()) return size();
    const auto last = std::lower_bound(lasts_.begin(), lasts_.end(), head_ + index);
    return last == lasts_.end() ? size() : static_cast<std::size_t>(*last - head_);
  }

 private:
  struct Arrival {
    std::uint64_t end;  // beats pushed until then
    std::uint64_t cycle;
  };

  // In bytes_, of the beat `index` places behind the first one.
  std::size_t place_of(std::size_t index) const {
    const std::size_t place = head_place_ + index;
    return (place < capacity_ ? place : place - capacity_) * beat_bytes_;
  }

  std::size_t beat_bytes_, capacity_;
  std::vector<std::uint8_t> bytes_;
  std::uint64_t head_ = 0, tail_ = 0;  // beats popped and pushed since the start
  std::size_t head_place_ = 0;         // head_ modulo the capacity
  std::deque<std::uint64_t> lasts_;
  std::deque<Arrival> arrivals_;
};

}  // namespace szt::systemc

#endif  // SZT_SIM_SYSTEMC_SRC_BEAT_FIFO_H_
