// SPDX-License-Identifier: Apache-2.0
#include "systemc/feeder.h"

#include <fmt/format.h>

#include <algorithm>

#include "szt/systemc/address_map.h"

namespace szt::systemc {

Feed random_feed(const Configuration& configuration, const std::vector<sim::Beats>& list,
                 std::mt19937_64& generator) {
  const auto random = [&generator](std::uint64_t bound) { return generator() % bound; };
  const std::size_t code_bytes = sim::code_beat_bytes(configuration);
  const std::size_t activation_bytes = sim::activation_beat_bytes(configuration);
  Feed feed;
  for (const sim::Beats& beats : list) {
    feed.codes.insert(feed.codes.end(), beats.codes.begin(), beats.codes.end());
    const auto activations = bytes_of(beats.activations);
    feed.activations.insert(feed.activations.end(), activations.begin(), activations.end());
    feed.code_lasts.push_back(feed.codes.size() / code_bytes);
    feed.activation_lasts.push_back(feed.activations.size() / activation_bytes);
  }
  // Each stream in chunks of one size and gaps of another; either may have none.
  for (const bool codes : {true, false}) {
    const std::size_t all = codes ? feed.code_lasts.back() : feed.activation_lasts.back();
    const std::uint64_t chunks[] = {1, 3, 8, 40, all}, gaps[] = {1, 2, 6, 30, 120};
    const std::uint64_t chunk = chunks[random(5)], gap = gaps[random(5)];
    std::uint64_t cycle = random(3) == 0 ? random(150) : 0;
    for (std::size_t done = 0; done < all;) {
      const std::size_t beats = std::min<std::size_t>(all - done, 1 + random(chunk));
      feed.pushes.push_back({cycle, codes, beats});
      done += beats;
      cycle += random(gap);
      // Short enough that all have come when nobody may go on waiting.
      if (cycle > 3000) break;
    }
    std::size_t pushed = 0;
    for (const Feed::Push& push : feed.pushes) pushed += push.codes == codes ? push.beats : 0;
    if (pushed < all) feed.pushes.push_back({cycle, codes, all - pushed});
  }
  std::stable_sort(feed.pushes.begin(), feed.pushes.end(),
                   [](const auto& a, const auto& b) { return a.cycle < b.cycle; });
  return feed;
}

Feeder::Feeder(Port& port, const Configuration& configuration, const Feed& feed)
    : port_(port), configuration_(configuration), feed_(feed), begin_(port.edge()) {}

void Feeder::push_due() {
  while (!done() && feed_.pushes[next_].cycle <= port_.edge() - begin_) {
    push(feed_.pushes[next_].codes, feed_.pushes[next_].beats);
    ++next_;
  }
}

void Feeder::push(bool codes, std::size_t beats) {
  const std::size_t bytes =
      codes ? sim::code_beat_bytes(configuration_) : sim::activation_beat_bytes(configuration_);
  const std::vector<std::uint8_t>& all = codes ? feed_.codes : feed_.activations;
  const std::vector<std::size_t>& lasts = codes ? feed_.code_lasts : feed_.activation_lasts;
  std::size_t& done = codes ? codes_ : activations_;
  const std::size_t end = done + beats;
  while (done < end) {
    const std::size_t last = *std::upper_bound(lasts.begin(), lasts.end(), done);
    const std::size_t stop = std::min(end, last);
    port_.write_beats(codes ? kCodes : kActivations, bytes,
                      std::span(all).subspan(done * bytes, (stop - done) * bytes), stop == last);
    done = stop;
  }
}

std::string to_string(const Look& look) {
  return fmt::format("{:#x} at address {:#x}, edge {}", look.value, look.address, look.edge);
}

void Observation::look(Port& port, std::uint64_t address) {
  const std::uint32_t value = port.read_ok(address);
  words.push_back({address, port.edge(), value});
}

}  // namespace szt::systemc
