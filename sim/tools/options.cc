// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <system_error>

#include "szt/configuration.h"
#include "szt/error.h"
#include "szt/printable.h"

namespace szt::tools {

void add_json_option(CLI::App& app, std::string& file) {
  app.add_option("--json", file, "Also write the report as JSON")->type_name("FILE");
}

void add_config_option(CLI::App& app, std::string& name) {
  std::string known;
  for (const Configuration& configuration : configurations()) {
    known += fmt::format("\n  {:<7} {}x{}: {}", configuration.name, configuration.rows,
                         configuration.cols, configuration.purpose);
  }
  app.add_option("--config", name, "Array, rows x columns:" + known)
      ->type_name("NAME")
      ->capture_default_str();
}

void add_mode_option(CLI::App& app, std::string& mode) {
  app.add_option("--mode", mode,
                 "What a code multiplies by: forward (-1, 0, +1),\n"
                 "zero_sign (the sign of a zero, else 0) or sign (-1, +1)")
      ->type_name("MODE")
      ->capture_default_str();
}

void add_zero_shift_option(CLI::App& app, std::string& text, const std::string& description) {
  app.add_option("--zero-shift", text, description)->type_name("K|inf");
}

void add_number_option(CLI::App& app, const std::string& name, const std::string& description,
                       std::uint64_t largest, const std::function<void(std::uint64_t)>& set) {
  const auto parse = [name, largest, set](const std::string& text) {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stop != end || value > largest) {
      throw InputError(
          fmt::format("{} '{}' is no whole number from 0 to {}", name, printable(text), largest));
    }
    set(value);
  };
  app.add_option_function<std::string>(name, parse, description)->type_name("N");
}

DecodeMode parse_mode(const std::string& text) {
  if (text == "forward") return DecodeMode::kForward;
  if (text == "zero_sign") return DecodeMode::kZeroSign;
  if (text == "sign") return DecodeMode::kSign;
  throw InputError(
      fmt::format("--mode '{}' is unknown; use forward, zero_sign or sign", printable(text)));
}

std::string shell_quote(const std::string& text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

}  // namespace szt::tools
