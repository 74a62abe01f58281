// SPDX-License-Identifier: Apache-2.0
// Any text as a rule, as a zero shift and as a name to print.
#include <string>

#include "fuzz/target.h"
#include "szt/printable.h"
#include "szt/threshold.h"
#include "szt/zero_shift.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace szt;
  using namespace szt::fuzz;
  const std::string text(reinterpret_cast<const char*>(data), size);
  Rule rule;
  if (accepts([&] { rule = parse_rule(text); })) {
    require(parse_rule(to_string(rule)) == rule, "a rule's text is the rule");
  }
  ZeroShift shift;
  if (accepts([&] { shift = parse_zero_shift(text); })) {
    require(parse_zero_shift(to_string(shift)) == shift, "a zero shift's text is the zero shift");
  }
  require(find_zero_shift(text).has_value() == accepts([&] { parse_zero_shift(text); }),
          "both readers take the same zero shifts");

  const std::string printed = printable(text);
  constexpr std::size_t kLongestEnd = 16;  // an escape and "..."
  require(printed.size() <= kMaxPrintable + kLongestEnd, "what is printed is cut");
  for (const char c : printed) {
    require(!(c >= 0 && c < ' ') && c != '\x7F', "what is printed is one line");
  }
  const bool plain = size <= kMaxPrintable && std::all_of(text.begin(), text.end(), [](char c) {
                       return c >= ' ' && c <= '~' && c != '\\';
                     });
  require(!plain || printed == text, "plain ASCII is printed as it is");
  return 0;
}
