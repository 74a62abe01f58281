// SPDX-License-Identifier: Apache-2.0
// The szt command-line tool: chooses a subcommand, turns errors into one line and an exit code.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "commands.h"
#include "progress.h"
#include "report.h"
#include "szt/error.h"
#include "szt/printable.h"
#include "szt/sim/device.h"

namespace szt::tools {
namespace {

int run(int argc, char** argv) {
  CLI::App app{
      "Signed-zero ternary weights: quantise checkpoints, multiply and take gradients on a model "
      "or\n"
      "on the cycle-accurate RTL, compare the two.\n"
      "Exit status: 0 ok, 1 a comparison failed, 2 bad usage or input.",
      "szt"};
  app.require_subcommand(1);
  app.set_version_flag("--version", "szt " SZT_VERSION, "Print the version and exit");
  const std::vector<Subcommand> commands = {
      add_quantize(app), add_dequantize(app), add_inspect(app), add_matmul(app),  add_backward(app),
      add_cosim(app),    add_theory(app),     add_train(app),   add_classify(app)};
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      app.exit(error);  // --help, --version: prints it
      std::fflush(stdout);
      return kExitOk;
    }
    std::string command = "szt";
    std::string what = error.what();
    for (const CLI::App* level = &app; !level->get_subcommands().empty();) {
      level = level->get_subcommands().front();
      command += " " + level->get_name();
    }
    if (app.get_subcommands().empty()) {
      const bool given = argc > 1 && argv[1][0] != '-';
      if (given) what = fmt::format("'{}' is no command", printable(argv[1]));
      what +=
          ": use quantize, dequantize, inspect, matmul, backward, cosim, theory, train or classify";
    }
    while (!what.empty() && (what.back() == '\n' || what.back() == '.')) what.pop_back();
    throw InputError(fmt::format("{}; see '{} --help'", what, command));
  }
  for (const Subcommand& command : commands) {
    if (!command.app->parsed()) continue;
    const int status = command.run();
    if (std::fflush(stdout) != 0) throw InputError("cannot write to the standard output");
    return status;
  }
  return kExitBadInput;
}

int fail(std::string_view message) {
  std::fflush(stdout);
  fmt::print(stderr, "szt: {}\n", one_line(message));
  return kExitBadInput;
}

int guarded_run(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const InputError& error) {
    return fail(error.what());
  } catch (const sim::DeviceError& error) {
    std::fflush(stdout);
    fmt::print(stderr, "szt: the device failed: {}\n", error.what());
    return kExitComparisonFailed;
  } catch (const std::bad_alloc&) {
    return fail("out of memory; use smaller sizes or a machine with more");
  } catch (const std::length_error&) {
    return fail("the sizes are beyond any memory; use smaller ones");
  } catch (const Interrupted& interrupted) {
    // What was open is closed by now. The shell shall see a death by this signal.
    std::signal(interrupted.signal(), SIG_DFL);
    std::raise(interrupted.signal());
    return 128 + interrupted.signal();
  } catch (const std::exception& error) {
    return fail(fmt::format("unexpected failure: {}; please report it", error.what()));
  }
}

}  // namespace
}  // namespace szt::tools

int main(int argc, char** argv) { return szt::tools::guarded_run(argc, argv); }
