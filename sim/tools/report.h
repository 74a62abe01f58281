// SPDX-License-Identifier: Apache-2.0
// Tables for people, JSON for programs.
#ifndef SZT_TOOLS_REPORT_H_
#define SZT_TOOLS_REPORT_H_

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "szt/atomic_file.h"
#include "szt/configuration.h"

namespace szt::tools {

// Columns as wide as their widest cell; text to the left, numbers (a header that ends in '>') to
// the right.
class Table {
 public:
  Table(std::initializer_list<std::string_view> headers);
  void add_row(std::vector<std::string> cells);
  // To the standard output.
  void print() const;

 private:
  struct Column {
    std::string header;
    bool right;
    std::size_t width;
  };
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Control characters, line breaks among them, become escapes.
std::string one_line(std::string_view text);

// "[2,3]".
std::string shape_text(std::span<const std::uint64_t> shape);
// "12.3 %".
std::string percent(double share);
// numerator / denominator, 0 for an empty one.
double ratio(double numerator, double denominator);
// A JSON number that reads back as the same float and is no longer than it must be.
double json_float(float value);

// The program, its compiler and, with a configuration, what its RTL was verilated with.
nlohmann::ordered_json tool_versions();
nlohmann::ordered_json tool_versions(const Configuration& rtl);

// A report beside another output: made before that one and given its name after it, so that a full
// disk leaves neither. Nothing at all if the path is empty. Both throw InputError.
class JsonReport {
 public:
  JsonReport(const std::filesystem::path& path, const nlohmann::ordered_json& json);
  void commit();

 private:
  std::optional<AtomicFile> file_;
};

// A report alone: whole or not at all; nothing if the path is empty. Throws InputError.
void write_json(const std::filesystem::path& path, const nlohmann::ordered_json& json);

}  // namespace szt::tools

#endif  // SZT_TOOLS_REPORT_H_
