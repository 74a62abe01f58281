// SPDX-License-Identifier: Apache-2.0
// Options that several subcommands share.
#ifndef SZT_TOOLS_OPTIONS_H_
#define SZT_TOOLS_OPTIONS_H_

#include <cstddef>
#include <cstdint>
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

// Throws InputError for anything but "forward", "zero_sign" and "sign".
DecodeMode parse_mode(const std::string& text);

// `text` as a word of a POSIX shell.
std::string shell_quote(const std::string& text);

}  // namespace szt::tools

#endif  // SZT_TOOLS_OPTIONS_H_
