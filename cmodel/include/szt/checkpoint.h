// SPDX-License-Identifier: Apache-2.0
// How a quantised checkpoint is laid out in a safetensors file.
//
// A weight tensor T [out, in] becomes three tensors:
//   T.codes      U8 [out, ceil(in/4)], packed as in packed_codes.h
//   T.scale      F32 [1], finite and >= 0
//   T.threshold  F32 [1], finite and >= 0
// and two metadata strings, szt.shape.T = "[out,in]" and szt.dtype.T, what T held before ("F32").
// The file has three more: szt.version = "1", szt.rule (as parse_rule() reads it) and
// szt.zero_shift ("2": training takes the two zeros for +-scale * 2^-2; "inf": for 0). Every other
// tensor and metadata string is the original's. All metadata keys that begin with "szt." belong to
// the format.
#ifndef SZT_CHECKPOINT_H_
#define SZT_CHECKPOINT_H_

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "szt/packed_codes.h"
#include "szt/quantize.h"
#include "szt/safetensors.h"
#include "szt/threshold.h"
#include "szt/zero_shift.h"

namespace szt {

inline constexpr std::string_view kCheckpointVersion = "1";
inline constexpr std::string_view kCheckpointKeyPrefix = "szt.";

// "T.codes", "T.scale", "T.threshold".
std::array<std::string, 3> quantized_parts(std::string_view name);

// Writing: the metadata of the file, once, and then each tensor. The writer keeps the codes. Throw
// InputError as SafetensorsWriter does, for a name that is taken among others.
void set_checkpoint_metadata(SafetensorsWriter& writer, const Rule& rule,
                             const ZeroShift& zero_shift = kDefaultZeroShift);
void add_quantized(SafetensorsWriter& writer, const std::string& name, QuantizedTensor tensor);

// One tensor of a quantised checkpoint.
struct QuantizedWeights {
  std::string name;
  // [out, in]; the file's own bytes, valid while the checkpoint or a copy of it lives.
  PackedCodesView codes;
  float threshold;
  float scale;
  std::string dtype;  // of the tensor before; empty where the file does not say
};

// Reading. Any safetensors file opens; one without szt.version has no quantised tensors.
class QuantizedCheckpoint {
 public:
  // Throws InputError for another version or an szt.zero_shift that is not "0" to "7" or "inf".
  // Tensors are looked at when they are asked for.
  explicit QuantizedCheckpoint(SafetensorsFile file);

  const SafetensorsFile& file() const { return file_; }
  bool is_quantized() const { return file_.metadata().contains("szt.version"); }
  // As the file has them; empty where it does not say.
  std::string rule() const { return metadata_or_empty("szt.rule"); }
  std::string zero_shift() const { return metadata_or_empty("szt.zero_shift"); }
  // The same as a number, kDefaultZeroShift where the file does not say.
  ZeroShift zero_shift_or_default() const;

  // Of the quantised tensors, sorted.
  std::span<const std::string> names() const { return names_; }
  bool contains(std::string_view name) const;
  // Whether the file's tensor of this name is a part (codes, scale or threshold) of a quantised
  // one.
  bool is_part(std::string_view tensor_name) const;

  // "FILE: tensor 'NAME'", for messages.
  std::string where(std::string_view name) const;

  // Throws InputError, naming file and tensor, if there is none of that name (saying whether the
  // file has it unquantised, and of which rank), or if its parts are missing, of another dtype or
  // shape than the metadata says, not finite, negative, or have a padding code that is not 0+.
  QuantizedWeights at(std::string_view name) const;

 private:
  std::string metadata_or_empty(const char* key) const;
  [[noreturn]] void reject_missing(std::string_view name) const;
  const TensorInfo& part(std::string_view name, const std::string& part_name) const;
  float number(std::string_view name, const std::string& part_name) const;

  SafetensorsFile file_;
  std::vector<std::string> names_;
  std::vector<std::string> parts_;  // sorted
};

}  // namespace szt

#endif  // SZT_CHECKPOINT_H_
