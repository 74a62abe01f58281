// SPDX-License-Identifier: Apache-2.0
// What szt_encoder_stream must do, stated beat for beat and apart from the RTL.
#ifndef SZT_TESTS_COSIM_ENCODER_CONTRACT_H_
#define SZT_TESTS_COSIM_ENCODER_CONTRACT_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "szt/code.h"

namespace szt::sim {

enum Format : std::uint32_t { kFp32, kFp16, kBf16, kInt16 };
inline constexpr std::uint32_t kFormats = 4;
inline constexpr std::size_t latent_size(std::uint32_t format) { return format == kFp32 ? 4 : 2; }

struct LatentBeat {
  std::vector<std::uint8_t> data;  // all bytes, kept or not
  std::vector<bool> keep;
  bool last = false;
};

struct CodeBeat {
  std::vector<std::uint8_t> data;
  std::uint64_t keep = 0;
  bool last = false;

  friend bool operator==(const CodeBeat&, const CodeBeat&) = default;
};

// What the block must do, told what it accepted and in which order.
class EncoderContract {
 public:
  explicit EncoderContract(std::size_t lanes) : lanes_(lanes) {}

  void accept(const LatentBeat& beat);
  // `held`: a beat was offered in the cycle before and not accepted. False: SLVERR.
  bool write(std::uint32_t address, std::uint32_t value, unsigned strobes, bool held);

  bool row_open() const { return row_open_ && !discard_; }
  bool discard() const { return discard_; }

  std::uint32_t format = 0, threshold = 0;
  bool irq_enable = false;
  std::uint32_t sticky = 0;
  std::uint32_t latents = 0, nans = 0;
  // The counts are exact: no soft reset dropped latents that were accepted and perhaps not encoded.
  bool exact = true;
  std::deque<CodeBeat> expected;  // to come out, in order

 private:
  Code encode(const std::uint8_t* bytes, bool& nan) const;
  void forget_codes();

  std::size_t lanes_;
  bool row_open_ = false, discard_ = false;
  std::uint32_t row_format_ = 0, row_threshold_ = 0;
  std::vector<std::uint8_t> codes_;
  std::size_t places_ = 0;  // codes in codes_
};

}  // namespace szt::sim

#endif  // SZT_TESTS_COSIM_ENCODER_CONTRACT_H_
