// SPDX-License-Identifier: Apache-2.0
// How libFuzzer changes a file that has a length before its header, or is packed: plain changes
// would break the length, or the checksum, nearly every time.
#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed);

namespace {

using Bytes = std::vector<std::uint8_t>;

struct Frame {
  std::size_t at, bytes;  // of the length
};

std::optional<Frame> find_frame(const std::uint8_t* data, std::size_t size) {
  if (size >= 12 && std::memcmp(data, "\x93NUMPY", 6) == 0) return Frame{8, data[6] == 1 ? 2U : 4U};
  if (size >= 9 && data[8] == '{') return Frame{0, 8};
  return std::nullopt;
}

Bytes mutated(const std::uint8_t* data, std::size_t size, std::size_t max_size) {
  Bytes bytes(max_size);
  std::copy_n(data, size, bytes.begin());
  bytes.resize(LLVMFuzzerMutate(bytes.data(), size, max_size));
  return bytes;
}

// Header or data changed, the length right.
std::size_t mutate_framed(std::uint8_t* data, std::size_t size, std::size_t max_size, Frame frame,
                          bool header_changes) {
  const std::size_t begin = frame.at + frame.bytes;
  std::uint64_t length = 0;
  std::memcpy(&length, data + frame.at, frame.bytes);
  length = std::min<std::uint64_t>(length, size - begin);
  const std::uint8_t* const body = data + begin + length;
  Bytes header, rest;
  header.assign<const std::uint8_t*>(data + begin, body);
  rest.assign<const std::uint8_t*>(body, data + size);
  const std::size_t room = max_size - begin;
  if (header_changes) {
    header = mutated(header.data(), header.size(),
                     std::max(room - std::min(room, rest.size()), header.size()));
  } else {
    rest = mutated(rest.data(), rest.size(), std::max(room - header.size(), rest.size()));
  }
  length = header.size();
  std::memcpy(data + frame.at, &length, frame.bytes);
  std::copy(header.begin(), header.end(), data + begin);
  std::copy(rest.begin(), rest.end(), data + begin + header.size());
  return begin + header.size() + rest.size();
}

// What a gzip file holds changed, and packed again. 0 for what cannot be unpacked.
std::size_t mutate_packed(std::uint8_t* data, std::size_t size, std::size_t max_size) {
  constexpr std::size_t kMost = 4096;
  Bytes plain(kMost);
  z_stream in = {};
  if (inflateInit2(&in, 16 + MAX_WBITS) != Z_OK) return 0;
  in.next_in = data;
  in.avail_in = static_cast<uInt>(size);
  in.next_out = plain.data();
  in.avail_out = static_cast<uInt>(plain.size());
  const int status = inflate(&in, Z_FINISH);
  const std::size_t length = plain.size() - in.avail_out;
  inflateEnd(&in);
  if (status != Z_STREAM_END) return 0;
  plain = mutated(plain.data(), length, kMost);
  z_stream out = {};
  if (deflateInit2(&out, 1, Z_DEFLATED, 16 + 9, 1, Z_DEFAULT_STRATEGY) != Z_OK) return 0;
  Bytes packed(deflateBound(&out, static_cast<uLong>(plain.size())));
  out.next_in = plain.data();
  out.avail_in = static_cast<uInt>(plain.size());
  out.next_out = packed.data();
  out.avail_out = static_cast<uInt>(packed.size());
  const bool whole = deflate(&out, Z_FINISH) == Z_STREAM_END;
  packed.resize(packed.size() - out.avail_out);
  deflateEnd(&out);
  if (!whole || packed.size() > max_size) return 0;
  std::copy(packed.begin(), packed.end(), data);
  return packed.size();
}

}  // namespace

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                    unsigned seed) {
  const unsigned choice = seed % 8;
  if (choice != 0) {
    if (const auto frame = find_frame(data, size)) {
      return mutate_framed(data, size, max_size, *frame, choice < 6);
    }
    if (size > 2 && data[0] == 0x1F && data[1] == 0x8B) {
      if (const std::size_t done = mutate_packed(data, size, max_size); done != 0) return done;
    }
  }
  return LLVMFuzzerMutate(data, size, max_size);
}
