// SPDX-License-Identifier: Apache-2.0
// The bytes of a file, mapped if possible.
#ifndef SZT_SRC_MAPPED_FILE_H_
#define SZT_SRC_MAPPED_FILE_H_

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

namespace szt {

// Maps a regular file read-only. A pipe or socket, and a file that cannot be mapped, is read to its
// end into memory. Directories and devices are refused. Throws InputError, naming the path and the
// system's reason. If another process shortens the file meanwhile, touching the lost part of the
// mapping is SIGBUS.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  // Bytes that are in memory already.
  explicit MappedFile(std::vector<std::byte> bytes);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
  std::vector<std::byte> read_;  // holds the bytes if they are not mapped
  void* mapping_ = nullptr;
};

}  // namespace szt

#endif  // SZT_SRC_MAPPED_FILE_H_
