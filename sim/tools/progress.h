// SPDX-License-Identifier: Apache-2.0
// A progress line on the terminal for work of more than a second, and an orderly end on Ctrl-C.
#ifndef SZT_TOOLS_PROGRESS_H_
#define SZT_TOOLS_PROGRESS_H_

#include <chrono>
#include <exception>
#include <string>
#include <string_view>

namespace szt::tools {

// Thrown out of Progress::update after SIGINT or SIGTERM, so that destructors drop what is half
// done.
class Interrupted : public std::exception {
 public:
  explicit Interrupted(int signal) : signal_(signal) {}
  int signal() const { return signal_; }
  const char* what() const noexcept override { return "interrupted"; }

 private:
  int signal_;
};

double seconds_since(std::chrono::steady_clock::time_point start);

// While one lives, a first SIGINT or SIGTERM is held until the next update(), a second one kills.
// One at a time.
class Progress {
 public:
  // Prints nothing if `quiet`, or where standard error is no terminal.
  explicit Progress(bool quiet = false);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `share` done of all, 0 to 1; `label` says of what, `rate` (such as "12.3 MMAC/s") may be empty.
  // Cheap to call often. Throws Interrupted.
  void update(double share, std::string_view label, std::string_view rate = {});
  // Takes the line away, for other output.
  void clear();
  // True about five times a second once a second has passed: the caller's hint to make a label.
  bool due() const;

 private:
  bool on_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace szt::tools

#endif  // SZT_TOOLS_PROGRESS_H_
