// SPDX-License-Identifier: Apache-2.0
#include "szt/train/blas.h"

#include <cstdlib>

namespace szt::train {
namespace {

bool set_default(const char* name, const char* value) {
  return std::getenv(name) == nullptr && setenv(name, value, 0) == 0;
}

const char* best_kernels() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    return "SkylakeX";
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "Haswell";
#endif
  return nullptr;  // OpenBLAS's own choice
}

}  // namespace

bool set_blas_defaults() {
  const char* const kernels = best_kernels();
  const bool set_kernels = kernels != nullptr && set_default("OPENBLAS_CORETYPE", kernels);
  return set_default("OPENBLAS_NUM_THREADS", "1") || set_kernels;
}

}  // namespace szt::train
