// SPDX-License-Identifier: Apache-2.0
// The subcommands of szt.
#ifndef SZT_TOOLS_COMMANDS_H_
#define SZT_TOOLS_COMMANDS_H_

#include <functional>

namespace CLI {
class App;
}

namespace szt::tools {

inline constexpr int kExitOk = 0;
inline constexpr int kExitComparisonFailed = 1;
inline constexpr int kExitBadInput = 2;

struct Subcommand {
  CLI::App* app;
  // Called if the user chose it; returns the exit code. Throws InputError for bad input.
  std::function<int()> run;
};

Subcommand add_quantize(CLI::App& app);
Subcommand add_dequantize(CLI::App& app);
Subcommand add_inspect(CLI::App& app);
Subcommand add_matmul(CLI::App& app);
Subcommand add_backward(CLI::App& app);
Subcommand add_cosim(CLI::App& app);
Subcommand add_theory(CLI::App& app);
Subcommand add_train(CLI::App& app);
Subcommand add_classify(CLI::App& app);

}  // namespace szt::tools

#endif  // SZT_TOOLS_COMMANDS_H_
