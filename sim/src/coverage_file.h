// SPDX-License-Identifier: Apache-2.0
// What a Verilated design has counted (SZT_COVERAGE in CMake), for scripts: one file a process and
// top.
#ifndef SZT_SIM_COVERAGE_FILE_H_
#define SZT_SIM_COVERAGE_FILE_H_

#include <verilated.h>
#if VM_COVERAGE
#include <verilated_cov.h>
#endif

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "coverage_bins.h"

namespace szt::sim {

#if VM_COVERAGE
// What the cores of one top have counted so far, in a file of Verilator's own format.
class CoverageTotal {
 public:
  explicit CoverageTotal(const std::string& file) : file_(file), part_(file + ".part") {}
  CoverageTotal(const CoverageTotal&) = delete;
  ~CoverageTotal() { write(); }

  void add(VerilatedContext& context) {
    context.coveragep()->write(part_.c_str());
    std::ifstream in(part_);
    std::string line;
    // Cores of a top have the same points in the same order.
    for (std::size_t i = 0; std::getline(in, line); ++i) {
      const std::size_t blank = line.rfind(' ');
      if (i == points_.size()) points_.push_back({line.substr(0, blank), 0});
      if (i > 0) points_[i].count += std::strtoull(line.c_str() + blank, nullptr, 10);
    }
    in.close();
    fresh_ = true;
    // Tests make cores by the thousand.
    if (std::chrono::steady_clock::now() - written_ > std::chrono::seconds(1)) write();
  }

 private:
  struct Point {
    std::string text;
    std::uint64_t count;
  };

  void write() {
    if (!fresh_) return;
    std::ofstream out(part_);
    out << "# SystemC::Coverage-3\n";
    for (std::size_t i = 1; i < points_.size(); ++i) {
      out << points_[i].text << ' ' << points_[i].count << '\n';
    }
    out.close();
    if (out) std::rename(part_.c_str(), file_.c_str());
    fresh_ = false;
    written_ = std::chrono::steady_clock::now();
  }

  std::string file_, part_;
  std::vector<Point> points_;
  bool fresh_ = false;
  std::chrono::steady_clock::time_point written_{};
};
#endif

// Adds to PROCESS-TOP.dat in the folder that the environment names in SZT_COVERAGE_FOLDER, if it
// does and if anything is counted. A process that is killed loses what its last second counted and
// leaves a .part.
inline void write_coverage([[maybe_unused]] VerilatedContext& context,
                           [[maybe_unused]] const char* top) {
#if VM_COVERAGE
  const char* folder = std::getenv("SZT_COVERAGE_FOLDER");
  if (folder == nullptr) return;
  static std::map<std::string, CoverageTotal> totals;  // by top
  const std::string file = std::string(folder) + "/" + coverage_process() + "-" + top + ".dat";
  totals.try_emplace(top, file).first->second.add(context);
#endif
}

// Random initial values that reset clears are no toggles: what such a core counts before its first
// edge out of reset is forgotten.
class CoverageStart {
 public:
  explicit CoverageStart(bool random) : due_(random) {}
  void clock([[maybe_unused]] VerilatedContext& context, bool clk, bool rst_n) {
    if (!due_ || !clk || !rst_n) return;
    due_ = false;
#if VM_COVERAGE
    context.coveragep()->zero();
#endif
  }

 private:
  bool due_;
};

// A Verilated module in a context of its own, whose counts are written when it goes.
template <typename Top>
class CountedTop {
 public:
  ~CountedTop() {
    top_.final();
    write_coverage(context_, top_.modelName());
    Verilated::threadContextp(Verilated::defaultContextp());
  }

  Top& operator*() { return top_; }

 private:
  VerilatedContext context_;
  Top top_{&context_};
};

}  // namespace szt::sim

#endif  // SZT_SIM_COVERAGE_FILE_H_
