// SPDX-License-Identifier: Apache-2.0
#include "szt/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "szt/error.h"
#include "szt/printable.h"

namespace szt {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 16;
constexpr int kMaxSymbolicLinks = 40;  // the kernel's own limit
constexpr int kMaxNameAttempts = 1000;
constexpr mode_t kMode = 0666;  // less the umask

std::string_view remedy(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return "create its directory first, or give another path";
    case EACCES:
    case EPERM:
    case EROFS:
    case EBUSY:
      return "give a path in a directory that you may write to";
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return "free some space, or give a path on another disk";
    default:
      return "check the path and its disk, or give another path";
  }
}

// The file that opening `path` for writing would create or overwrite.
std::filesystem::path follow_symbolic_links(std::filesystem::path path) {
  std::error_code ignored;
  for (int i = 0; i < kMaxSymbolicLinks && std::filesystem::is_symlink(path, ignored); ++i) {
    path = path.parent_path() / std::filesystem::read_symlink(path, ignored);
  }
  return path;
}

std::filesystem::path directory_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

// Not used by another thread, nor by another process that writes there now.
std::filesystem::path temporary_name(const std::filesystem::path& target) {
  static std::atomic<unsigned> counter{0};
  return directory_of(target) / fmt::format(".szt-{}-{}.tmp", ::getpid(), counter.fetch_add(1));
}

std::string name_through_descriptor(int descriptor) {
  return fmt::format("/proc/self/fd/{}", descriptor);
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path path, Temporary temporary) : path_(std::move(path)) {
  if (path_.empty()) throw InputError("the output path is empty; give a file name");
  buffer_.reserve(kBufferBytes);
  struct stat status = {};
  const bool exists = ::stat(path_.c_str(), &status) == 0;
  if (!exists && errno != ENOENT) fail("cannot write", errno);
  if ((exists && S_ISDIR(status.st_mode)) || !path_.has_filename()) {
    throw InputError(
        fmt::format("{}: cannot write: is a directory; give a file name", printable_path(path_)));
  }
  struct stat output = {};
  const bool is_output =
      exists && ::fstat(STDOUT_FILENO, &output) == 0 && same_file(status, output);
  if (is_output || (exists && !S_ISREG(status.st_mode))) {
    descriptor_ = is_output ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                            : ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor_ < 0) fail("cannot write", errno);
    return;
  }
  // Replacing needs only the directory's permission; a file that is write-protected stays.
  if (exists && ::access(path_.c_str(), W_OK) != 0) fail("cannot write", errno);
  target_ = follow_symbolic_links(path_);
  // A link in /proc to a file that has been deleted does not lead anywhere.
  struct stat target = {};
  if (exists && (::stat(target_.c_str(), &target) != 0 || !same_file(status, target))) {
    fail("cannot write", ENOENT);
  }
  open_temporary(temporary);
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::open_temporary(Temporary temporary) {
  if (temporary == Temporary::kNamelessIfPossible) {
    descriptor_ = ::open(directory_of(target_).c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, kMode);
    if (descriptor_ >= 0) {
      if (::access(name_through_descriptor(descriptor_).c_str(), F_OK) == 0) return;
      ::close(descriptor_);  // without /proc it could not be given a name
    }
  }
  int error = EEXIST;
  for (int i = 0; i < kMaxNameAttempts && error == EEXIST; ++i) {
    std::filesystem::path name = temporary_name(target_);
    descriptor_ = ::open(name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, kMode);
    if (descriptor_ >= 0) {
      temporary_ = std::move(name);
      return;
    }
    error = errno;
  }
  fail("cannot create", error);
}

void AtomicFile::link_temporary() {
  const std::string source = name_through_descriptor(descriptor_);
  int error = EEXIST;
  for (int i = 0; i < kMaxNameAttempts && error == EEXIST; ++i) {
    std::filesystem::path name = temporary_name(target_);
    if (::linkat(AT_FDCWD, source.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) {
      temporary_ = std::move(name);
      return;
    }
    error = errno;
  }
  fail("cannot create", error);
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  assert(descriptor_ >= 0);
  if (bytes.size() > kBufferBytes - buffer_.size()) flush();
  if (bytes.size() >= kBufferBytes) {
    write_all(bytes);
  } else {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
}

void AtomicFile::write(std::string_view text) { write(std::as_bytes(std::span(text))); }

void AtomicFile::flush() {
  write_all(buffer_);
  buffer_.clear();
}

void AtomicFile::write_all(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int error = errno;
      discard();
      fail("cannot write", error);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void AtomicFile::finish() {
  assert(descriptor_ >= 0);
  try {
    flush();
    if (!target_.empty() && temporary_.empty()) link_temporary();
    // Linux has released the descriptor even when close reports an error.
    if (::close(std::exchange(descriptor_, -1)) != 0) fail("cannot write", errno);
  } catch (...) {
    discard();
    throw;
  }
}

void AtomicFile::commit() {
  if (descriptor_ >= 0) finish();
  if (target_.empty()) return;
  assert(!temporary_.empty());
  try {
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail("cannot replace", errno);
    temporary_.clear();
  } catch (...) {
    discard();
    throw;
  }
}

void AtomicFile::discard() noexcept {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  if (!temporary_.empty()) {
    ::unlink(temporary_.c_str());
    temporary_.clear();
  }
}

void AtomicFile::fail(std::string_view what, int error) const {
  throw InputError(fmt::format("{}: {}: {}; {}", printable_path(path_), what,
                               std::generic_category().message(error), remedy(error)));
}

}  // namespace szt
