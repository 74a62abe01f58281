// SPDX-License-Identifier: Apache-2.0
// szt theory and szt inspect --histogram: what is written is what the library computes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>

#include "cli_testing.h"
#include "szt/theory_density.h"
#include "szt/theory_mfpt.h"
#include "szt/theory_phi.h"

namespace szt::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using CsvRows = std::vector<std::map<std::string, std::string>>;

// No field of these tests holds a quote or a comma.
CsvRows parse_csv(const std::string& text) {
  const auto split = [](const std::string& line) {
    std::vector<std::string> fields(1);
    for (const char c : line) {
      if (c == ',') {
        fields.emplace_back();
      } else {
        fields.back() += c;
      }
    }
    return fields;
  };
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  const std::vector<std::string> names = split(line);
  CsvRows rows;
  while (std::getline(lines, line)) {
    const std::vector<std::string> fields = split(line);
    EXPECT_EQ(fields.size(), names.size()) << line;
    rows.emplace_back();
    for (std::size_t i = 0; i < names.size(); ++i) rows.back()[names[i]] = fields[i];
  }
  return rows;
}

// Every field of the CSV is that of the JSON's row, and null is empty.
void expect_same_rows(const CsvRows& csv, const nlohmann::json& report) {
  EXPECT_TRUE(report["tool_versions"].contains("szt"));
  EXPECT_TRUE(report["tool_versions"].contains("compiler"));
  ASSERT_EQ(csv.size(), report["rows"].size());
  for (std::size_t i = 0; i < csv.size(); ++i) {
    const nlohmann::json& row = report["rows"][i];
    ASSERT_EQ(csv[i].size(), row.size());
    for (const auto& [key, field] : csv[i]) {
      SCOPED_TRACE(key);
      if (row[key].is_null()) {
        EXPECT_EQ(field, "");
      } else if (row[key].is_string()) {
        EXPECT_EQ(nlohmann::json(field), row[key]);
      } else {
        EXPECT_EQ(std::stod(field), row[key].get<double>());
      }
    }
  }
}

TEST(Theory, HelpOfEverySubcommand) {
  for (const std::string command : {"phi", "mfpt", "density", "footprint"}) {
    const std::string help = expect_ok({"theory", command, "--help"}).out;
    EXPECT_THAT(help, HasSubstr("szt theory " + command));
    EXPECT_THAT(help, HasSubstr("--json"));
    EXPECT_THAT(expect_ok({"theory", "--help"}).out, HasSubstr(command));
    std::istringstream lines(help);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
  }
}

TEST(Theory, Phi) {
  const TempDir dir;
  const std::vector<std::string> command = {
      "theory", "phi",    "--sigma", "0.1,0.25", "--points",   "9",           "--samples",
      "20000",  "--seed", "3",       "--json",   dir / "json", "--threshold", "0.5"};
  const Result result = expect_ok(command);
  const CsvRows rows = parse_csv(result.out);
  const nlohmann::json report = read_json(dir / "json");
  expect_same_rows(rows, report);
  ASSERT_EQ(rows.size(), 18U);
  for (const nlohmann::json& row : report["rows"]) {
    const double w = row["w"];
    const double sigma = row["sigma"];
    EXPECT_EQ(row["bt"], state_change_probability(WeightFormat::kBalancedTernary, w, 0.5, sigma));
    EXPECT_EQ(row["szt"], state_change_probability(WeightFormat::kSignedZero, w, 0.5, sigma));
    for (const std::string name : {"bt", "szt"}) {
      EXPECT_LE(row[name + "_mc_low"], row[name + "_mc"]);
      EXPECT_LE(row[name + "_mc"], row[name + "_mc_high"]);
    }
  }
  EXPECT_EQ(report["rows"][0]["w"], -1);
  EXPECT_EQ(report["rows"][8]["w"], 1);
  EXPECT_EQ(report["confidence"]["family"], 0.99);
  EXPECT_EQ(report["confidence"]["intervals"], 36);
  EXPECT_EQ(report["confidence"]["missed"], 0);
  EXPECT_EQ(report["mean_over_dead_zone"][1]["szt"],
            mean_state_change_probability(WeightFormat::kSignedZero, 0.5, 0.25));
  // Again, and to a file.
  EXPECT_EQ(expect_ok(command).out, result.out);
  std::vector<std::string> to_file = command;
  to_file.insert(to_file.end(), {"--output", dir / "csv"});
  EXPECT_EQ(expect_ok(to_file).out, "");
  EXPECT_EQ(read_file(dir / "csv"), result.out);
  // Without samples there is nothing to estimate.
  const CsvRows closed = parse_csv(expect_ok({"theory", "phi", "--samples", "0"}).out);
  EXPECT_FALSE(closed.front().contains("bt_mc"));
}

