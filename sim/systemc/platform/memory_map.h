// SPDX-License-Identifier: Apache-2.0
// The example platform's address map.
#ifndef SZT_SIM_SYSTEMC_PLATFORM_MEMORY_MAP_H_
#define SZT_SIM_SYSTEMC_PLATFORM_MEMORY_MAP_H_

#include <cstdint>

namespace szt::platform {

inline constexpr std::uint64_t kAccelerator = 0x1000'0000;  // szt/systemc/address_map.h
inline constexpr std::uint64_t kDma = 0x2000'0000;          // dma.h
inline constexpr std::uint64_t kMemory = 0x1'0000'0000;     // as large as the layer needs

}  // namespace szt::platform

#endif  // SZT_SIM_SYSTEMC_PLATFORM_MEMORY_MAP_H_
