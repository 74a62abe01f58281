// SPDX-License-Identifier: Apache-2.0
// Any bytes as an IDX file, plain or gzip; what is read is the same after packing it.
#include "szt/idx.h"

#include <zlib.h>

#include <optional>

#include "fuzz/target.h"

namespace szt::fuzz {
namespace {

constexpr std::size_t kMostRepacked = std::size_t{1} << 12;

std::vector<std::byte> idx_bytes(const IdxArray& array) {
  std::vector<std::byte> bytes{{}, {}, std::byte{8}, static_cast<std::byte>(array.shape.size())};
  for (const std::size_t dimension : array.shape) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      bytes.push_back(static_cast<std::byte>(dimension >> shift & 0xFFU));
    }
  }
  const auto values = std::as_bytes(std::span(array.values));
  bytes.insert(bytes.end(), values.begin(), values.end());
  return bytes;
}

std::vector<std::byte> packed(std::span<const std::byte> bytes) {
  z_stream stream = {};
  // A small window: a large one takes longer to set up than all the rest.
  require(deflateInit2(&stream, 1, Z_DEFLATED, 16 + 9, 1, Z_DEFAULT_STRATEGY) == Z_OK, "zlib runs");
  std::vector<std::byte> out(deflateBound(&stream, static_cast<uLong>(bytes.size())));
  stream.next_in = reinterpret_cast<z_const Bytef*>(const_cast<std::byte*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  require(deflate(&stream, Z_FINISH) == Z_STREAM_END, "zlib packs");
  const auto* const end = reinterpret_cast<const std::byte*>(stream.next_out);
  deflateEnd(&stream);
  return {static_cast<const std::byte*>(out.data()), end};
}

bool same(const IdxArray& a, const IdxArray& b) {
  return a.shape == b.shape && a.values == b.values;
}

}  // namespace
}  // namespace szt::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace szt;
  using namespace szt::fuzz;
  const auto bytes = std::as_bytes(std::span(data, size));
  IdxArray array;
  if (!accepts([&] { array = read_idx("file", bytes); })) return 0;
  std::size_t elements = 1;
  for (const std::size_t dimension : array.shape) elements *= dimension;
  require(!array.shape.empty() && array.values.size() == elements,
          "as many elements as the shape says");

  const std::vector<std::byte> plain = idx_bytes(array);
  require(same(read_idx("plain", plain), array), "a plain copy is the same array");
  const bool is_gzip = size >= 2 && data[0] == 0x1F;
  require(is_gzip || equal(plain, bytes), "a plain file has one form");
  if (plain.size() > kMostRepacked) return 0;
  std::vector<std::byte> gzip = packed(plain);
  require(same(read_idx("gzip", gzip), array), "a packed copy is the same array");
  // Cut anywhere, or with a wrong checksum, it is refused.
  const std::size_t place = size == 0 ? 0 : data[size - 1] % gzip.size();
  require(!accepts([&] { read_idx("cut", std::span(gzip).first(place)); }),
          "a cut file is refused");
  gzip[gzip.size() - 8 + place % 8] ^= std::byte{1};
  require(!accepts([&] { read_idx("damaged", gzip); }), "a damaged file is refused");
  return 0;
}
