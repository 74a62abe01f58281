// SPDX-License-Identifier: Apache-2.0
// What is refused: headers that lie, every truncation, every corruption of a byte, data that does
// not fit its shape.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cmodel/allocation_meter.h"
#include "cmodel/npy_testing.h"
#include "file_testing.h"
#include "szt/error.h"
#include "szt/npy.h"

namespace szt {
namespace {

using namespace std::string_literals;
using test::as_bytes;
using test::input_error;
using test::NpyTest;
using test::write_byte;
using test::write_file;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(NpyTest, OtherDtypes) {
  EXPECT_THAT(header_error(header_of(">f4", "(0,)")),
              HasSubstr("dtype '>f4' is not supported (big-endian); convert it with "
                        "a.astype(a.dtype.newbyteorder('<'))"));
  EXPECT_THAT(header_error(header_of("|O", "(0,)")), HasSubstr("'|O' is not supported (Python ob"));
  for (const char* descr : {"|b1", "<u2", "<u4", "<c8", "<U3", "|S3", "|V2", "<M8[ns]", "<f16", "",
                            "i4", "<i1", "=i4", "<i4 ", "float32"}) {
    EXPECT_THAT(header_error(header_of(descr, "(0,)")),
                HasSubstr("dtype '"s + descr + "' is not supported; convert it with a.astype to i"))
        << descr;
  }
  EXPECT_THAT(header_error("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (0,)}"),
              HasSubstr("structured dtypes are not supported; save each field"));
  EXPECT_THAT(header_error("{'descr': ('<f4', (2,)), 'fortran_order': False, 'shape': (0,)}"),
              HasSubstr("structured dtypes are not supported"));
  EXPECT_THAT(header_error("{'descr': '\x1B[31m', 'fortran_order': False, 'shape': (0,)}"),
              HasSubstr("'\\x1b[31m'"));
}

TEST_F(NpyTest, BadHeaders) {
  const std::string rest = ", 'fortran_order': False, 'shape': (2,)}";
  EXPECT_THAT(header_error(""), HasSubstr("the header lacks a '{' (at byte 0 of it); save it aga"));
  EXPECT_THAT(header_error("[]"), HasSubstr("lacks a '{'"));
  EXPECT_THAT(header_error("{"), HasSubstr("lacks a string"));
  EXPECT_THAT(header_error("{}"), HasSubstr("has no key 'descr'"));
  EXPECT_THAT(header_error("{,}"), HasSubstr("lacks a string"));
  EXPECT_THAT(header_error("{'descr'"), HasSubstr("lacks a ':'"));
  EXPECT_THAT(header_error("{'descr: 1}"), HasSubstr("has a string without an end"));
  EXPECT_THAT(header_error("{'descr\": '<i4'}"), HasSubstr("has an unknown key 'descr\": '"));
  EXPECT_THAT(header_error("{'de\\x73cr': '<i4'" + rest), HasSubstr("an escape"));
  EXPECT_THAT(header_error("{'de\nscr': '<i4'" + rest), HasSubstr("an escape"));
  EXPECT_THAT(header_error("{'descr': u'<i4'" + rest), HasSubstr("lacks a string"));
  EXPECT_THAT(header_error("{'descr': None" + rest), HasSubstr("lacks a string"));
  EXPECT_THAT(header_error("{'descr': '|i1' '|i1'" + rest), HasSubstr("lacks a '}'"));
  EXPECT_THAT(header_error("{'descr': '|i1',, 'shape': (2,)}"), HasSubstr("lacks a string"));
  EXPECT_THAT(header_error("{'descr': '|i1'" + rest + "x"), HasSubstr("text after the dictionary"));
  EXPECT_THAT(header_error("{'descr': '|i1'" + rest + "\0"s), HasSubstr("text after"));
  EXPECT_THAT(header_error("{'descr': '|i1'" + rest + "{}"), HasSubstr("text after"));
  EXPECT_THAT(header_error("{'descr': '|i1', 'descr': '|i1'" + rest),
              HasSubstr("has the key 'descr' twice"));
  EXPECT_THAT(header_error("{'descr': '|i1', 'x\t': 1" + rest), HasSubstr("unknown key 'x\\t'"));
  EXPECT_THAT(header_error("{'descr': '|i1', 'shape': (2,)}"), HasSubstr("no key 'fortran_order'"));
  EXPECT_THAT(header_error("{'descr': '|i1', 'fortran_order': False}"), HasSubstr("key 'shape'"));
  EXPECT_THAT(header_error(std::string(60'000, '{')), HasSubstr("lacks a string"));
  EXPECT_THAT(header_error("{'descr': '|i1', 'fortran_order': Falsey, 'shape': (2,)}"),
              HasSubstr("lacks a '}'"));
  for (const char* order : {"true", "0", "None", "'False'", "", "Fals"}) {
    EXPECT_THAT(header_error(header_of("|i1", "(2,)", order)), HasSubstr("neither True nor False"))
        << order;
  }
}

TEST_F(NpyTest, BadShapes) {
  for (const char* shape : {"2", "[2]", "", "None", "'(2,)'", "{2}"}) {
    EXPECT_THAT(header_error(header_of("|i1", shape)), HasSubstr("a shape that is not a tuple"))
        << shape;
  }
  EXPECT_THAT(header_error(header_of("|i1", "(2)")), HasSubstr("a number for its shape"));
  EXPECT_THAT(header_error(header_of("|i1", "(2 3)")), HasSubstr("lacks a ',' or ')'"));
  EXPECT_THAT(header_error(header_of("|i1", "(2L,)")), HasSubstr("lacks a ',' or ')'"));
  EXPECT_THAT(header_error(header_of("|i1", "(2.0,)")), HasSubstr("lacks a ',' or ')'"));
  EXPECT_THAT(header_error(header_of("|i1", "(1e3,)")), HasSubstr("lacks a ',' or ')'"));
  EXPECT_THAT(header_error(header_of("|i1", "(0x2,)")), HasSubstr("lacks a ',' or ')'"));
  for (const char* shape :
       {"(,)", "(2,,)", "(-1,)", "(+1,)", "(True,)", "((2,),)", "(02,)", "(2"}) {
    EXPECT_THAT(header_error("{'descr': '|i1', 'fortran_order': False, 'shape': "s + shape),
                HasSubstr(shape == "(2"s ? "lacks a ',' or ')'" : "not a whole number, 0 or more"))
        << shape;
  }
  EXPECT_THAT(header_error(header_of("|i1", "(18446744073709551616,)")), HasSubstr("2^64 or more"));
  EXPECT_THAT(header_error(header_of("|i1", "(18446744073709551615,)")), HasSubstr("is too large"));
  EXPECT_THAT(header_error(header_of("<f4", "(4611686018427387904,)")), HasSubstr("is too large"));
  EXPECT_THAT(header_error(header_of("|i1", "(4294967296, 4294967296)")),
              HasSubstr("shape (4294967296, 4294967296) is too large"));
  EXPECT_THAT(header_error(header_of("|i1", "(0, 4294967296, 4294967296)")),
              HasSubstr("too large"));
  std::string shape = "(";
  for (int i = 0; i < 65; ++i) shape += "1,";
  EXPECT_THAT(header_error(header_of("|i1", shape + ")")), HasSubstr("more than 64 dimensions"));
}

TEST_F(NpyTest, DataMustBeAsLongAsTheShapeSays) {
  EXPECT_THAT(header_error(header_of("<i2", "(2, 3)"), "0123456789A"),
              HasSubstr("int16 of shape (2, 3) takes 12 bytes, but the file holds 11; save it"));
  EXPECT_THAT(header_error(header_of("<i2", "(2, 3)"), "0123456789ABC"),
              HasSubstr("takes 12 bytes, but the file holds 13"));
  EXPECT_THAT(header_error(header_of("<i2", "()"), ""), HasSubstr("takes 2 bytes"));
  EXPECT_THAT(header_error(header_of("<i2", "(0,)"), "x"), HasSubstr("takes 0 bytes"));
  EXPECT_THAT(header_error(header_of("|i1", "(1000000000000,)", "True"), "x"),
              HasSubstr("takes 1000000000000 bytes"));
}

TEST_F(NpyTest, LyingLengths) {
  EXPECT_THAT(error(""), HasSubstr("is not an .npy file; save it again with numpy.save"));
  EXPECT_THAT(error("PK\3\4 an .npz archive"), HasSubstr("is not an .npy file"));
  EXPECT_THAT(error("\x93NUMPY\1\0\xFF\xFF{}"s),
              HasSubstr("a header of 65535 bytes does not fit in a file of 12"));
  EXPECT_THAT(error("\x93NUMPY\2\0\xFF\xFF\xFF\xFF{}"s), HasSubstr("a header of 4294967295 bytes"));
  std::string bytes = kSaved;
  bytes[8] = '\x77';
  EXPECT_THAT(error(bytes), HasSubstr("text after the dictionary"));
  bytes[8] = '\x70';
  EXPECT_THAT(error(bytes), HasSubstr("the file holds 18"));
  bytes[8] = '\x10';
  EXPECT_THAT(error(bytes), HasSubstr("lacks a string"));
}

TEST_F(NpyTest, EveryTruncationIsRefused) {
  for (std::size_t size = 0; size < kSaved.size(); ++size) {
    SCOPED_TRACE(size);
    error(kSaved.substr(0, size));
  }
  error(kSaved + "x");
}

TEST_F(NpyTest, EveryCorruptionOfAByteIsSurvived) {
  write_file(path(), kSaved);
  int opened = 0;
  for (std::size_t at = 0; at < 128; ++at) {
    for (int value = 0; value < 256; ++value) {
      write_byte(path(), at, static_cast<char>(value));
      const test::AllocationMeter meter;
      try {
        const NpyArray array(path());
        ++opened;
        EXPECT_EQ(array.data().size(), 12U);
        EXPECT_EQ(array.values<std::int32_t>().size(), array.size());
      } catch (const InputError&) {
      }
      EXPECT_LT(meter.peak(), 20'000U) << at << ' ' << value;
    }
    write_byte(path(), at, kSaved[at]);
  }
  EXPECT_GT(opened, 128);  // white space
}

TEST_F(NpyTest, RefusesToWriteWhatDoesNotFit) {
  const auto error_of = [&](const std::string& descr, const std::vector<std::uint64_t>& shape,
                            std::string_view data) {
    return input_error([&] { write_npy(path(), descr, shape, as_bytes(data)); });
  };
  EXPECT_THAT(
      error_of("<f4", {2, 3}, "x"),
      HasSubstr("x.npy: cannot write: float32 of shape (2, 3) takes 24 bytes, but there are "
                "1; correct the shape"));
  EXPECT_THAT(error_of(">f4", {0}, ""), HasSubstr("is not supported"));
  EXPECT_THAT(error_of("<f4", {~std::uint64_t{0}}, ""), HasSubstr("is too large"));
  EXPECT_THAT(error_of("|i1", std::vector<std::uint64_t>(65, 1), "x"),
              HasSubstr("more than 64 dimensions"));
  EXPECT_THAT(dir_.names(), IsEmpty());
  EXPECT_THAT(input_error([&] { write_npy("/dev/full", {1}, std::vector<float>{1}); }),
              HasSubstr("/dev/full: cannot write: No space left"));
  EXPECT_THAT(input_error([&] { write_npy(dir_ / "a/b", {1}, std::vector<float>{1}); }),
              HasSubstr("a/b: cannot create: No such file"));
}

}  // namespace
}  // namespace szt
