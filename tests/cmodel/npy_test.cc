// SPDX-License-Identifier: Apache-2.0
#include "szt/npy.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <thread>
#include <utility>

#include "cmodel/allocation_meter.h"
#include "file_testing.h"

namespace szt {
namespace {

using namespace std::string_literals;
using test::as_bytes;
using test::as_string;
using test::input_error;
using test::read_file;
using test::TempDir;
using test::write_byte;
using test::write_file;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// A file whose header is exactly `header`, without padding.
std::string file_of(std::string_view header, std::string_view data = "", int major = 1) {
  std::string bytes = "\x93NUMPY"s + static_cast<char>(major) + '\0';
  for (std::size_t i = 0; i < (major == 1 ? 2U : 4U); ++i) {
    bytes += static_cast<char>(header.size() >> (8 * i));
  }
  return bytes.append(header).append(data);
}

std::string header_of(const std::string& descr, const std::string& shape,
                      const std::string& fortran_order = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + fortran_order + ", 'shape': " + shape +
         ", }";
}

class NpyTest : public ::testing::Test {
 protected:
  NpyArray open(std::string_view bytes) {
    write_file(path(), bytes);
    return NpyArray(path());
  }
  // What opening a file of these bytes throws, less the path.
  std::string error(std::string_view bytes) {
    std::string message = input_error([&] { open(bytes); });
    const std::string prefix = path().string() + ": ";
    EXPECT_THAT(message, StartsWith(prefix));
    return message.substr(std::min(prefix.size(), message.size()));
  }
  std::string header_error(std::string_view header, std::string_view data = "") {
    return error(file_of(header, data));
  }
  std::filesystem::path path() const { return dir_ / "x.npy"; }