TEST(Theory, Mfpt) {
  const TempDir dir;
  const std::vector<std::string> command = {"theory",  "mfpt",      "--sigma", "0.2,0.1",
                                            "--drift", "0,0.01",    "--paths", "1000",
                                            "--json",  dir / "json"};
  const Result result = expect_ok(command);
  const nlohmann::json report = read_json(dir / "json");
  expect_same_rows(parse_csv(result.out), report);
  ASSERT_EQ(report["rows"].size(), 4U);
  for (const nlohmann::json& row : report["rows"]) {
    const Walk walk{row["sigma"], row["drift"]};
    EXPECT_EQ(row["exit_closed"], mean_exit_time(dead_zone(1), walk));
    EXPECT_EQ(row["change_closed"], mean_exit_time(zero_plus_cell(1), walk));
    EXPECT_EQ(row["exit_discrete"], DiscreteSolution(dead_zone(1), walk).mean());
    EXPECT_EQ(row["change_discrete"], DiscreteSolution(zero_plus_cell(1), walk).mean());
    EXPECT_NEAR(row["exit_ode"].get<double>() / row["exit_closed"].get<double>(), 1, 1e-8);
    EXPECT_EQ(row["exit_shifted"].is_null(), walk.drift != 0);
    EXPECT_EQ(row["ratio_shifted"].is_null(), walk.drift != 0);
    EXPECT_LT(row["ratio_mc_low"], row["ratio_discrete"]);
    EXPECT_LT(row["ratio_discrete"], row["ratio_mc_high"]);
    EXPECT_EQ(row["start"], "uniform");
  }
  EXPECT_NEAR(report["rows"][2]["ratio_discrete"], 3.41, 0.005);
  EXPECT_NEAR(report["rows"][2]["ratio_closed"], 4, 1e-12);
  EXPECT_EQ(report["confidence"]["intervals"], 8);
  EXPECT_EQ(report["confidence"]["missed"], 0);
  EXPECT_EQ(expect_ok(command).out, result.out);
  const CsvRows fixed = parse_csv(
      expect_ok({"theory", "mfpt", "--sigma", "0.1", "--start", "-0.3", "--paths", "0"}).out);
  EXPECT_FALSE(fixed.front().contains("exit_mc"));
  EXPECT_NEAR(std::stod(fixed.front().at("exit_closed")), (1 - 0.09) / 0.01, 1e-9);
  EXPECT_NEAR(std::stod(fixed.front().at("change_closed")), 0.3 * 0.7 / 0.01, 1e-9);
}

TEST(Theory, Density) {
  const TempDir dir;
  const std::vector<float> weights = random_weights(600, 9);
  write_tensors(dir / "in",
                {{"w", f32({20, 30}, weights)}, {"bias", f32({30}, random_weights(30, 1))}});
  const Result result = expect_ok({"theory", "density", "--weights", dir / "in", "--grid", "4096",
                                   "--zero-shift", "3", "--json", dir / "json"});
  const nlohmann::json report = read_json(dir / "json");
  expect_same_rows(parse_csv(result.out), report);
  ASSERT_EQ(report["rows"].size(), 15U);  // 3 rules of 2 distributions, 2 ways, and of one tensor
  EXPECT_NEAR(report["rows"][0]["entropy_szt"], 1.9831, 5e-5);
  EXPECT_NEAR(report["rows"][0]["sqnr_lloyd_max_db"], 9.30, 5e-3);
  EXPECT_EQ(report["rows"][12]["source"], "w");
  EXPECT_EQ(report["rows"][12]["rule"], "twn");
  const DensityReport expected = analyse(Dtype::kF32, weights.data(), 600, parse_rule("twn"));
  EXPECT_EQ(report["rows"][12]["dead_zone_share"], expected.dead_zone_share);
  EXPECT_EQ(report["rows"][12]["sqnr_backward_db"], expected.sqnr_backward[3]);
  const CsvRows named =
      parse_csv(expect_ok({"theory", "density", "--weights", (dir / "in").string() + ":bias",
                           "--rule", "absmean", "--grid", "0"})
                    .out);
  ASSERT_EQ(named.size(), 3U);
  EXPECT_EQ(named[2].at("source"), "bias");
  EXPECT_EQ(named[2].at("parameters"), "30");
}

