// SPDX-License-Identifier: Apache-2.0
#include "szt/atomic_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "file_testing.h"
#include "szt/printable.h"

namespace szt {
namespace {

using test::input_error;
using test::read_file;
using test::TempDir;
using test::write_file;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class AtomicFileTest : public ::testing::TestWithParam<AtomicFile::Temporary> {
 protected:
  AtomicFile::Temporary temporary() const { return GetParam(); }
  TempDir dir_;
};

INSTANTIATE_TEST_SUITE_P(Temporaries, AtomicFileTest,
                         ::testing::Values(AtomicFile::Temporary::kNamelessIfPossible,
                                           AtomicFile::Temporary::kNamed),
                         [](const auto& tested) {
                           return tested.param == AtomicFile::Temporary::kNamed ? "Named"
                                                                                : "Nameless";
                         });

TEST_P(AtomicFileTest, WritesSmallAndLargePiecesInOrder) {
  const std::string large(200'000, 'x');
  AtomicFile file(dir_ / "out", temporary());
  file.write("a");
  file.write(large);
  file.write(test::as_bytes("b"));
  file.write("");
  for (int i = 0; i < 100'000; ++i) file.write("cd");
  file.commit();
  std::string expected = "a" + large + "b";
  for (int i = 0; i < 100'000; ++i) expected += "cd";
  EXPECT_EQ(read_file(dir_ / "out"), expected);
  EXPECT_THAT(dir_.names(), ElementsAre("out"));
}

TEST_P(AtomicFileTest, EmptyFile) {
  AtomicFile file(dir_ / "out", temporary());
  file.commit();
  EXPECT_EQ(read_file(dir_ / "out"), "");
}

TEST_P(AtomicFileTest, NothingAppearsBeforeCommit) {
  write_file(dir_ / "old", "old");
  AtomicFile fresh(dir_ / "new", temporary());
  AtomicFile replacement(dir_ / "old", temporary());
  fresh.write(std::string(1'000'000, 'x'));
  replacement.write(std::string(1'000'000, 'x'));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "new"));
  EXPECT_EQ(read_file(dir_ / "old"), "old");
}

TEST_P(AtomicFileTest, WithoutCommitNothingIsLeft) {
  write_file(dir_ / "old", "old");
  {
    AtomicFile fresh(dir_ / "new", temporary());
    AtomicFile replacement(dir_ / "old", temporary());
    fresh.write(std::string(1'000'000, 'x'));
    replacement.write("x");
  }
  EXPECT_THAT(dir_.names(), ElementsAre("old"));
  EXPECT_EQ(read_file(dir_ / "old"), "old");
}

TEST_P(AtomicFileTest, ReplacesAndOpenReadersKeepTheOldFile) {
  write_file(dir_ / "out", "old");
  std::ifstream reader(dir_ / "out");
  AtomicFile file(dir_ / "out", temporary());
  file.write("new");
  file.commit();
  EXPECT_EQ(read_file(dir_ / "out"), "new");
  std::string old;
  reader >> old;
  EXPECT_EQ(old, "old");
}

TEST_P(AtomicFileTest, TwoAtOnce) {
  AtomicFile a(dir_ / "a", temporary());
  AtomicFile b(dir_ / "b", temporary());
  AtomicFile also_a(dir_ / "a", temporary());
  a.write("1");
  b.write("2");
  also_a.write("3");
  a.commit();
  b.commit();
  also_a.commit();
  EXPECT_THAT(dir_.names(), ElementsAre("a", "b"));
  EXPECT_EQ(read_file(dir_ / "a"), "3");
  EXPECT_EQ(read_file(dir_ / "b"), "2");
}

TEST_P(AtomicFileTest, StaleTemporariesAreSteppedOver) {
  // The number that the next ones follow.
  const AtomicFile probe(dir_ / "probe", AtomicFile::Temporary::kNamed);
  const std::string name = dir_.names().at(0);
  const std::string stem = ".szt-" + std::to_string(::getpid()) + "-";
  ASSERT_TRUE(name.starts_with(stem)) << name;
  const int number = std::stoi(name.substr(stem.size()));
  for (int i = 1; i < 500; ++i) {
    write_file(dir_ / (stem + std::to_string(number + i) + ".tmp"), "stale");
  }
  AtomicFile file(dir_ / "out", temporary());
  file.write("new");
  file.commit();
  EXPECT_EQ(read_file(dir_ / "out"), "new");
  EXPECT_EQ(dir_.names().size(), 501U);
}

TEST_P(AtomicFileTest, PermissionsFollowTheUmask) {
  const mode_t before = ::umask(027);
  {
    AtomicFile file(dir_ / "out", temporary());
    file.commit();
  }
  ::umask(before);
  struct stat status = {};
  ASSERT_EQ(::stat((dir_ / "out").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0640U);
}

TEST_P(AtomicFileTest, FollowsSymbolicLinks) {
  std::filesystem::create_directory(dir_ / "sub");
  write_file(dir_ / "sub/target", "old");
  std::filesystem::create_symlink("sub/target", dir_ / "relative");
  std::filesystem::create_symlink(dir_ / "relative", dir_ / "absolute");
  std::filesystem::create_symlink("sub/none", dir_ / "dangling");
  for (const char* name : {"relative", "absolute", "dangling"}) {
    AtomicFile file(dir_ / name, temporary());
    file.write(name);
    file.commit();
    EXPECT_TRUE(std::filesystem::is_symlink(dir_ / name)) << name;
    EXPECT_EQ(read_file(dir_ / name), name);
  }
  EXPECT_EQ(read_file(dir_ / "sub/target"), "absolute");
  EXPECT_EQ(read_file(dir_ / "sub/none"), "dangling");
}

TEST_P(AtomicFileTest, RelativePathWithoutDirectory) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(dir_.path());
  {
    AtomicFile file("out", temporary());
    file.write("x");
    file.commit();
  }
  std::filesystem::current_path(before);
  EXPECT_THAT(dir_.names(), ElementsAre("out"));
}

TEST_P(AtomicFileTest, NameOfTheGreatestLength) {
  const std::string name(255, 'n');
  AtomicFile file(dir_ / name, temporary());
  file.commit();
  EXPECT_THAT(dir_.names(), ElementsAre(name));
}

TEST_P(AtomicFileTest, FinishedButNotCommitted) {
  {
    AtomicFile kept(dir_ / "kept", temporary());
    AtomicFile dropped(dir_ / "dropped", temporary());
    kept.write("x");
    dropped.write("y");
    kept.finish();
    dropped.finish();
    EXPECT_FALSE(std::filesystem::exists(dir_ / "kept"));
    kept.commit();
  }
  EXPECT_THAT(dir_.names(), ElementsAre("kept"));
  EXPECT_EQ(read_file(dir_ / "kept"), "x");
}

TEST_P(AtomicFileTest, AFailedCommitLeavesNothing) {
  AtomicFile file(dir_ / "out", temporary());
  file.write("x");
  // What a rename cannot replace.
  std::filesystem::create_directory(dir_ / "out");
  EXPECT_THAT(input_error([&] { file.commit(); }), HasSubstr("/out: cannot replace: "));
  EXPECT_THAT(dir_.names(), ElementsAre("out"));
}

// A limit on file sizes stands in for a full disk.
TEST_P(AtomicFileTest, AFailedWriteLeavesNothing) {
  write_file(dir_ / "out", "old");
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {100'000, 100'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    int code = 1;
    try {
      AtomicFile file(dir_ / "out", temporary());
      file.write(std::string(200'000, 'x'));
    } catch (const InputError& error) {
      code = std::string(error.what()).find("File too large; free some space") == std::string::npos
                 ? 2
                 : 0;
    }
    ::_exit(code);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_THAT(dir_.names(), ElementsAre("out"));
  EXPECT_EQ(read_file(dir_ / "out"), "old");
}

TEST_P(AtomicFileTest, AKilledProcessLeavesTheOldFile) {
  write_file(dir_ / "out", "old");
  const pid_t child = ::fork();
  if (child == 0) {
    AtomicFile file(dir_ / "out", temporary());
    file.write(std::string(1'000'000, 'x'));
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(read_file(dir_ / "out"), "old");
  const int probe = ::open(dir_.path().c_str(), O_TMPFILE | O_WRONLY, 0600);
  if (temporary() == AtomicFile::Temporary::kNamelessIfPossible && probe >= 0) {
    EXPECT_THAT(dir_.names(), ElementsAre("out"));
  }
  if (probe >= 0) ::close(probe);
}

TEST(AtomicFileErrors, NameWhatIsWrong) {
  const TempDir dir;
  write_file(dir / "file", "x");
  std::filesystem::create_symlink("loop", dir / "loop");
  const auto error = [](const std::filesystem::path& path) {
    return input_error([&] { AtomicFile file(path); });
  };
  EXPECT_THAT(error(""), HasSubstr("the output path is empty"));
  EXPECT_THAT(error(dir.path()), HasSubstr("is a directory; give a file name"));
  EXPECT_THAT(error(dir / "new/"), HasSubstr("is a directory; give a file name"));
  EXPECT_THAT(error(dir / "none/out"),
              HasSubstr("/none/out: cannot create: No such file or directory; create its dir"));
  EXPECT_THAT(error(dir / "file/out"), HasSubstr("Not a directory"));
  EXPECT_THAT(error(dir / "loop"), HasSubstr("symbolic links"));
  EXPECT_THAT(error(dir / std::string(256, 'n')), HasSubstr("File name too long"));
  EXPECT_THAT(error(dir / "none\n/out"), HasSubstr("none\\n/out: "));
  EXPECT_THAT(error("/proc/version/"), HasSubstr("Not a directory"));
  EXPECT_THAT(dir.names(), ElementsAre("file", "loop"));
}

TEST(AtomicFileErrors, AFullDeviceIsNoticed) {
  AtomicFile small("/dev/full");
  small.write("x");
  EXPECT_THAT(input_error([&] { small.commit(); }),
              HasSubstr("/dev/full: cannot write: No space left on device; free some space"));
  AtomicFile large("/dev/full");
  EXPECT_THAT(input_error([&] { large.write(std::string(1'000'000, 'x')); }),
              HasSubstr("No space left on device"));
}

TEST(AtomicFileThrough, WritesToDevices) {
  AtomicFile file("/dev/null");
  file.write("x");
  file.commit();
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(AtomicFileThrough, WritesToPipes) {
  const TempDir dir;
  ASSERT_EQ(::mkfifo((dir / "pipe").c_str(), 0600), 0);
  std::string received;
  std::thread reader([&] { received = read_file(dir / "pipe"); });
  AtomicFile file(dir / "pipe");
  file.write(std::string(100'000, 'x'));
  file.write("end");
  file.commit();
  reader.join();
  EXPECT_EQ(received, std::string(100'000, 'x') + "end");
  EXPECT_TRUE(std::filesystem::is_fifo(dir / "pipe"));
}

// As with `szt ... /dev/stdout > file`: what else the process printed there stays.
TEST(AtomicFileThrough, StandardOutputIsNotReplaced) {
  const TempDir dir;
  const pid_t child = ::fork();
  if (child == 0) {
    const int out = ::open((dir / "out").c_str(), O_CREAT | O_WRONLY, 0600);
    ::dup2(out, STDOUT_FILENO);
    int code = ::write(STDOUT_FILENO, "before ", 7) == 7 ? 0 : 1;
    try {
      AtomicFile file("/dev/stdout");
      file.write("middle");
      file.commit();
    } catch (const InputError&) {
      code = 2;
    }
    if (::write(STDOUT_FILENO, " after", 6) != 6) code = 3;
    ::_exit(code);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(read_file(dir / "out"), "before middle after");
  EXPECT_THAT(dir.names(), ElementsAre("out"));
}

TEST(AtomicFileThrough, ADeletedFileIsRefused) {
  const TempDir dir;
  const int file = ::open((dir / "gone").c_str(), O_CREAT | O_WRONLY, 0600);
  ASSERT_GE(file, 0);
  ASSERT_EQ(::unlink((dir / "gone").c_str()), 0);
  EXPECT_THAT(input_error([&] { AtomicFile out("/proc/self/fd/" + std::to_string(file)); }),
              HasSubstr("No such file"));
  ::close(file);
  EXPECT_THAT(dir.names(), IsEmpty());
}

TEST(Printable, EscapesControlsAndKeepsTheRest) {
  EXPECT_EQ(printable("plain.weight"), "plain.weight");
  EXPECT_EQ(printable("a\nb\rc\td\\e"), "a\\nb\\rc\\td\\\\e");
  EXPECT_EQ(printable(std::string_view("\0\x1B[31m\x7F", 7)), "\\x00\\x1b[31m\\x7f");
  EXPECT_EQ(printable("\xC2\x85\xC2\x9B\xC2\xA0"), "\\u0085\\u009b\xC2\xA0");
  EXPECT_EQ(printable("\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAA"), "\\u2028\\u2029\xE2\x80\xAA");
  EXPECT_EQ(printable("gewicht.größe.重み"), "gewicht.größe.重み");
  EXPECT_EQ(printable("\xC2"), "\xC2");
  EXPECT_EQ(printable("\xE2\x80"), "\xE2\x80");
}

TEST(Printable, CutsLongTextBetweenCharacters) {
  EXPECT_EQ(printable("abcdef", 6), "abcdef");
  EXPECT_EQ(printable("abcdefg", 6), "abcdef...");
  // Bytes that end no character are cut, too.
  EXPECT_EQ(printable(std::string(100, '\x80'), 6), std::string(9, '\x80') + "...");
  EXPECT_EQ(printable("aé", 2), "aé");
  EXPECT_EQ(printable("aéb", 2), "aé...");
  EXPECT_EQ(printable(std::string(1000, 'n')).size(), kMaxPrintable + 3);
  EXPECT_EQ(printable_path(std::string(1000, 'n')).size(), 1000U);
}

}  // namespace
}  // namespace szt
