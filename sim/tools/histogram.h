// SPDX-License-Identifier: Apache-2.0
// szt inspect --histogram.
#ifndef SZT_TOOLS_HISTOGRAM_H_
#define SZT_TOOLS_HISTOGRAM_H_

#include <string>

namespace szt::tools {

struct HistogramOptions {
  std::string file;
  std::string tensor;  // empty: all
  std::string include;
  std::string exclude;
  std::string csv;
  std::string json;
};

// Returns the exit code; throws InputError.
int inspect_histogram(const HistogramOptions& options);

}  // namespace szt::tools

#endif  // SZT_TOOLS_HISTOGRAM_H_
