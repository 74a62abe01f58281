// SPDX-License-Identifier: Apache-2.0
// A file that appears whole or not at all.
#ifndef SZT_ATOMIC_FILE_H_
#define SZT_ATOMIC_FILE_H_

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace szt {

// Bytes go to a temporary file in the destination's directory, which commit() renames over the
// destination; a reader (and a mapping of the old file) sees the old bytes or the new ones, never a
// part. Without commit() the destructor drops the temporary and the destination stays as it was.
//
// The temporary has no name where the file system allows that (O_TMPFILE), so that a process killed
// while writing leaves nothing behind; commit() gives it a name for the moment between link and
// rename. Elsewhere (NFS, some FUSE) it is `.szt-PID-N.tmp`, created exclusively, and a killed
// process leaves it.
//
// A symbolic link is followed: what it points to is replaced. A new file's permissions are 0666
// less the umask; a replaced file's owner, permissions and other hard links are not carried over.
// An existing file that is not a regular one (a pipe, /dev/null), and this process's own standard
// output (/dev/stdout), is written straight through: what was written before a failure stays.
//
// Every call may throw InputError, which names the destination and the system's reason. Data is not
// forced to the disk (no fsync). One thread at a time.
class AtomicFile {
 public:
  // kNamed never tries the nameless temporary; it is there so that tests reach that path anywhere.
  enum class Temporary { kNamelessIfPossible, kNamed };

  explicit AtomicFile(std::filesystem::path path,
                      Temporary temporary = Temporary::kNamelessIfPossible);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Appends. Small pieces are buffered, large ones are written at once. Not after commit() or a
  // failure.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);

  // Writes what is buffered and closes, so that all that is left for commit() is to rename: of two
  // files that belong together, the first can be finished, the second committed, the first
  // committed. No write() after it. If it throws, nothing is left behind.
  void finish();

  // Finishes unless that is done, and renames. Once only; if it throws, nothing is left behind.
  void commit();

  // As given to the constructor.
  const std::filesystem::path& path() const { return path_; }

 private:
  void open_temporary(Temporary temporary);
  void link_temporary();
  void write_all(std::span<const std::byte> bytes);
  void flush();
  void discard() noexcept;
  [[noreturn]] void fail(std::string_view what, int error) const;

  std::filesystem::path path_;
  std::filesystem::path target_;     // path_ with symbolic links followed; empty: written through
  std::filesystem::path temporary_;  // empty while there is no name to remove
  std::vector<std::byte> buffer_;
  int descriptor_ = -1;
};

}  // namespace szt

#endif  // SZT_ATOMIC_FILE_H_
