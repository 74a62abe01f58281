// SPDX-License-Identifier: Apache-2.0
// What reading and writing safetensors files share: dtypes, sizes and the JSON header.
#ifndef SZT_SRC_SAFETENSORS_HEADER_H_
#define SZT_SRC_SAFETENSORS_HEADER_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "szt/safetensors.h"

namespace szt {

inline constexpr std::string_view kMetadataKey = "__metadata__";
inline constexpr std::size_t kMaxMetadataEntries = std::size_t{1} << 20;
inline constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the reference implementation's
inline constexpr std::string_view kDamaged = "the file is damaged: fetch or export it again";

// Place in the reference implementation's list, which rises with the alignment; the number of
// dtypes for an unknown one.
std::size_t safetensors_dtype_rank(std::string_view dtype);

// Bytes of a tensor. Calls `reject`, which must throw, with what is wrong with dtype or shape.
std::uint64_t safetensors_bytes(std::string_view dtype, const std::vector<std::uint64_t>& shape,
                                const std::function<void(std::string_view)>& reject);

// Appends the tensors in the header's order, each checked on its own: its data lies within `data`
// and is as long as dtype and shape say. Not checked: names taken twice, overlaps and gaps. Throws
// InputError.
void read_safetensors_header(const std::filesystem::path& path, std::string_view header,
                             std::span<const std::byte> data, std::vector<TensorInfo>& tensors,
                             std::map<std::string, std::string>& metadata);

}  // namespace szt

#endif  // SZT_SRC_SAFETENSORS_HEADER_H_
