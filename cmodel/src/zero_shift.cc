// SPDX-License-Identifier: Apache-2.0
#include "szt/zero_shift.h"

#include <fmt/format.h>

#include "szt/error.h"
#include "szt/printable.h"

namespace szt {

std::optional<ZeroShift> find_zero_shift(std::string_view text) {
  if (text == "inf") return ZeroShift();
  if (text.size() != 1 || text[0] < '0') return std::nullopt;
  const auto shift = static_cast<unsigned>(text[0] - '0');
  return shift <= kMaxZeroShift ? std::optional<ZeroShift>(shift) : std::nullopt;
}

ZeroShift parse_zero_shift(std::string_view text) {
  if (const auto shift = find_zero_shift(text)) return *shift;
  throw InputError(fmt::format("zero shift '{}' is unknown; use 0 to {} or inf", printable(text),
                               kMaxZeroShift));
}

std::string to_string(const ZeroShift& shift) { return shift ? std::to_string(*shift) : "inf"; }

void check_zero_shift(const ZeroShift& shift) {
  if (!shift || *shift <= kMaxZeroShift) return;
  throw InputError(
      fmt::format("zero shift {} is too large; use 0 to {} or inf", *shift, kMaxZeroShift));
}

}  // namespace szt
