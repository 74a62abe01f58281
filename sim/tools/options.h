// SPDX-License-Identifier: Apache-2.0
// Options that several subcommands share.
#ifndef SZT_TOOLS_OPTIONS_H_
#define SZT_TOOLS_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <string>

#include "szt/code.h"

namespace CLI {
class App;
}

namespace szt::tools {

// --json FILE.
void add_json_option(CLI::App& app, std::string& file);
// --config C, default medium. The name is checked where it is used.
void add_config_option(CLI::App& app, std::string& name);
// --mode, default forward.
void add_mode_option(CLI::App& app, std::string& mode);

// --zero-shift K|inf; `text` is empty if it is not given. parse_zero_shift() checks it.
void add_zero_shift_option(CLI::App& app, std::string& text, const std::string& description);

// A whole number from 0 to `largest` in decimal (CLI11's own conversion takes -1 for 2^64 - 1 and
// 010 for 8); anything else throws InputError out of App::parse.
void add_number_option(CLI::App& app, const std::string& name, const std::string& description,
                       std::uint64_t largest, const std::function<void(std::uint64_t)>& set);

// Throws InputError for anything but "forward", "zero_sign" and "sign".
DecodeMode parse_mode(const std::string& text);

// `text` as a word of a POSIX shell.
std::string shell_quote(const std::string& text);

}  // namespace szt::tools

#endif  // SZT_TOOLS_OPTIONS_H_
