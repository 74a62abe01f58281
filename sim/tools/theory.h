// SPDX-License-Identifier: Apache-2.0
// The subcommands of szt theory; each in a file of its own.
#ifndef SZT_TOOLS_THEORY_H_
#define SZT_TOOLS_THEORY_H_

#include "commands.h"

namespace szt::tools {

Subcommand add_theory_phi(CLI::App& theory);
Subcommand add_theory_mfpt(CLI::App& theory);
Subcommand add_theory_density(CLI::App& theory);
Subcommand add_theory_footprint(CLI::App& theory);

}  // namespace szt::tools

#endif  // SZT_TOOLS_THEORY_H_
