// SPDX-License-Identifier: Apache-2.0
// Rows of numbers as CSV and JSON, and the options of the commands that make them.
#ifndef SZT_TOOLS_THEORY_REPORT_H_
#define SZT_TOOLS_THEORY_REPORT_H_

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace szt::tools {

// Where the rows go.
struct RowOutputs {
  std::string csv;   // empty: standard output
  std::string json;  // empty: none
};
void add_row_outputs(CLI::App& app, RowOutputs& outputs);
// Before the work: throws InputError if one cannot be written, or is the input file `input`.
void check_row_outputs(const RowOutputs& outputs, const std::string& input = {});

// RFC 4180 with a header line; the columns are the first row's keys. Null, NaN and infinities are
// empty fields.
std::string csv_text(const std::vector<nlohmann::ordered_json>& rows);

// CSV and JSON; the latter is `report` with tool_versions and the rows added.
void write_rows(const RowOutputs& outputs, nlohmann::ordered_json report,
                const std::vector<nlohmann::ordered_json>& rows);

// What a number on the command line must be.
struct RealRange {
  double low;
  double high;
};
// Threshold and lengths: far from float32's ends, so that latents near them are as fine as
// anywhere.
inline constexpr RealRange kPositive = {1e-30, 1e30};
inline constexpr RealRange kAny = {-1e30, 1e30};

// `text` of --option as a number; anything but a finite decimal in the range throws InputError.
double parse_real_option(const std::string& option, std::string_view text, RealRange range);

// --name X, or --name X,Y,... Errors as above, out of App::parse. The description names the
// default.
void add_real_option(CLI::App& app, const std::string& name, const std::string& description,
                     RealRange range, double& value);
void add_real_list_option(CLI::App& app, const std::string& name, const std::string& description,
                          RealRange range, std::vector<double>& values);

}  // namespace szt::tools

#endif  // SZT_TOOLS_THEORY_REPORT_H_