  TempDir dir_;
};

// numpy.save of numpy.array([[1, -2, 3]], dtype='<i4').
const std::string kSaved =
    "\x93NUMPY\x01\0\x76\0"s
    "{'descr': '<i4', 'fortran_order': False, 'shape': (1, 3), }"
    "                                                          \n"
    "\x01\0\0\0\xFE\xFF\xFF\xFF\x03\0\0\0"s;

TEST_F(NpyTest, ReadsWhatNumPySaves) {
  ASSERT_EQ(kSaved.size(), 128U + 12U);
  const NpyArray array = open(kSaved);
  EXPECT_EQ(array.path(), path());
  EXPECT_EQ(array.descr(), "<i4");
  EXPECT_FALSE(array.header().fortran_order);
  EXPECT_THAT(array.shape(), ElementsAre(1, 3));
  EXPECT_EQ(array.size(), 3U);
  EXPECT_THAT(array.values<std::int32_t>(), ElementsAre(1, -2, 3));
}

TEST_F(NpyTest, WritesWhatNumPySaves) {
  write_npy(path(), {1, 3}, std::vector<std::int32_t>{1, -2, 3});
  EXPECT_EQ(read_file(path()), kSaved);
  EXPECT_THAT(dir_.names(), ElementsAre("x.npy"));
}

TEST_F(NpyTest, DataIsAlignedForEveryLengthOfHeader) {
  for (std::size_t rank = 0; rank <= 64; ++rank) {
    write_npy(path(), std::vector<std::uint64_t>(rank, 1), std::vector<std::int8_t>{7});
    const std::string bytes = read_file(path());
    EXPECT_EQ(bytes.size() % 64, 1U) << rank;
    EXPECT_EQ(bytes[bytes.size() - 2], '\n') << rank;
    const NpyArray array(path());
    EXPECT_EQ(array.shape().size(), rank);
    EXPECT_THAT(array.values<std::int8_t>(), ElementsAre(7));
  }
}

TEST_F(NpyTest, EveryDtype) {
  const std::string data = "\x80\x01\x02\x83\x04\x05\x06\x87"s;
  for (const auto& [descr, size] : std::vector<std::pair<std::string, std::size_t>>{{"|i1", 1},
                                                                                    {"|u1", 1},
                                                                                    {"<i2", 2},
                                                                                    {"<i4", 4},
                                                                                    {"<i8", 8},
                                                                                    {"<f2", 2},
                                                                                    {"<f4", 4},
                                                                                    {"<f8", 8}}) {
    SCOPED_TRACE(descr);
    write_npy(path(), descr, {8 / size}, as_bytes(data));
    const NpyArray array(path());
    EXPECT_EQ(array.descr(), descr);
    EXPECT_EQ(array.size(), 8 / size);
    EXPECT_EQ(as_string(array.data()), data);
    const auto check = [&](const auto& values) {
      EXPECT_EQ(as_string(std::as_bytes(std::span(values))), data);
    };
    if (descr == "|i1") check(array.values<std::int8_t>());
    if (descr == "|u1") check(array.values<std::uint8_t>());
    if (descr == "<i2") check(array.values<std::int16_t>());
    if (descr == "<i4") check(array.values<std::int32_t>());
    if (descr == "<i8") check(array.values<std::int64_t>());
    if (descr == "<f2") check(array.half_bits());
    if (descr == "<f4") check(array.values<float>());
    if (descr == "<f8") check(array.values<double>());
  }
}

TEST_F(NpyTest, TypedWriters) {
  write_npy(path(), {2}, std::vector<std::int8_t>{-128, 127});
  EXPECT_THAT(NpyArray(path()).values<std::int8_t>(), ElementsAre(-128, 127));
  write_npy(path(), {1, 1}, std::vector<float>{-0.0F});
  EXPECT_TRUE(std::signbit(NpyArray(path()).values<float>().at(0)));
}

TEST_F(NpyTest, AnotherDtypeThanExpected) {
  const NpyArray array = open(kSaved);
  EXPECT_EQ(input_error([&] { array.values<std::int8_t>(); }),
            path().string() +
                ": holds int32 ('<i4'), where int8 ('|i1') is expected; convert it "
                "with a.astype('int8')");
  EXPECT_THAT(input_error([&] { array.values<float>(); }), HasSubstr("where float32 ('<f4')"));
  EXPECT_THAT(input_error([&] { array.half_bits(); }), HasSubstr("where float16 ('<f2')"));
}

TEST_F(NpyTest, ScalarsAndEmptyArrays) {
  write_npy(path(), {}, std::vector<float>{1.5F});
  const NpyArray scalar(path());
  EXPECT_THAT(scalar.shape(), IsEmpty());
  EXPECT_EQ(scalar.size(), 1U);
  EXPECT_THAT(scalar.values<float>(), ElementsAre(1.5F));

  write_npy(path(), {3, 0, 2}, std::vector<float>());
  const NpyArray none(path());
  EXPECT_THAT(none.shape(), ElementsAre(3, 0, 2));
  EXPECT_EQ(none.size(), 0U);
  EXPECT_THAT(none.values<float>(), IsEmpty());
  EXPECT_THAT(open(file_of(header_of("<f8", "(0,)", "True"))).values<double>(), IsEmpty());
}

TEST_F(NpyTest, Versions) {
  for (const int major : {1, 2, 3}) {
    EXPECT_THAT(open(file_of(header_of("|u1", "(2,)"), "ab", major)).values<std::uint8_t>(),
                ElementsAre('a', 'b'))
        << major;
  }
  for (const int major : {0, 4, 255}) {
    EXPECT_THAT(error(file_of(header_of("|u1", "(2,)"), "ab", major)),
                HasSubstr("is of version " + std::to_string(major) + ".0 of the format"));
  }
  std::string bytes = kSaved;
  bytes[7] = '\1';
  EXPECT_THAT(error(bytes), HasSubstr("is of version 1.1"));
}

TEST_F(NpyTest, HeadersInEverySpelling) {
  for (const std::string& header :
       {"{'descr':'|u1','fortran_order':False,'shape':(2,)}"s,
        "{'shape': (2,), 'fortran_order': False, 'descr': '|u1'}\n"s,
        "{\"descr\": \"|u1\", 'fortran_order': False, \"shape\": (2,)}"s,
        " {\n'descr' : '|u1' ,\t'shape' : ( 2 , ) , 'fortran_order' : False , } \r\n"s,
        "{'descr': '|u1', 'fortran_order': True, 'shape': (2,), }"s}) {
    EXPECT_THAT(open(file_of(header, "ab")).values<std::uint8_t>(), ElementsAre('a', 'b'))
        << header;
  }
  for (const std::string& shape : {"(2,1)"s, "(2,1,)"s, "( 2 , 1 )"s}) {
    EXPECT_THAT(open(file_of(header_of("|u1", shape), "ab")).shape(), ElementsAre(2, 1)) << shape;
  }
}

TEST_F(NpyTest, FortranOrder) {
  // numpy.asfortranarray([[0, 1, 2], [3, 4, 5]]).
  const NpyArray matrix = open(file_of(header_of("|u1", "(2, 3)", "True"), "\0\3\1\4\2\5"s));
  EXPECT_TRUE(matrix.header().fortran_order);
  EXPECT_THAT(matrix.values<std::uint8_t>(), ElementsAre(0, 1, 2, 3, 4, 5));

  // Every shape of up to four dimensions, against the definition of the order.
  for (std::uint64_t code = 0; code < 256; ++code) {
    const std::vector<std::uint64_t> shape = {code % 4, code / 4 % 4, code / 16 % 4, code / 64};
    const std::uint64_t size = shape[0] * shape[1] * shape[2] * shape[3];
    std::vector<std::int16_t> c_order(size);
    std::vector<std::int16_t> fortran_order(size);
    std::size_t i = 0;
    for (std::uint64_t a = 0; a < shape[0]; ++a) {
      for (std::uint64_t b = 0; b < shape[1]; ++b) {
        for (std::uint64_t c = 0; c < shape[2]; ++c) {
          for (std::uint64_t d = 0; d < shape[3]; ++d) {
            const auto value = static_cast<std::int16_t>(1000 * a + 100 * b + 10 * c + d);
            c_order[i++] = value;
            fortran_order[a + shape[0] * (b + shape[1] * (c + shape[2] * d))] = value;
          }
        }
      }
    }
    const std::string text = fmt::format("({})", fmt::join(shape, ", "));
    EXPECT_EQ(open(file_of(header_of("<i2", text, "True"),
                           as_string(std::as_bytes(std::span(fortran_order)))))
                  .values<std::int16_t>(),
              c_order)
        << text;
  }
}

TEST_F(NpyTest, ACopyOutlivesTheFile) {
  for (const char* order : {"False", "True"}) {
    std::vector<NpyArray> arrays;
    {
      const NpyArray array = open(file_of(header_of("|u1", "(2,2)", order), "abba"));
      arrays.push_back(array);
      arrays.push_back(array);
      arrays.erase(arrays.begin());
    }
    std::filesystem::remove(path());
    EXPECT_EQ(as_string(arrays[0].data()), "abba");
  }
}

TEST_F(NpyTest, ReadsPipes) {
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  std::thread writer([&] { write_file(path(), kSaved); });
  const NpyArray array(path());
  writer.join();
  EXPECT_THAT(array.values<std::int32_t>(), ElementsAre(1, -2, 3));
}

TEST_F(NpyTest, WhatIsNoFile) {
  EXPECT_THAT(input_error([&] { NpyArray array(dir_ / "no\nne"); }),
              HasSubstr("/no\\nne: cannot read: No such file"));
  EXPECT_THAT(input_error([&] { NpyArray array(dir_.path()); }), HasSubstr("is a directory"));
  EXPECT_THAT(input_error([&] { NpyArray array("/dev/null"); }), HasSubstr("is a device"));
}

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
