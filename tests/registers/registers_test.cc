// SPDX-License-Identifier: Apache-2.0
// What the compiler sees in the generated headers, and what stands in the SystemVerilog package,
// against rtl/registers.json, whose names and values are worked out here a second time.
#include "szt/sim/registers.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <cstdint>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>

#include "szt_registers.h"

namespace szt::sim {
namespace {

// Name to value, as text that shows the type.
using Names = std::map<std::string, std::string>;

std::string text(std::uint32_t value) { return fmt::format("{:#x}", value); }
std::string text(const Field& field) { return fmt::format("[{} +: {}]", field.lsb, field.width); }

// A name that stands there twice is a mistake too.
void add(Names& names, const std::string& name, const std::string& value) {
  EXPECT_TRUE(names.emplace(name, value).second) << name << " twice";
}

Names c_names() {
  Names names;
#define NAME(name) add(names, #name, text(name));
#include "c_names.inc"
#undef NAME
  return names;
}

Names cpp_names() {
  Names names;
#define NAME(name) add(names, #name, text(name));
#include "cpp_names.inc"
#undef NAME
  return names;
}

// Type and value of each constant, as they are written.
Names package_names() {
  Names names;
  std::ifstream file(SZT_RTL_DIR "/szt_registers.sv");
  EXPECT_TRUE(file);
  const std::regex constant(R"(  localparam (int|logic \[\d+:0\]) (\w+) *= (\S+);)");
  for (std::string line; std::getline(file, line);) {
    if (line.find("localparam") == std::string::npos) continue;
    std::smatch match;
    if (std::regex_match(line, match, constant)) {
      add(names, match[2], fmt::format("{} {}", match[1].str(), match[3].str()));
    } else {
      ADD_FAILURE() << line;
    }
  }
  return names;
}

// ACC_DEPTH to AccDepth, or matmul to Matmul.
std::string camel(const std::string& name) {
  std::string result;
  bool first = true;
  for (const char c : name) {
    if (c == '_') {
      first = true;
    } else {
      result += static_cast<char>(first ? std::toupper(c) : std::tolower(c));
      first = false;
    }
  }
  return result;
}

std::string upper(const std::string& name) {
  std::string result;
  for (const char c : name) result += static_cast<char>(std::toupper(c));
  return result;
}

struct Expected {
  Names c, cpp, package;

  // A constant of 32 bits; `block` and `name` as in the JSON.
  void word(const std::string& block, const std::string& name, std::uint32_t value) {
    add(c, c_name(block, name), text(value));
    add(cpp, cpp_name(block, name), text(value));
    add(package, camel(block) + camel(name), fmt::format("logic [31:0] 32'h{:08X}", value));
  }
  void address(const std::string& block, const std::string& name, std::uint32_t value) {
    add(c, c_name(block, name), text(value));
    add(cpp, cpp_name(block, name), text(value));
    add(package, camel(block) + camel(name), fmt::format("logic [7:0] 8'h{:02X}", value));
  }
  void field(const std::string& block, const std::string& name, const Field& field) {
    std::uint32_t mask = 0;
    for (unsigned bit = field.lsb; bit < field.lsb + field.width; ++bit) mask |= 1U << bit;
    add(c, c_name(block, name), text(mask));
    add(c, c_name(block, name) + "_SHIFT", text(field.lsb));
    add(cpp, cpp_name(block, name), text(field));
    add(package, camel(block) + camel(name), fmt::format("int {}", field.lsb));
    if (field.width > 1) {
      add(package, camel(block) + camel(name) + "Width", fmt::format("int {}", field.width));
    }
  }

 private:
  static std::string c_name(const std::string& block, const std::string& name) {
    return "SZT_" + (block.empty() ? "" : upper(block) + "_") + name;
  }
  static std::string cpp_name(const std::string& block, const std::string& name) {
    return "szt::sim::" + (block.empty() ? "" : block + "::") + "k" + camel(name);
  }
};

void expect_register(const std::string& block, const nlohmann::json& entry, Expected& expected) {
  const std::string name = entry.at("name");
  expected.address(block, name, entry.at("offset"));
  const std::uint32_t reset = entry.value("reset", 0U);
  if (reset != 0) expected.word(block, name + "_RESET", reset);
  std::uint32_t sticky = 0;
  for (const nlohmann::json& field : entry.value("fields", nlohmann::json::array())) {
    const Field bits{field.at("lsb"), field.at("width")};
    expected.field(block, name + "_" + field.at("name").get<std::string>(), bits);
    if (field.value("access", "") == "w1c") {
      for (unsigned bit = bits.lsb; bit < bits.lsb + bits.width; ++bit) sticky |= 1U << bit;
    }
  }
  if (sticky != 0) expected.word(block, name + "_STICKY", sticky);
}

Expected expectations() {
  std::ifstream file(SZT_RTL_DIR "/registers.json");
  const nlohmann::json map = nlohmann::json::parse(file);
  Expected expected;
  const std::string version = map.at("version");
  std::smatch numbers;
  EXPECT_TRUE(std::regex_match(version, numbers, std::regex(R"((\d+)\.(\d+)\.(\d+))")));
  std::uint32_t packed = 0;
  for (unsigned i = 1; i <= 3; ++i) {
    packed = packed << 8 | static_cast<std::uint32_t>(std::stoul(numbers[i]));
  }
  expected.word("", "VERSION_VALUE", packed);
  for (const std::string block : {"matmul", "encoder"}) {
    const nlohmann::json& entry = map.at(block);
    const std::string id = entry.at("id");
    EXPECT_EQ(id.size(), 4U);
    std::uint32_t id_value = 0;
    for (const char c : id) id_value = id_value << 8 | static_cast<std::uint8_t>(c);
    expected.word(block, "ID_VALUE", id_value);
    EXPECT_FALSE(entry.at("registers").empty());
    for (const nlohmann::json& reg : entry.at("registers")) expect_register(block, reg, expected);
  }
  return expected;
}

TEST(RegistersTest, CHeaderIsTheMap) { EXPECT_THAT(c_names(), expectations().c); }

TEST(RegistersTest, CppHeaderIsTheMap) { EXPECT_THAT(cpp_names(), expectations().cpp); }

TEST(RegistersTest, PackageIsTheMap) { EXPECT_THAT(package_names(), expectations().package); }

TEST(RegistersTest, FieldArithmetic) {
  constexpr Field kMiddle{4, 3};
  static_assert(kMiddle.mask() == 0x70);
  static_assert(kMiddle.get(0xFFFFFFDF) == 5);
  static_assert(kMiddle.make(0xFFFFFFFA) == 0x20);
  constexpr Field kTop{31, 1};
  static_assert(kTop.mask() == 0x80000000);
  static_assert(kTop.get(0x80000000) == 1 && kTop.make(3) == 0x80000000);
  constexpr Field kAll{0, 32};
  static_assert(kAll.mask() == 0xFFFFFFFF);
  static_assert(kAll.get(0xDEADBEEF) == 0xDEADBEEF && kAll.make(0xDEADBEEF) == 0xDEADBEEF);
}

}  // namespace
}  // namespace szt::sim
