// SPDX-License-Identifier: Apache-2.0
// szt theory: the analysis of the format, as CSV and JSON. No device is involved.
#include "theory.h"

#include <CLI/CLI.hpp>
#include <vector>

#include "szt/error.h"

namespace szt::tools {

Subcommand add_theory(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "theory", "State changes, first-passage times, density and footprint as CSV");
  command->require_subcommand(0, 1);
  const std::vector<Subcommand> parts = {add_theory_phi(*command), add_theory_mfpt(*command),
                                         add_theory_density(*command),
                                         add_theory_footprint(*command)};
  return {
      command, [parts] {
        for (const Subcommand& part : parts) {
          if (part.app->parsed()) return part.run();
        }
        throw InputError(
            "szt theory needs one of phi, mfpt, density and footprint; see 'szt theory --help'");
      }};
}

}  // namespace szt::tools
