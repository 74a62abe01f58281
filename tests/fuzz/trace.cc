// SPDX-License-Identifier: Apache-2.0
// Any bytes as a simulator's trace; what is taken is a whole run of blocks.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "fuzz/target.h"
#include "szt/sim/rtl_device.h"

namespace {

// By FST's definition: blocks of a type byte and a big-endian length that counts itself.
bool is_whole(std::span<const std::uint8_t> bytes) {
  bool changes = false, hierarchy = false;
  while (!bytes.empty()) {
    if (bytes.size() < 9) return false;
    std::uint64_t length = 0;
    for (std::size_t i = 1; i < 9; ++i) length = length << 8 | bytes[i];
    if (length == 0 || length > bytes.size() - 1) return false;
    const int type = bytes[0];
    changes = changes || type == 1 || type == 5 || type == 8;
    hierarchy = hierarchy || type == 4 || type == 6 || type == 7;
    bytes = bytes.subspan(static_cast<std::size_t>(length) + 1);
  }
  return changes && hierarchy;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace szt::fuzz;
  static const int file = memfd_create("trace", MFD_CLOEXEC);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  require(file >= 0 && ftruncate(file, 0) == 0, "there is a file");
  require(pwrite(file, data, size, 0) == static_cast<ssize_t>(size), "the file is written");
  require(accepts([&] { szt::sim::check_trace(path); }) == is_whole({data, size}),
          "a trace is taken where it is whole");
  return 0;
}