TEST(Theory, Footprint) {
  const TempDir dir;
  const Result result = expect_ok({"theory", "footprint", "--json", dir / "json"});
  const nlohmann::json report = read_json(dir / "json");
  expect_same_rows(parse_csv(result.out), report);
  std::map<std::string, nlohmann::json> by_name;
  for (const nlohmann::json& row : report["rows"]) by_name[row["format"]] = row;
  EXPECT_EQ(by_name["szt"]["bytes"], 7000000000 / 4 + 224 * 8);
  EXPECT_NEAR(by_name["szt"]["times_the_parameters"], 2.0625, 1e-6);
  EXPECT_EQ(by_name["int4-g128"]["times_the_parameters"], 1);
  write_tensors(dir / "in", {{"a", f32({3, 130}, random_weights(390, 1))},
                             {"b", f32({1, 1}, {1})},
                             {"bias", f32({5}, random_weights(5, 1))}});
  const CsvRows rows = parse_csv(
      expect_ok({"theory", "footprint", "--weights", dir / "in", "--reference", "int8"}).out);
  EXPECT_EQ(rows[0].at("bytes"), "116");
  EXPECT_EQ(rows[0].at("parameters"), "391");
  EXPECT_EQ(rows[0].at("tensors"), "2");
  EXPECT_EQ(rows[5].at("times_the_parameters"), "1");
  EXPECT_EQ(
      parse_csv(
          expect_ok({"theory", "footprint", "--weights", dir / "in", "--exclude", "b"}).out)[0]
          .at("parameters"),
      "390");
}

TEST(Theory, HostileArguments) {
  const TempDir dir;
  expect_bad_input({"theory"}, {"phi, mfpt, density and footprint"});
  expect_bad_input({"theory", "alchemy"}, {"alchemy", "szt theory --help"});
  expect_bad_input({"theory", "phi", "--bogus"}, {"--bogus", "szt theory phi --help"});
  for (const std::string command : {"phi", "mfpt"}) {
    for (const std::string value :
         {"0", "-1", "nan", "inf", "-inf", "x", "0.1,", ",", "0.1,0", "1e400", "1e-400", "0x1"}) {
      expect_bad_input({"theory", command, "--sigma=" + value}, {"--sigma", "decimal number"});
    }
    expect_bad_input({"theory", command, "--sigma", ""}, {"--sigma"});
    for (const std::string value : {"0", "-0.5", "nan", "1e31", "1e-40", "1,2"}) {
      expect_bad_input({"theory", command, "--threshold=" + value}, {"--threshold"});
    }
    expect_bad_input({"theory", command, "--seed", "-1"}, {"--seed", "whole number"});
    expect_bad_input({"theory", command, "--output", dir / "no" / "file"}, {"no"});
    expect_bad_input({"theory", command, "--json", dir.path()}, {dir.path()});
    expect_bad_input({"theory", command, "--json", dir / "a", "--output", dir / "a"},
                     {"same file"});
  }
  std::string many = "1";
  for (int i = 0; i < 1000; ++i) many += ",1";
  expect_bad_input({"theory", "phi", "--sigma", many}, {"more than 1000"});
  expect_bad_input({"theory", "phi", "--points", "1"}, {"--points", "2"});
  expect_bad_input({"theory", "phi", "--points", "100002"}, {"--points", "100001"});
  expect_bad_input({"theory", "phi", "--points", "100001", "--samples", "1000000000"},
                   {"samples in all", "--samples"});
  expect_bad_input(
      {"theory", "mfpt", "--sigma", many.substr(0, 201), "--drift", many.substr(0, 201)},
      {"101 sigmas by 101 drifts"});
  expect_bad_input({"theory", "mfpt", "--drift", "nan"}, {"--drift"});
  expect_bad_input({"theory", "mfpt", "--drift", "1e30"}, {"drift", "too strong"});
  expect_bad_input({"theory", "mfpt", "--sigma", "1e-5"}, {"sigma", "at least 0.0001"});
  expect_bad_input({"theory", "mfpt", "--sigma", "1e-30"}, {"sigma"});
  expect_bad_input({"theory", "mfpt", "--start", "1.5"}, {"--start 1.5", "dead zone"});
  expect_bad_input({"theory", "mfpt", "--start", "nan"}, {"--start"});
  expect_bad_input({"theory", "mfpt", "--paths", "10"}, {"--paths 10", "1000"});
  expect_bad_input({"theory", "mfpt", "--paths", "10000001"}, {"--paths"});
  expect_bad_input({"theory", "mfpt", "--paths", "10000000", "--sigma", "0.001"},
                   {"steps", "--paths"});
  expect_bad_input({"theory", "density", "--rule", "bogus"}, {"'bogus'", "absmean"});
  expect_bad_input({"theory", "density", "--grid", "1"}, {"--grid", "1000"});
  expect_bad_input({"theory", "density", "--grid", "99999999999"}, {"--grid"});
  expect_bad_input({"theory", "density", "--zero-shift", "8"}, {"--zero-shift", "7"});
  expect_bad_input({"theory", "density", "--weights", dir / "none"}, {"none"});
  expect_bad_input({"theory", "footprint", "--parameters", "0"}, {"--parameters 0"});
  expect_bad_input({"theory", "footprint", "--tensors", "0"}, {"--tensors 0"});
  expect_bad_input({"theory", "footprint", "--parameters", "5", "--tensors", "6"}, {"--tensors 6"});
  expect_bad_input({"theory", "footprint", "--parameters", "-7"}, {"whole number"});
  expect_bad_input({"theory", "footprint", "--parameters", "18446744073709551615"},
                   {"1125899906842624"});
  expect_bad_input({"theory", "footprint", "--reference", "int3"}, {"'int3'", "int4-g128"});
  expect_bad_input({"theory", "footprint", "--include", "x"}, {"--weights"});
  EXPECT_THAT(dir.names(), ElementsAre());
}

