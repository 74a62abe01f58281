// SPDX-License-Identifier: Apache-2.0
#include "szt/idx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <random>
#include <string>

#include "cmodel/allocation_meter.h"
#include "image_testing.h"

namespace szt {
namespace {

using test::idx_bytes;
using test::input_error;
using test::write_file;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class IdxTest : public ::testing::Test {
 protected:
  std::string error_of(const std::string& bytes) {
    write_file(dir_ / "file", bytes);
    return input_error([&] { read_idx(dir_ / "file"); });
  }
  // The file "gzip" of these bytes.
  std::filesystem::path gzip_of(const std::string& bytes) {
    const gzFile gzip = gzopen((dir_ / "gzip").c_str(), "wb");
    EXPECT_EQ(gzwrite(gzip, bytes.data(), static_cast<unsigned>(bytes.size())),
              static_cast<int>(bytes.size()));
    gzclose(gzip);
    return dir_ / "gzip";
  }

  test::TempDir dir_;
};

TEST_F(IdxTest, ReadsPlainAndGzip) {
  const std::string bytes = idx_bytes({2, 3}, std::string("\x00\x01\xFF\x03\x04\x80", 6));
  write_file(dir_ / "plain", bytes);
  gzip_of(bytes);
  for (const char* file : {"plain", "gzip"}) {
    const IdxArray array = read_idx(dir_ / file);
    EXPECT_THAT(array.shape, ElementsAre(2, 3)) << file;
    EXPECT_THAT(array.values, ElementsAre(0, 1, 255, 3, 4, 128)) << file;
  }
  write_file(dir_ / "empty", idx_bytes({0, 7}, ""));
  EXPECT_TRUE(read_idx(dir_ / "empty").values.empty());
}

TEST_F(IdxTest, RefusesWhatIsNone) {
  EXPECT_THAT(input_error([&] { read_idx(dir_ / "nowhere"); }), HasSubstr("No such file"));
  EXPECT_THAT(error_of(""), HasSubstr("not an IDX file"));
  EXPECT_THAT(error_of("some text"), HasSubstr("not an IDX file"));
  EXPECT_THAT(error_of(idx_bytes({1}, "x", 13)), HasSubstr("not an IDX file of unsigned bytes"));
  EXPECT_THAT(error_of(idx_bytes({}, "")), HasSubstr("not an IDX file"));
  EXPECT_THAT(error_of(std::string("\x00\x00\x08\x02\x00\x00", 6)), HasSubstr("inside its header"));
  EXPECT_THAT(error_of(idx_bytes({2, 2}, "abc")), HasSubstr("holds 3 elements, its header says 4"));
  EXPECT_THAT(error_of(idx_bytes({2, 2}, "abcde")), HasSubstr("more than the 4 elements"));
  // A header's claim takes no memory.
  EXPECT_THAT(error_of(idx_bytes({0x7FFFFFFF}, "abc")), HasSubstr("holds 3 elements"));
  EXPECT_THAT(error_of(idx_bytes({65536, 65536}, "abc")), HasSubstr("more than 2147483648"));
  EXPECT_THAT(error_of(std::string("\x1F\x8B\x08\x00garbage", 11)),
              HasSubstr("ends inside its gzip data"));
  std::mt19937 generator;
  std::string noise(3000, '\0');
  for (char& c : noise) c = static_cast<char>(generator());
  const std::string whole = test::read_file(gzip_of(idx_bytes({noise.size()}, noise)));
  write_file(dir_ / "cut", whole.substr(0, whole.size() / 2));
  EXPECT_THAT(input_error([&] { read_idx(dir_ / "cut"); }), HasSubstr("cut: "));
}

TEST_F(IdxTest, ReadsGzipToItsEnd) {
  const std::string bytes = idx_bytes({2, 3}, "abcdef");
  const std::string gzip = test::read_file(gzip_of(bytes));
  for (std::size_t size = 2; size < gzip.size(); ++size) {
    EXPECT_THAT(error_of(gzip.substr(0, size)), HasSubstr("ends inside its gzip data")) << size;
  }
  for (std::size_t at = gzip.size() - 8; at < gzip.size(); ++at) {
    std::string damaged = gzip;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    EXPECT_THAT(error_of(damaged), HasSubstr("cannot be unpacked")) << at;
  }
  EXPECT_THAT(error_of(gzip + "more"), HasSubstr("has something after its gzip data"));
  // Two members, as gzip's manual allows.
  const std::string first = test::read_file(gzip_of(bytes.substr(0, 7)));
  const std::string second = test::read_file(gzip_of(bytes.substr(7)));
  write_file(dir_ / "two", first + second);
  EXPECT_THAT(read_idx(dir_ / "two").values, ElementsAre('a', 'b', 'c', 'd', 'e', 'f'));
}

TEST_F(IdxTest, SmallGzipTakesLittleMemory) {
  const std::size_t size = std::size_t{65} << 20;
  const std::string gzip = test::read_file(gzip_of(idx_bytes({size}, std::string(size, '\0'))));
  ASSERT_LT(gzip.size(), std::size_t{1} << 20);
  const test::AllocationMeter meter;
  EXPECT_THAT(error_of(gzip), HasSubstr("too many for a gzip file of"));
  EXPECT_LT(meter.peak(), std::size_t{1} << 20);
}

TEST_F(IdxTest, ImageSetsFitTheirLabels) {
  test::write_bar_images(dir_.path(), "t10k", 5);
  const ImageSet images = read_image_set(dir_.path(), Part::kTest);
  EXPECT_EQ(images.size, 5U);
  EXPECT_EQ(images.pixels.size(), 5U * 784);
  EXPECT_EQ(images.classes.size(), 5U);

  const auto error = [&] { return input_error([&] { read_image_set(dir_.path(), Part::kTest); }); };
  EXPECT_THAT(input_error([&] { read_image_set(dir_.path(), Part::kTraining); }),
              HasSubstr("no train-images-idx3-ubyte[.gz] there; Fashion-MNIST is Debian's package "
                        "dataset-fashion-mnist"));
  write_file(dir_ / "t10k-labels-idx1-ubyte", idx_bytes({4}, std::string(4, 1)));
  EXPECT_THAT(error(), HasSubstr("not one label for each of the 5 images"));
  write_file(dir_ / "t10k-labels-idx1-ubyte",
             idx_bytes({5}, std::string("\x01\x02\x0A\x00\x00", 5)));
  EXPECT_THAT(error(), HasSubstr("label 2 is 10; classes are 0 to 9"));
  write_file(dir_ / "t10k-images-idx3-ubyte", idx_bytes({5, 28, 27}, std::string(5 * 28 * 27, 0)));
  EXPECT_THAT(error(), HasSubstr("not images of 28 x 28"));
}

}  // namespace
}  // namespace szt
