// SPDX-License-Identifier: Apache-2.0
// Hostile files: every kind of lie, every truncation, every corruption of a byte.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "cmodel/allocation_meter.h"
#include "cmodel/safetensors_testing.h"
#include "file_testing.h"
#include "szt/safetensors.h"

namespace szt {
namespace {

using namespace std::literals;
using test::as_string;
using test::file_of;
using test::input_error;
using test::kSmall;
using test::length_prefix;
using test::write_byte;
using test::write_file;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class SafetensorsHostile : public test::SafetensorsTest {};

TEST_F(SafetensorsHostile, WhatIsNoFile) {
  const auto error_at = [](const std::filesystem::path& path) {
    return input_error([&] { SafetensorsFile file(path); });
  };
  EXPECT_THAT(error_at(dir_ / "none"), HasSubstr("/none: cannot read: No such file"));
  EXPECT_THAT(error_at(dir_.path()), HasSubstr("is a directory"));
  EXPECT_THAT(error_at("/dev/zero"), HasSubstr("/dev/zero: is a device"));
  EXPECT_THAT(error_at(""), HasSubstr("No such file"));
}

TEST_F(SafetensorsHostile, BadLengths) {
  EXPECT_THAT(error(""), HasSubstr("0 bytes are too few for a safetensors file; the file is dam"));
  EXPECT_THAT(error("1234567"), HasSubstr("7 bytes are too few"));
  EXPECT_THAT(error(length_prefix(0)), HasSubstr("not a JSON object"));
  EXPECT_THAT(error(length_prefix(3) + "{}"), HasSubstr("a header of 3 bytes does not fit in a f"));
  EXPECT_THAT(error(length_prefix(100'000'000) + "{}"), HasSubstr("does not fit in a file of 10"));
  EXPECT_THAT(error(length_prefix(100'000'001) + "{}"),
              HasSubstr("a header of 100000001 bytes is longer than the 100000000 allowed"));
  for (const std::uint64_t length :
       {std::uint64_t{1} << 63, ~std::uint64_t{0}, ~std::uint64_t{7}}) {
    EXPECT_THAT(error(length_prefix(length) + "{}"), HasSubstr("is longer than")) << length;
  }
}

TEST_F(SafetensorsHostile, BadJson) {
  for (const std::string& header :
       {""s, " {}"s, "[]"s, "null"s, "\xEF\xBB\xBF{}"s, "{}\0"s, "{\0}"s, "{\"a\0\":1}"s}) {
    EXPECT_THAT(header_error(header), HasSubstr("the header is not a JSON object")) << header;
  }
  for (const std::string& header : {"{"s,
                                    "{}x"s,
                                    "{}{}"s,
                                    "{,}"s,
                                    "{\"a\"}"s,
                                    "{\"a\":}"s,
                                    "{'a':1}"s,
                                    "{a:1}"s,
                                    R"({"__metadata__":{"a":"b",}})"s,
                                    R"({"__metadata__":{"a":"b"},})"s,
                                    "{/**/}"s,
                                    R"({"__metadata__":{"a":"\ud800"}})"s,
                                    R"({"__metadata__":{"a":"\x"}})"s,
                                    "{\"__metadata__\":{\"a\":\"\n\"}}"s,
                                    "{\"__metadata__\":{\"a\":\"\xFF\"}}"s,
                                    "{\"__metadata__\":{\"a\":\"\xC0\x80\"}}"s,
                                    "{\"__metadata__\":{\"\xED\xA0\x80\":\"\"}}"s,
                                    "{\xC2\xA0}"s,
                                    R"({"t":{"shape":[01]}})"s,
                                    R"({"t":{"shape":[+1]}})"s,
                                    R"({"t":{"shape":[0x1]}})"s,
                                    R"({"t":{"shape":[NaN]}})"s,
                                    R"({"t":{"shape":[1e999]}})"s,
                                    R"({"t":{"shape":[1}})"s}) {
    EXPECT_THAT(header_error(header), HasSubstr("the header is not valid JSON (at byte "))
        << header;
  }
}

TEST_F(SafetensorsHostile, DeepNestingIsRefusedAtOnce) {
  for (const std::string& start : {R"({"t":)"s, R"({"t":{"shape":)"s, R"({"__metadata__":)"s}) {
    for (const std::string& level : {"["s, R"({"shape":)"s}) {
      std::string header = start;
      for (int i = 0; i < 1'000'000; ++i) header += level;
      write_file(path(), file_of(header));
      const test::AllocationMeter meter;
      EXPECT_THAT(input_error([&] { SafetensorsFile file(path()); }), HasSubstr("should "))
          << start << level;
      EXPECT_LT(meter.peak(), 20'000U);
    }
  }
}

TEST_F(SafetensorsHostile, DuplicateKeys) {
  const std::string t = R"("t":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  EXPECT_THAT(header_error("{" + t + "," + t + "}"), HasSubstr("tensor 't' is there twice"));
  EXPECT_THAT(
      header_error(R"({"\u0074":{"dtype":"U8","shape":[],"data_offsets":[0,1]},)" + t + "}", "x"),
      HasSubstr("tensor 't' is there twice"));
  EXPECT_THAT(header_error(R"({"__metadata__":{},)" + t + R"(,"__metadata__":{}})"),
              HasSubstr("__metadata__: is there twice"));
  EXPECT_THAT(header_error(R"({"__metadata__":{"a\n":"1","b":"2","a\n":"1"}})"),
              HasSubstr("__metadata__: key 'a\\n' is there twice"));
  for (const auto& [field, value] : std::map<std::string, std::string>{
           {"dtype", R"("U8")"}, {"shape", "[0]"}, {"data_offsets", "[0,0]"}}) {
    const std::string again = ",\"" + field + "\":" + value + "}}";
    EXPECT_THAT(header_error("{" + t.substr(0, t.size() - 1) + again),
                HasSubstr("tensor 't': key '" + field + "' is there twice"));
  }
}

TEST_F(SafetensorsHostile, WrongKindsOfValues) {
  const auto tensor_error = [&](const std::string& dtype, const std::string& shape,
                                const std::string& offsets) {
    return header_error(R"({"t":{"dtype":)" + dtype + R"(,"shape":)" + shape +
                        R"(,"data_offsets":)" + offsets + "}}");
  };
  EXPECT_THAT(header_error(R"({"t":1})"), HasSubstr("header: 't' should be an object, not the nu"));
  EXPECT_THAT(header_error(R"({"t":null})"), HasSubstr("not null"));
  EXPECT_THAT(header_error(R"({"t":[]})"), HasSubstr("not an array"));
  EXPECT_THAT(header_error(R"({"t":"a\nb"})"), HasSubstr("not the string \"a\\nb\""));
  EXPECT_THAT(header_error(R"({"t":true})"), HasSubstr("not true or false"));
  EXPECT_THAT(header_error(R"({"t":-1.5})"), HasSubstr("not the number -1.5"));

  EXPECT_THAT(tensor_error("7", "[0]", "[0,0]"),
              HasSubstr("tensor 't': dtype should be a string, not the number 7"));
  EXPECT_THAT(tensor_error("null", "[0]", "[0,0]"), HasSubstr("not null"));
  EXPECT_THAT(tensor_error(R"("F33")", "[0]", "[0,0]"),
              HasSubstr("tensor 't': dtype 'F33' is unknown"));
  EXPECT_THAT(tensor_error(R"("F\r")", "[0]", "[0,0]"), HasSubstr("dtype 'F\\r' is unknown"));
  EXPECT_THAT(tensor_error(R"("U8")", "7", "[0,0]"),
              HasSubstr("shape should be an array, not the"));
  EXPECT_THAT(tensor_error(R"("U8")", "{}", "[0,0]"), HasSubstr("should be an array, not an obj"));
  EXPECT_THAT(tensor_error(R"("U8")", "[[0]]", "[0,0]"), HasSubstr("numbers below 2^64, not an a"));
  EXPECT_THAT(tensor_error(R"("U8")", "[\"0\"]", "[0,0]"), HasSubstr("not the string \"0\""));
  EXPECT_THAT(tensor_error(R"("U8")", "[null]", "[0,0]"), HasSubstr("not null"));
  for (const std::string& number :
       {"-1"s, "-0"s, "0.0"s, "1.5"s, "1e3"s, "18446744073709551616"s, "-9223372036854775809"s}) {
    EXPECT_THAT(tensor_error(R"("U8")", "[" + number + "]", "[0,0]"),
                HasSubstr("tensor 't': shape should hold whole numbers below 2^64, not the numb"));
    EXPECT_THAT(
        tensor_error(R"("U8")", "[0]", "[" + number + ",0]"),
        HasSubstr("tensor 't': data_offsets should hold whole numbers below 2^64, not the"));
  }
  EXPECT_THAT(tensor_error(R"("U8")", "[0]", "[]"), HasSubstr("does not have two numbers"));
  EXPECT_THAT(tensor_error(R"("U8")", "[0]", "[0]"), HasSubstr("does not have two numbers"));
  EXPECT_THAT(tensor_error(R"("U8")", "[0]", "[0,0,0]"), HasSubstr("more than two numbers"));

  EXPECT_THAT(header_error(R"({"__metadata__":null})"), HasSubstr("should be an object, not null"));
  EXPECT_THAT(header_error(R"({"__metadata__":[]})"), HasSubstr("should be an object, not an arr"));
  EXPECT_THAT(header_error(R"({"__metadata__":{"k":1}})"),
              HasSubstr("__metadata__: 'k' should be a string, not the number 1"));
  EXPECT_THAT(header_error(R"({"__metadata__":{"k":{}}})"), HasSubstr("not an object"));
  EXPECT_THAT(header_error(R"({"__metadata__":{"k":["v"]}})"), HasSubstr("not an array"));
}

TEST_F(SafetensorsHostile, MissingAndUnknownKeys) {
  EXPECT_THAT(header_error(R"({"t":{}})"), HasSubstr("tensor 't': key 'dtype' is missing"));
  EXPECT_THAT(header_error(R"({"t":{"dtype":"U8","shape":[0]}})"),
              HasSubstr("key 'data_offsets' is missing"));
  EXPECT_THAT(header_error(R"({"t":{"dtype":"U8","data_offsets":[0,0]}})"),
              HasSubstr("key 'shape' is missing"));
  EXPECT_THAT(header_error(R"({"t":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x\t":1}})"),
              HasSubstr("tensor 't': key 'x\\t' is unknown"));
}

TEST_F(SafetensorsHostile, BadShapesAndOffsets) {
  const auto tensor_error = [&](const std::string& dtype, const std::string& shape,
                                const std::string& offsets) {
    return header_error(R"({"a\u0085":{"dtype":")" + dtype + R"(","shape":)" + shape +
                            R"(,"data_offsets":)" + offsets + "}}",
                        "0123456789");
  };
  EXPECT_THAT(tensor_error("U8", "[10]", "[10,0]"),
              AllOf(HasSubstr("tensor 'a\\u0085': data_offsets [10,0] run backwards"),
                    Not(HasSubstr("\xC2\x85"))));
  EXPECT_THAT(tensor_error("U8", "[11]", "[0,11]"),
              HasSubstr("data_offsets [0,11] reach past the 10 bytes of data"));
  EXPECT_THAT(tensor_error("U8", "[10]", "[0,18446744073709551615]"), HasSubstr("reach past"));
  EXPECT_THAT(tensor_error("U8", "[9]", "[0,10]"),
              HasSubstr("U8 of shape [9] takes 9 bytes, but data_offsets [0,10] hold 10"));
  EXPECT_THAT(tensor_error("F16", "[2,5]", "[0,10]"), HasSubstr("takes 20 bytes"));
  EXPECT_THAT(tensor_error("U8", "[0]", "[0,10]"), HasSubstr("takes 0 bytes"));
  EXPECT_THAT(tensor_error("U8", "[]", "[0,10]"), HasSubstr("shape [] takes 1 bytes"));
  EXPECT_THAT(tensor_error("F4", "[3]", "[0,1]"), HasSubstr("shape [3] of F4 does not fill whole"));
  EXPECT_THAT(tensor_error("F6_E2M3", "[2]", "[0,1]"), HasSubstr("does not fill whole bytes"));

  // Products that wrap to what the offsets say, or that only an empty dimension excuses.
  EXPECT_THAT(tensor_error("U8", "[18446744073709551615]", "[0,10]"), HasSubstr("is too large"));
  EXPECT_THAT(tensor_error("U8", "[4294967296,4294967296]", "[0,0]"), HasSubstr("is too large"));
  EXPECT_THAT(tensor_error("F32", "[4611686018427387904]", "[0,0]"), HasSubstr("is too large"));
  EXPECT_THAT(tensor_error("U8", "[2305843009213693952,8]", "[0,0]"), HasSubstr("is too large"));
  EXPECT_THAT(tensor_error("U8", "[0,18446744073709551615]", "[0,0]"), HasSubstr("is too large"));
  EXPECT_THAT(tensor_error("U8", "[4294967296,4294967296,0]", "[0,0]"), HasSubstr("too large"));

  std::string ones = "[1";
  for (int i = 1; i < 64; ++i) ones += ",1";
  EXPECT_THAT(tensor_error("U8", ones + ",1]", "[0,1]"), HasSubstr("more than 64 dimensions"));
  EXPECT_THAT(tensor_error("U8", ones + "]", "[0,1]"), HasSubstr("belong to none"));
}

TEST_F(SafetensorsHostile, DataMustBeCoveredExactly) {
  const auto pair_error = [&](const std::string& a, const std::string& b, std::string_view data) {
    const auto bytes = [](const std::string& offsets) {
      const std::size_t comma = offsets.find(',');
      return std::to_string(std::stoi(offsets.substr(comma + 1)) - std::stoi(offsets));
    };
    return header_error(R"({"a":{"dtype":"U8","shape":[)" + bytes(a) + R"(],"data_offsets":[)" + a +
                            R"(]},"b":{"dtype":"U8","shape":[)" + bytes(b) +
                            R"(],"data_offsets":[)" + b + "]}}",
                        data);
  };
  EXPECT_THAT(pair_error("0,4", "3,8", "01234567"),
              HasSubstr("tensors 'a' and 'b' overlap at byte 3 of the data"));
  EXPECT_THAT(pair_error("0,8", "0,8", "01234567"), HasSubstr("overlap at byte 0"));
  EXPECT_THAT(pair_error("0,8", "2,4", "01234567"), HasSubstr("overlap at byte 2"));
  EXPECT_THAT(pair_error("0,8", "4,4", "01234567"), HasSubstr("overlap at byte 4"));
  EXPECT_THAT(pair_error("4,8", "0,6", "01234567"), HasSubstr("tensors 'b' and 'a' overlap"));
  EXPECT_THAT(pair_error("0,3", "4,8", "01234567"),
              HasSubstr("bytes [3,4] of the data, before tensor 'b', belong to none"));
  EXPECT_THAT(pair_error("1,4", "4,8", "01234567"),
              HasSubstr("bytes [0,1] of the data, before ten"));
  EXPECT_THAT(pair_error("0,4", "4,7", "01234567"),
              HasSubstr("bytes [7,8] of the data, after the last tensor, belong to none"));
  EXPECT_THAT(header_error("{}", "x"), HasSubstr("bytes [0,1] of the data, after the last tensor"));
}

TEST_F(SafetensorsHostile, LongNamesDoNotFloodTheMessage) {
  const std::string message =
      header_error(R"({")" + std::string(1'000'000, 'n') + R"(":{"dtype":"F33"}})");
  EXPECT_LT(message.size(), 1000U);
  EXPECT_LT(header_error("{\"t\":{\"shape\":[0." + std::string(1'000'000, '0') + "]}}").size(),
            1000U);
  EXPECT_LT(header_error("{\"t\":" + std::string(1'000'000, 'x') + "}").size(), 1000U);
}

TEST_F(SafetensorsHostile, EveryTruncationIsRefused) {
  for (std::size_t size = 0; size < kSmall.size(); ++size) {
    SCOPED_TRACE(size);
    error(kSmall.substr(0, size));
  }
  error(kSmall + "\0"s);
}

// Whatever one byte becomes, the file either opens and is consistent or gives an InputError, and
// no number in it makes the reader take memory.
TEST_F(SafetensorsHostile, EveryCorruptionOfAByteIsSurvived) {
  const std::size_t header_end = kSmall.size() - 11;
  write_file(path(), kSmall);
  int opened = 0;
  for (std::size_t at = 0; at < header_end; ++at) {
    for (int value = 0; value < 256; ++value) {
      write_byte(path(), at, static_cast<char>(value));
      const test::AllocationMeter meter;
      try {
        const SafetensorsFile file(path());
        ++opened;
        std::size_t total = 0;
        for (const TensorInfo& tensor : file.tensors()) {
          EXPECT_EQ(file.find(tensor.name), &tensor);
          EXPECT_NE(safetensors_dtype_bits(tensor.dtype), 0);
          total += tensor.data.size();
          EXPECT_FALSE(as_string(tensor.data).empty());
        }
        EXPECT_EQ(total, 11U);
      } catch (const InputError&) {
      }
      EXPECT_LT(meter.peak(), 20'000U) << at << ' ' << value;
    }
    write_byte(path(), at, kSmall[at]);
  }
  EXPECT_GT(opened, 256);  // letters of names, white space, I8 for U8
}

// Many tiny entries: memory stays a small multiple of the header.
TEST_F(SafetensorsHostile, ABigHeaderTakesMemoryInProportion) {
  std::string header = "{";
  for (int i = 0; i < 50'000; ++i) {
    header += (i == 0 ? "\"" : ",\"") + std::to_string(i) +
              R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  }
  write_file(path(), file_of(header + "}"));
  {
    const test::AllocationMeter meter;
    EXPECT_EQ(SafetensorsFile(path()).tensors().size(), 50'000U);
    EXPECT_LT(meter.peak(), header.size() * 8);
  }
  header = R"({"t":{"dtype":"U8","shape":[0)";
  for (int i = 0; i < 1'000'000; ++i) header += ",0";
  write_file(path(), file_of(header + R"(],"data_offsets":[0,0]}})"));
  {
    const test::AllocationMeter meter;
    EXPECT_THAT(input_error([&] { SafetensorsFile file(path()); }),
                HasSubstr("more than 64 dimensions"));
    EXPECT_LT(meter.peak(), 100'000U);
  }
  header = R"({"__metadata__":{"":"")";
  for (int i = 0; i < (1 << 20); ++i) header += ",\"" + std::to_string(i) + R"(":"")";
  write_file(path(), file_of(header + "}}"));
  EXPECT_THAT(input_error([&] { SafetensorsFile file(path()); }),
              HasSubstr("__metadata__: has more than 1048576 entries"));
}

}  // namespace
}  // namespace szt
