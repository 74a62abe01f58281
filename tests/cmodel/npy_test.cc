// SPDX-License-Identifier: Apache-2.0
// What is read and written: every dtype, shape, order and spelling of a header.
#include "szt/npy.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cmodel/npy_testing.h"
#include "file_testing.h"

namespace szt {
namespace {

using namespace std::string_literals;
using test::as_bytes;
using test::as_string;
using test::input_error;
using test::NpyTest;
using test::read_file;
using test::write_file;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

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

}  // namespace
}  // namespace szt
