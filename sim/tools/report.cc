// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "szt/sim/rtl_device.h"

namespace szt::tools {
namespace {

// Characters of UTF-8 text, as good as columns of the terminal for names.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

}  // namespace

Table::Table(std::initializer_list<std::string_view> headers) {
  for (std::string_view header : headers) {
    const bool right = header.ends_with('>');
    if (right) header.remove_suffix(1);
    columns_.push_back({std::string(header), right, width_of(header)});
  }
}

void Table::add_row(std::vector<std::string> cells) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    columns_[i].width = std::max(columns_[i].width, width_of(cells[i]));
  }
  rows_.push_back(std::move(cells));
}

void Table::print() const {
  const auto print_row = [this](const auto& cell_of) {
    std::string line;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string& cell = cell_of(i);
      const std::string padding(columns_[i].width - width_of(cell), ' ');
      if (i != 0) line += "  ";
      line += columns_[i].right ? padding + cell : cell + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    fmt::print("{}\n", line);
  };
  print_row([this](std::size_t i) -> const std::string& { return columns_[i].header; });
  for (const auto& row : rows_) {
    print_row([&row](std::size_t i) -> const std::string& { return row[i]; });
  }
}

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto value = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (value < 0x20 || value == 0x7F) {
      out += fmt::format("\\x{:02x}", value);
    } else {
      out += c;
    }
  }
  return out;
}

std::string shape_text(std::span<const std::uint64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ","));
}

std::string percent(double share) { return fmt::format("{:.1f} %", share * 100); }

double ratio(double numerator, double denominator) {
  return denominator == 0 ? 0 : numerator / denominator;
}

double json_float(float value) {
  const std::string text = fmt::format("{}", value);
  double result = 0;
  std::from_chars(text.data(), text.data() + text.size(), result);
  return result;
}

nlohmann::ordered_json tool_versions() {
  return {{"szt", SZT_VERSION}, {"compiler", SZT_COMPILER}};
}

nlohmann::ordered_json tool_versions(const Configuration& rtl) {
  nlohmann::ordered_json versions = tool_versions();
  versions["verilator"] = sim::rtl_simulator_version(rtl);
  return versions;
}

JsonReport::JsonReport(const std::filesystem::path& path, const nlohmann::ordered_json& json) {
  if (path.empty()) return;
  file_.emplace(path);
  file_->write(json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  file_->finish();
}

void JsonReport::commit() {
  if (file_) file_->commit();
}

void write_json(const std::filesystem::path& path, const nlohmann::ordered_json& json) {
  JsonReport(path, json).commit();
}

}  // namespace szt::tools
