// SPDX-License-Identifier: Apache-2.0
#include "theory_report.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "options.h"
#include "outputs.h"
#include "report.h"
#include "szt/atomic_file.h"
#include "szt/error.h"
#include "szt/printable.h"

namespace szt::tools {
namespace {

constexpr std::size_t kLongestList = 1000;

std::string csv_field(const nlohmann::ordered_json& value) {
  if (value.is_null()) return "";
  if (value.is_number_float()) {
    const double number = value.get<double>();
    return std::isfinite(number) ? fmt::format("{}", number) : "";
  }
  if (!value.is_string()) return value.dump();
  const std::string text = value.get<std::string>();
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

double parse_real_option(const std::string& option, std::string_view text, RealRange range) {
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size() ||
      !(value >= range.low && value <= range.high)) {
    throw InputError(fmt::format("{} '{}' is no decimal number from {} to {}", option,
                                 printable(text), range.low, range.high));
  }
  return value;
}

void add_row_outputs(CLI::App& app, RowOutputs& outputs) {
  app.add_option("--output", outputs.csv, "Write the CSV there, not to the standard output")
      ->type_name("FILE");
  add_json_option(app, outputs.json);
}

void check_row_outputs(const RowOutputs& outputs, const std::string& input) {
  check_outputs({{"--output", outputs.csv}, {"--json", outputs.json}}, {{"the input", input}});
}

std::string csv_text(const std::vector<nlohmann::ordered_json>& rows) {
  std::string text;
  if (rows.empty()) return text;
  std::string_view separator;
  for (const auto& [key, value] : rows.front().items()) {
    text += separator;
    text += csv_field(key);
    separator = ",";
  }
  text += "\n";
  for (const nlohmann::ordered_json& row : rows) {
    separator = "";
    for (const auto& entry : row.items()) {
      text += separator;
      text += csv_field(entry.value());
      separator = ",";
    }
    text += "\n";
  }
  return text;
}

void write_rows(const RowOutputs& outputs, nlohmann::ordered_json report,
                const std::vector<nlohmann::ordered_json>& rows) {
  report["tool_versions"] = tool_versions();
  report["rows"] = rows;
  JsonReport json(outputs.json, report);
  const std::string text = csv_text(rows);
  if (outputs.csv.empty()) {
    fmt::print("{}", text);
  } else {
    AtomicFile file(outputs.csv);
    file.write(text);
    file.commit();
  }
  json.commit();
}

void add_real_option(CLI::App& app, const std::string& name, const std::string& description,
                     RealRange range, double& value) {
  app.add_option_function<std::string>(
         name,
         [name, range, &value](const std::string& text) {
           value = parse_real_option(name, text, range);
         },
         description)
      ->type_name("X");
}

void add_real_list_option(CLI::App& app, const std::string& name, const std::string& description,
                          RealRange range, std::vector<double>& values) {
  const auto parse = [name, range, &values](const std::string& text) {
    values.clear();
    for (std::size_t begin = 0; begin <= text.size();) {
      const std::size_t end = std::min(text.find(',', begin), text.size());
      values.push_back(
          parse_real_option(name, std::string_view(text).substr(begin, end - begin), range));
      if (values.size() > kLongestList) {
        throw InputError(
            fmt::format("{} holds more than {} numbers; use fewer", name, kLongestList));
      }
      begin = end + 1;
    }
  };
  app.add_option_function<std::string>(name, parse, description)->type_name("X,...");
}

}  // namespace szt::tools
