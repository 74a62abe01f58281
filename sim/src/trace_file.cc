// SPDX-License-Identifier: Apache-2.0
#include "trace_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <fstream>
#include <system_error>

#include "szt/error.h"
#include "szt/sim/rtl_device.h"

namespace szt::sim {

TraceFile::TraceFile(const std::filesystem::path& path)
    : target_(std::filesystem::weakly_canonical(path)),
      temporary_(target_.string() + fmt::format(".part{}", getpid())) {
  if (std::filesystem::exists(target_) && !std::filesystem::is_regular_file(target_)) {
    throw InputError(fmt::format("{}: a trace needs a regular file; name another", path.string()));
  }
  if (!std::ofstream(temporary_)) {
    throw InputError(
        fmt::format("{}: cannot write the trace; name a writable file", path.string()));
  }
}

TraceFile::~TraceFile() {
  std::error_code ignored;  // check_trace() sees the outcome
  std::filesystem::rename(temporary_, target_, ignored);
}

// An FST file is a run of blocks, each a type byte and its length as eight big-endian bytes; see
// GTKWave's manual, "FST File Format".
void check_trace(const std::filesystem::path& path) {
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  std::uint64_t at = 0;
  bool changes = false, hierarchy = false;
  while (!error && file && at + 9 <= size) {
    std::array<unsigned char, 9> head{};
    file.seekg(static_cast<std::streamoff>(at));
    file.read(reinterpret_cast<char*>(head.data()), head.size());
    std::uint64_t length = 0;
    for (std::size_t i = 1; i < head.size(); ++i) length = length << 8 | head[i];
    if (!file || length == 0 || length > size) break;
    changes = changes || head[0] == 1 || head[0] == 5 || head[0] == 8;
    hierarchy = hierarchy || head[0] == 4 || head[0] == 6 || head[0] == 7;
    at += 1 + length;
  }
  if (error || at != size || !changes || !hierarchy) {
    throw InputError(fmt::format("{}: the trace is incomplete; is the disk full?", path.string()));
  }
}

}  // namespace szt::sim
