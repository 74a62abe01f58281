// SPDX-License-Identifier: Apache-2.0
// What a target's one socket shows at which address.
//
//   0x0'0000  registers of szt_matmul (szt/sim/registers.h), 32-bit accesses, three clock cycles
//   each 0x1'0000  codes       write whole beats; from 0x1'8000 on the final one of them has TLAST
//   0x2'0000  activations write whole beats; from 0x2'8000 on the final one of them has TLAST
//   0x3'0000  results     read whole beats, never beyond a TLAST
//   0x3'8000  levels      words that say how much the windows would take or give now
//
// A window is a FIFO: the address inside it means nothing, so that a bus may increment it. It takes
// no clock cycle, because the width of the path to it is the interconnect's matter; a level and
// everything that is refused take one, so that who polls gets on.
//
// A transaction is carried out whole or not at all, and never waits: beats that do not fit, or that
// are not there yet, end it with TLM_INCOMPLETE_RESPONSE and nothing moved. So a single thread can
// serve all windows in any order; one that wrote all codes before it offered activations would be
// refused, not stuck.
//
// Errors: TLM_ADDRESS_ERROR_RESPONSE for an address that is not there (SLVERR of the registers),
// TLM_COMMAND_ERROR_RESPONSE for the wrong direction (SLVERR of a read-only register),
// TLM_BURST_ERROR_RESPONSE for a part of a beat or a word, more than a window at once, or a
// streaming width, TLM_BYTE_ENABLE_ERROR_RESPONSE for byte enables.
#ifndef SZT_SYSTEMC_ADDRESS_MAP_H_
#define SZT_SYSTEMC_ADDRESS_MAP_H_

#include <cstdint>

namespace szt::systemc {

inline constexpr std::uint64_t kRegisters = 0x0'0000, kRegistersSize = 0x100;
inline constexpr std::uint64_t kCodes = 0x1'0000;
inline constexpr std::uint64_t kActivations = 0x2'0000;
inline constexpr std::uint64_t kResults = 0x3'0000;
inline constexpr std::uint64_t kWindowSize = 0x8000;  // bytes; the most that one transaction moves
inline constexpr std::uint64_t kLast = 0x8000;        // added to kCodes or kActivations: TLAST

inline constexpr std::uint64_t kLevels = 0x3'8000, kLevelsSize = 0xC;
// Read: beats that can be read now, up to the first TLAST; kLevelLast if the final one has TLAST.
inline constexpr std::uint64_t kResultsLevel = kLevels;
// Read: beats that can be written now; kLevelEmpty if none waits for the core. A write of any value
// forgets the beats that wait, but for one that is on the wires already.
inline constexpr std::uint64_t kCodesLevel = kLevels + 4;
inline constexpr std::uint64_t kActivationsLevel = kLevels + 8;
inline constexpr std::uint32_t kLevelBeats = 0xFFFF;
inline constexpr std::uint32_t kLevelLast = 1U << 16;
inline constexpr std::uint32_t kLevelEmpty = 1U << 17;

inline constexpr std::uint64_t kTargetSize = 0x4'0000;  // of the whole map

}  // namespace szt::systemc

#endif  // SZT_SYSTEMC_ADDRESS_MAP_H_
