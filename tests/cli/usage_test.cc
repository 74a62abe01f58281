// SPDX-License-Identifier: Apache-2.0
// Help, version and mistakes on the command line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli_testing.h"

namespace szt::test {
namespace {

using ::testing::HasSubstr;

void expect_readable(const std::string& help) {
  for (std::size_t begin = 0; begin < help.size();) {
    const std::size_t end = help.find('\n', begin);
    EXPECT_LE(end - begin, 100U) << help.substr(begin, end - begin);
    begin = end + 1;
  }
}

TEST(Usage, HelpOfEverySubcommand) {
  const std::string help = expect_ok({"--help"}).out;
  expect_readable(help);
  const std::multimap<std::string, std::string> mentioned = {
      {"quantize", "--exclude"}, {"dequantize", "OUT"},       {"inspect", "--tensor"},
      {"matmul", "--device"},    {"backward", "on the host"}, {"cosim", "--stall"},
      {"theory", "footprint"},   {"train", "--arm"},          {"classify", "--network"},

      {"matmul", "TLM or RTL"},  {"backward", "TLM or RTL"}};
  for (const auto& [command, text] : mentioned) {
    const Result result = expect_ok({command, "--help"});
    EXPECT_THAT(result.out, HasSubstr(text));
    EXPECT_THAT(result.out, HasSubstr("szt " + command));
    EXPECT_EQ(expect_ok({command, "-h"}).out, result.out);
    EXPECT_THAT(help, HasSubstr(command));
    expect_readable(result.out);
  }
}

TEST(Usage, Version) { EXPECT_EQ(expect_ok({"--version"}).out, "szt " SZT_PROJECT_VERSION "\n"); }

TEST(Usage, Mistakes) {
  expect_bad_input({}, {"szt --help"});
  expect_bad_input({""}, {"'' is no command", "quantize"});
  expect_bad_input({"frobnicate"}, {"'frobnicate' is no command", "quantize"});
  expect_bad_input({"two\nlines"}, {R"(two\nlines)"});
  expect_bad_input({"--bogus"}, {"szt --help"});
  expect_bad_input({"quantize"}, {"IN", "szt quantize --help"});
  expect_bad_input({"quantize", "one"}, {"OUT"});
  expect_bad_input({"quantize", "one", "two", "three"}, {"three"});
  expect_bad_input({"quantize", "one", "two", "--rule"}, {"--rule"});
  expect_bad_input({"cosim", "--bogus\n"}, {"--bogus"});
  expect_bad_input({"cosim", "--m", "1", "--m", "2"}, {"--m"});
  expect_bad_input({"matmul", "--weights", "w"}, {"--activations"});
  for (const std::string option : {"--m", "--k", "--n", "--seed"}) {
    for (const std::string value : {"-1", "x", "1.5", "", "0x10", "99999999999999999999999"}) {
      expect_bad_input({"cosim", option, value}, {option, "whole number"});
    }
  }
  expect_bad_input({"cosim", "--k", "16777216"}, {"16777215"});
  for (const std::string value : {"-0.5", "1", "0.991", "nan", "inf", "1e300"}) {
    expect_bad_input({"cosim", "--stall", value}, {"--stall", "0.99"});
  }
  expect_bad_input({"cosim", "--stall", "often"}, {"--stall"});
}

TEST(Usage, StandardOutputThatCannotBeWritten) {
  const TempDir dir;
  const Result result = run_szt(
      {"cosim", "--config", "tiny", "--m", "1", "--k", "1", "--n", "1", "--json", "/dev/full"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("/dev/full"));
}

}  // namespace
}  // namespace szt::test