class HistogramTest : public ::testing::Test {
 protected:
  HistogramTest() : weights_(random_weights(40 * 30, 4)) {
    write_tensors(dir_ / "in", {{"a.weight", f32({40, 30}, weights_)},
                                {"b.weight", f32({2, 2}, {0, 0, -0.0F, 0})},
                                {"a.bias", f32({30}, random_weights(30, 5))},
                                {"ids", tensor_of("I8", {1, 2}, std::vector<std::int8_t>{1, 2})},
                                {"void", f32({0, 4}, {})}});
  }

  TempDir dir_;
  std::vector<float> weights_;
};

TEST_F(HistogramTest, IsWhatTheLibraryComputes) {
  const Result result = expect_ok(
      {"inspect", "--histogram", dir_ / "in", "--json", dir_ / "json", "--csv", dir_ / "csv"});
  EXPECT_THAT(result.out, HasSubstr("absmean"));
  const nlohmann::json report = read_json(dir_ / "json");
  EXPECT_EQ(report["command"], "inspect --histogram");
  EXPECT_TRUE(report["tool_versions"].contains("szt"));
  ASSERT_EQ(report["rows"].size(), 2U);
  const nlohmann::json& row = report["rows"][0];
  EXPECT_EQ(row["tensor"], "a.weight");
  EXPECT_EQ(row["shape"], nlohmann::json({40, 30}));
  for (const nlohmann::json& under : row["rules"]) {
    const std::string rule = under["rule"];
    SCOPED_TRACE(rule);
    const DensityReport expected =
        analyse(Dtype::kF32, weights_.data(), weights_.size(), parse_rule(rule));
    EXPECT_EQ(row["mean_magnitude"], expected.mean_magnitude);
    EXPECT_EQ(under["dead_zone_share"], expected.dead_zone_share);
    EXPECT_EQ(under["sqnr_forward_db"], expected.sqnr_forward);
    EXPECT_EQ(under["sqnr_backward_db"], nlohmann::json(expected.sqnr_backward));
    EXPECT_EQ(under["gaussian_share"],
              share_within(Distribution::kGaussian, expected.threshold / expected.mean_magnitude));
  }
  // By the definition of the rules.
  EXPECT_NEAR(row["rules"][0]["gaussian_share"], 0.4235, 5e-5);
  EXPECT_NEAR(row["rules"][0]["laplace_share"], 0.5034, 5e-5);
  EXPECT_NEAR(row["rules"][1]["laplace_share"], -std::expm1(-0.5), 1e-6);
  const nlohmann::json& histogram = row["histogram"];
  std::uint64_t total =
      histogram["below"].get<std::uint64_t>() + histogram["above"].get<std::uint64_t>();
  for (const nlohmann::json& count : histogram["bins"]) total += count.get<std::uint64_t>();
  EXPECT_EQ(total, weights_.size());
  EXPECT_TRUE(report["rows"][1]["rules"][0]["sqnr_forward_db"].is_null());  // all zero
  // The CSV has the same counts, a bin a line.
  const CsvRows bins = parse_csv(read_file(dir_ / "csv"));
  ASSERT_EQ(bins.size(), 2 * (RelativeHistogram::kBins + 2));
  EXPECT_EQ(bins[0].at("low"), "");
  EXPECT_EQ(bins[0].at("high"), "-4");
  EXPECT_EQ(bins[41].at("low"), "0");
  for (std::size_t i = 0; i < RelativeHistogram::kBins; ++i) {
    EXPECT_EQ(std::stoull(bins[i + 1].at("count")), histogram["bins"][i]);
  }
}

