// SPDX-License-Identifier: Apache-2.0
// Runs a target on files and on all files of folders, without libFuzzer: replay PATH...
// Exit 0: all were run, 2: there was none. What does not hold ends the process with a line.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cmodel/allocation_meter.h"
#include "fuzz/target.h"

namespace {

constexpr std::size_t kMostMemory = std::size_t{64} << 20;

std::vector<std::filesystem::path> find_files(std::span<char*> paths) {
  std::vector<std::filesystem::path> files;
  for (const std::filesystem::path path : paths) {
    if (!std::filesystem::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  const auto files = find_files(std::span(argv, static_cast<std::size_t>(argc)).subspan(1));
  for (const std::filesystem::path& file : files) {
    std::ifstream in(file, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
    if (!in) {
      std::fprintf(stderr, "%s: cannot be read\n", file.c_str());
      return 2;
    }
    // Before it runs: what ends the process has its name above.
    std::printf("%s: %zu bytes\n", file.c_str(), bytes.size());
    std::fflush(stdout);
    const szt::test::AllocationMeter meter;
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    szt::fuzz::require(meter.peak() <= kMostMemory, "no file takes more than 64 MiB");
  }
  std::printf("%zu files\n", files.size());
  return files.empty() ? 2 : 0;
}
