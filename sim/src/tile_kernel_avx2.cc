// SPDX-License-Identifier: Apache-2.0
// Only functions marked AVX2 use it, so that the library runs on every x86-64.
#include "tile_kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <array>
#include <cstring>
#include <vector>

namespace szt::sim {
namespace {

constexpr std::size_t kLanes = 8;  // columns of a register of int32
constexpr std::size_t kQuad = 4;   // rows multiplied at a time

// `vpmaddubsw` multiplies unsigned by signed bytes, so activations have 128 added; `offsets` takes
// that away again. Its int16 sums are of at most 16 pairs of 255 + 255, no saturation.
template <std::size_t kParts>
[[gnu::target("avx2"), gnu::always_inline]] inline void add_quad(std::int32_t quad,
                                                                 const std::int8_t* weights,
                                                                 __m256i (&pairs)[kParts]) {
  const __m256i a = _mm256_xor_si256(_mm256_set1_epi32(quad), _mm256_set1_epi8(-128));
  for (std::size_t p = 0; p < kParts; ++p) {
    const auto* const f = reinterpret_cast<const __m256i*>(weights + p * kLanes * kQuad);
    pairs[p] = _mm256_add_epi16(pairs[p], _mm256_maddubs_epi16(a, _mm256_loadu_si256(f)));
  }
}

template <std::size_t kParts>
[[gnu::target("avx2")]] void add_tile(const std::int8_t* x, std::size_t vectors, std::size_t rows,
                                      const std::int8_t* weights, const std::int32_t* offsets,
                                      std::int32_t* sums) {
  constexpr std::size_t kStride = kParts * kLanes;
  const std::size_t whole = rows / kQuad * kQuad;
  for (std::size_t v = 0; v < vectors; ++v, x += rows, sums += kStride) {
    __m256i pairs[kParts];  // std::array would drop the type's alignment
    for (__m256i& pair : pairs) pair = _mm256_setzero_si256();
    std::int32_t quad = 0;
    for (std::size_t r = 0; r < whole; r += kQuad) {
      std::memcpy(&quad, x + r, kQuad);
      add_quad(quad, weights + r * kStride, pairs);
    }
    if (whole != rows) {
      quad = 0;
      std::memcpy(&quad, x + whole, rows - whole);
      add_quad(quad, weights + whole * kStride, pairs);
    }
    for (std::size_t p = 0; p < kParts; ++p) {
      auto* const to = reinterpret_cast<__m256i*>(sums + p * kLanes);
      const auto* const offset = reinterpret_cast<const __m256i*>(offsets + p * kLanes);
      const __m256i tile = _mm256_add_epi32(_mm256_madd_epi16(pairs[p], _mm256_set1_epi16(1)),
                                            _mm256_loadu_si256(offset));
      _mm256_storeu_si256(to, _mm256_add_epi32(_mm256_loadu_si256(to), tile));
    }
  }
}

using AddTile = void (*)(const std::int8_t*, std::size_t, std::size_t, const std::int8_t*,
                         const std::int32_t*, std::int32_t*);

constexpr std::array<AddTile, 8> kAddTile = {add_tile<1>, add_tile<2>, add_tile<3>, add_tile<4>,
                                             add_tile<5>, add_tile<6>, add_tile<7>, add_tile<8>};

class Avx2TileKernel final : public TileKernel {
 public:
  Avx2TileKernel(std::size_t rows, std::size_t cols)
      : TileKernel((cols + kLanes - 1) / kLanes * kLanes),
        rows_(rows),
        add_tile_(kAddTile.at(stride() / kLanes - 1)),
        weights_((rows + kQuad - 1) / kQuad * kQuad * stride()),
        offsets_(stride()) {}

  void set_row(std::size_t row, std::span<const std::int8_t> weights) override {
    std::int8_t* place = &weights_[row / kQuad * kQuad * stride() + row % kQuad];
    for (std::size_t c = 0; c < weights.size(); ++c, place += kQuad) {
      offsets_[c] += 128 * (*place - weights[c]);
      *place = weights[c];
    }
  }

  void add_products(const std::int8_t* x, std::size_t vectors, std::int32_t* sums) const override {
    add_tile_(x, vectors, rows_, weights_.data(), offsets_.data(), sums);
  }

 private:
  std::size_t rows_;
  AddTile add_tile_;
  std::vector<std::int8_t> weights_;   // [quad of rows, stride, row of the quad]
  std::vector<std::int32_t> offsets_;  // [stride]: -128 times the sum of the column's weights
};

}  // namespace

std::unique_ptr<TileKernel> make_avx2_tile_kernel(std::size_t rows, std::size_t cols) {
  if (!__builtin_cpu_supports("avx2")) return nullptr;
  return std::make_unique<Avx2TileKernel>(rows, cols);
}

}  // namespace szt::sim

#else

namespace szt::sim {

std::unique_ptr<TileKernel> make_avx2_tile_kernel(std::size_t /*rows*/, std::size_t /*cols*/) {
  return nullptr;
}

}  // namespace szt::sim

#endif