TEST_F(HistogramTest, ChoosesTensors) {
  const auto names = [&](std::vector<std::string> options) {
    options.insert(options.begin(),
                   {"inspect", "--histogram", dir_ / "in", "--json", dir_ / "json"});
    expect_ok(options);
    std::vector<std::string> found;
    const nlohmann::json report = read_json(dir_ / "json");
    for (const nlohmann::json& row : report["rows"]) found.push_back(row["tensor"]);
    return found;
  };
  EXPECT_THAT(names({}), ElementsAre("a.weight", "b.weight"));
  EXPECT_THAT(names({"--include", "^a"}), ElementsAre("a.weight"));
  EXPECT_THAT(names({"--exclude", "^a"}), ElementsAre("b.weight"));
  EXPECT_THAT(names({"--tensor", "a.bias"}), ElementsAre("a.bias"));
  EXPECT_THAT(names({"--tensor", "ids"}), ElementsAre("ids"));
}

TEST_F(HistogramTest, BadInput) {
  const std::string in = dir_ / "in";
  expect_bad_input({"inspect", "--histogram", in, "--tensor", "c"}, {in, "'c'"});
  expect_bad_input({"inspect", "--histogram", in, "--tensor", "void"}, {"'void'", "empty"});
  expect_bad_input({"inspect", "--histogram", in, "--include", "z"}, {"2 2-D float tensors"});
  expect_bad_input({"inspect", "--histogram", in, "--include", "("}, {"--include"});
  expect_bad_input({"inspect", "--histogram", in, "--json", in}, {"same file"});
  expect_bad_input({"inspect", "--histogram", in, "--csv", in}, {"same file"});
  for (const std::string option : {"--include", "--exclude", "--csv"}) {
    expect_bad_input({"inspect", in, option, "x"}, {option, "--histogram"});
  }
  expect_ok({"quantize", in, dir_ / "q"});
  expect_bad_input({"inspect", "--histogram", dir_ / "q"}, {"quantised", "original"});
  write_tensors(dir_ / "nan", {{"w", f32({1, 2}, {1, NAN})}});
  expect_bad_input({"inspect", "--histogram", dir_ / "nan"}, {"'w'", "[1]", "nan"});
  expect_bad_input({"theory", "density", "--weights", dir_ / "nan"}, {"'w'", "[1]", "nan"});
  write_tensors(dir_ / "f64", {{"w", tensor_of("F64", {1, 1}, std::vector<double>{1})}});
  expect_bad_input({"inspect", "--histogram", dir_ / "f64"}, {"F32, F16 or BF16"});
  expect_bad_input({"inspect", "--histogram", dir_ / "f64", "--tensor", "w"}, {"F64"});
  EXPECT_THAT(dir_.names(), ElementsAre("f64", "in", "nan", "q"));
}

}  // namespace
}  // namespace szt::test
