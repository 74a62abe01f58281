// SPDX-License-Identifier: Apache-2.0
#ifndef SZT_SIM_SRC_TRACE_FILE_H_
#define SZT_SIM_SRC_TRACE_FILE_H_

#include <filesystem>

namespace szt::sim {

// Where the simulator writes its trace: a temporary beside the destination, renamed over it when
// the core is gone. (The simulator's writer would replace a device or a link, and reports nothing.)
class TraceFile {
 public:
  // Throws InputError if there cannot be such a file.
  explicit TraceFile(const std::filesystem::path& path);
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;
  // Also after a failure, when a trace is wanted most.
  ~TraceFile();
  const char* temporary() const { return temporary_.c_str(); }

 private:
  std::filesystem::path target_, temporary_;
};

}  // namespace szt::sim

#endif  // SZT_SIM_SRC_TRACE_FILE_H_
