// SPDX-License-Identifier: Apache-2.0
// Float tensors of a checkpoint, not quantised yet, for commands that look at them.
#ifndef SZT_TOOLS_LATENT_TENSORS_H_
#define SZT_TOOLS_LATENT_TENSORS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "name_filter.h"
#include "szt/latent.h"
#include "szt/safetensors.h"

namespace szt::tools {

struct LatentTensor {
  const TensorInfo* info;  // of the file
  Dtype dtype;

  std::size_t size() const { return info->data.size() / size_of(dtype); }
};

// The tensor `name`, of any rank and latent format; or if that is empty every 2-D tensor of F32,
// F16 or BF16 that `filter` lets through. Throws InputError if there is none or if it is empty.
std::vector<LatentTensor> latent_tensors(const SafetensorsFile& file, const std::string& name,
                                         const NameFilter& filter);

// "FILE: tensor 'NAME'", for messages.
std::string where(const SafetensorsFile& file, const LatentTensor& tensor);

// Throws InputError, with the index of the first, if one is NaN or infinite.
void require_finite(const SafetensorsFile& file, const LatentTensor& tensor);

}  // namespace szt::tools

#endif  // SZT_TOOLS_LATENT_TENSORS_H_
