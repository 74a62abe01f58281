// SPDX-License-Identifier: Apache-2.0
// Functional coverage: samples of covergroups, counted for scripts/coverage.py, which knows the
// plan (tests/coverage/plan.json) and what of it was not seen.
#ifndef SZT_SIM_COVERAGE_BINS_H_
#define SZT_SIM_COVERAGE_BINS_H_

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace szt::sim {

// What no other process has to begin its files' names with, also where ids are used again.
inline const std::string& coverage_process() {
  static const std::string name =
      std::to_string(::getpid()) + "-" +
      std::to_string(std::chrono::system_clock::now().time_since_epoch().count());
  return name;
}

// Written when the process ends.
class CoverageBins {
 public:
  explicit CoverageBins(std::string_view name)
      : file_(coverage_process() + "-" + std::string(name) + ".bins") {}
  CoverageBins(const CoverageBins&) = delete;
  ~CoverageBins() { write(); }

  // Whether anybody wants to know.
  static bool wanted() { return std::getenv("SZT_COVERAGE_FOLDER") != nullptr; }

  // Samples: the bin that each coverpoint of the group was in. Crosses are of these.
  void sample(std::string_view group,
              std::initializer_list<std::pair<std::string_view, std::string_view>> points,
              std::uint64_t count = 1) {
    std::string line(group);
    for (const auto& [point, bin] : points) line.append(" ").append(point).append("=").append(bin);
    hits_[line] += count;
  }

 private:
  // Into PROCESS-NAME.bins of that folder, a line a sample with its count.
  void write() const {
    const char* const folder = std::getenv("SZT_COVERAGE_FOLDER");
    if (folder == nullptr || hits_.empty()) return;
    const std::string file = std::string(folder) + "/" + file_;
    const std::string part = file + ".part";
    std::ofstream out(part);
    for (const auto& [line, count] : hits_) out << line << ' ' << count << '\n';
    out.close();
    if (out) std::rename(part.c_str(), file.c_str());
  }

  std::string file_;
  std::map<std::string, std::uint64_t> hits_;
};

}  // namespace szt::sim

#endif  // SZT_SIM_COVERAGE_BINS_H_
