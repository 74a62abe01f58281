// SPDX-License-Identifier: Apache-2.0
#include "szt/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include "cmodel/allocation_meter.h"
#include "file_testing.h"

namespace szt {
namespace {

using namespace std::literals;
using test::as_bytes;
using test::as_string;
using test::input_error;
using test::read_file;
using test::TempDir;
using test::write_byte;
using test::write_file;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

std::string length_prefix(std::uint64_t length) {
  std::string bytes(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(length >> (8 * i));
  return bytes;
}

std::string file_of(std::string_view header, std::string_view data = "") {
  return length_prefix(header.size()).append(header).append(data);
}

class SafetensorsTest : public ::testing::Test {
 protected:
  SafetensorsFile open(std::string_view bytes) {
    write_file(path(), bytes);
    return SafetensorsFile(path());
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
  std::string written(const SafetensorsWriter& writer) {
    writer.write(path());
    return read_file(path());
  }
  std::filesystem::path path() const { return dir_ / "m.safetensors"; }

  TempDir dir_;
};

// Two tensors whose order in the header is not that of their data.
const std::string kSmall = file_of(R"({"__metadata__":{"format":"pt"},)"
                                   R"("b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]},)"
                                   R"("a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}} )",
                                   "01234567xyz");

TEST_F(SafetensorsTest, ReadsTensorsInTheOrderOfTheirData) {
  const SafetensorsFile file = open(kSmall);
  EXPECT_EQ(file.path(), path());
  ASSERT_EQ(file.tensors().size(), 2U);
  EXPECT_EQ(file.tensors()[0].name, "a");
  EXPECT_EQ(file.tensors()[0].dtype, "F32");
  EXPECT_THAT(file.tensors()[0].shape, ElementsAre(1, 2));
  EXPECT_EQ(as_string(file.tensors()[0].data), "01234567");
  EXPECT_EQ(file.tensors()[1].name, "b");
  EXPECT_EQ(file.tensors()[1].dtype, "U8");
  EXPECT_THAT(file.tensors()[1].shape, ElementsAre(3));
  EXPECT_EQ(as_string(file.tensors()[1].data), "xyz");
  EXPECT_THAT(file.metadata(), ElementsAre(Pair("format", "pt")));
}

TEST_F(SafetensorsTest, FindsByName) {
  const SafetensorsFile file = open(kSmall);
  EXPECT_EQ(file.find("a"), &file.tensors()[0]);
  EXPECT_EQ(file.find("b"), &file.tensors()[1]);
  EXPECT_EQ(&file.at("b"), &file.tensors()[1]);
  for (const char* name : {"", "A", "aa", "ab", "c", "__metadata__"}) {
    EXPECT_EQ(file.find(name), nullptr) << name;
  }
}

TEST_F(SafetensorsTest, AMissingTensorIsNamedWithItsNearest) {
  const SafetensorsFile file =
      open(file_of(R"({"fc1.weight":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)"
                   R"("fc2.weight":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)"
                   R"("norm":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)"
                   R"("\u001b[31m":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)"
                   R"("fc1.bias":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})"));
  EXPECT_EQ(input_error([&] { file.at("fc1.wieght\n"); }),
            path().string() +
                ": has no tensor 'fc1.wieght\\n'; the nearest of its 5 are "
                "'fc1.weight', 'fc1.bias', 'fc2.weight'");
  EXPECT_THAT(input_error([&] { file.at("\x1B[31"); }), HasSubstr("are '\\x1b[31m',"));
  EXPECT_THAT(input_error([&] { open(file_of("{}")).at("x"); }),
              HasSubstr("has no tensor 'x'; it has none at all"));
}

TEST_F(SafetensorsTest, ACopyOutlivesTheFile) {
  std::vector<SafetensorsFile> files;
  {
    const SafetensorsFile file = open(kSmall);
    files.push_back(file);
    files.push_back(file);
    files.erase(files.begin());
  }
  std::filesystem::remove(path());
  EXPECT_EQ(as_string(files[0].at("a").data), "01234567");
}

TEST_F(SafetensorsTest, DataMayBeUnaligned) {
  std::string header = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  if (header.size() % 2 == 0) header += ' ';
  const SafetensorsFile file = open(file_of(header, "\0\0\x80\x3F"s));
  EXPECT_NE(reinterpret_cast<std::uintptr_t>(file.at("a").data.data()) % sizeof(float), 0U);
  float value = 0;
  std::memcpy(&value, file.at("a").data.data(), sizeof value);
  EXPECT_EQ(value, 1.0F);
}

TEST_F(SafetensorsTest, AcceptsWhatTheFormatAllows) {
  EXPECT_THAT(open(file_of("{}")).tensors(), IsEmpty());
  EXPECT_THAT(open(file_of("{}      ")).tensors(), IsEmpty());
  EXPECT_THAT(open(file_of("{}\n\r\t ")).tensors(), IsEmpty());
  EXPECT_THAT(open(file_of(R"({"__metadata__":{}})")).metadata(), IsEmpty());

  // Scalars, empty tensors between others, an empty name, white space, keys in any order.
  const SafetensorsFile file =
      open(file_of(R"({ "" : { "data_offsets" : [ 0 , 2 ] , "shape" : [ ] , "dtype" : "BF16" } ,)"
                   R"("none":{"dtype":"F64","shape":[3,0,5],"data_offsets":[2,2]},)"
                   R"("none too":{"dtype":"F64","shape":[0],"data_offsets":[2,2]},)"
                   R"("last":{"dtype":"I8","shape":[1,1,1],"data_offsets":[2,3]}})",
                   "abc"));
  EXPECT_EQ(as_string(file.at("").data), "ab");
  EXPECT_THAT(file.at("").shape, IsEmpty());
  EXPECT_THAT(file.at("none").shape, ElementsAre(3, 0, 5));
  EXPECT_THAT(file.at("none").data, IsEmpty());
  EXPECT_EQ(as_string(file.at("last").data), "c");
  EXPECT_EQ(file.tensors()[1].name, "none");
  EXPECT_EQ(file.tensors()[2].name, "none too");
}

TEST_F(SafetensorsTest, NamesInAnyScript) {
  const SafetensorsFile file =
      open(file_of(R"({"gewicht.größe":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                   R"("\u91cd\u307f \ud83d\ude00":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},)"
                   R"("a\u0000\n\"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}})",
                   "xyz"));
  EXPECT_EQ(as_string(file.at("gewicht.größe").data), "x");
  EXPECT_EQ(as_string(file.at("重み 😀").data), "y");
  EXPECT_EQ(as_string(file.at("a\0\n\"b"s).data), "z");
}

TEST_F(SafetensorsTest, Dtypes) {
  const std::map<std::string, int> bits = {
      {"BOOL", 8},        {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8},
      {"I8", 8},          {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8},
      {"F8_E5M2FNUZ", 8}, {"I16", 16},    {"U16", 16},    {"F16", 16},    {"BF16", 16},
      {"I32", 32},        {"U32", 32},    {"F32", 32},    {"C64", 64},    {"F64", 64},
      {"I64", 64},        {"U64", 64}};
  for (const auto& [dtype, width] : bits) {
    EXPECT_EQ(safetensors_dtype_bits(dtype), width) << dtype;
    const auto bytes = static_cast<std::size_t>(width);  // of eight elements
    const std::string header = R"({"t":{"dtype":")" + dtype +
                               R"(","shape":[2,4],"data_offsets":[0,)" + std::to_string(bytes) +
                               "]}}";
    const SafetensorsFile file = open(file_of(header, std::string(bytes, 'x')));
    EXPECT_EQ(file.at("t").dtype, dtype);
    EXPECT_EQ(file.at("t").data.size(), bytes);
  }
  for (const char* unknown : {"", "f32", "F32 ", "F128", "float32"}) {
    EXPECT_EQ(safetensors_dtype_bits(unknown), 0) << unknown;
  }
}

TEST_F(SafetensorsTest, ReadsPipes) {
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  // More than a pipe holds at once.
  const std::string data(300'000, 'd');
  const std::string bytes =
      file_of(R"({"t":{"dtype":"U8","shape":[300000],"data_offsets":[0,300000]}})", data);
  std::thread writer([&] { write_file(path(), bytes); });
  const SafetensorsFile file(path());
  writer.join();
  EXPECT_EQ(as_string(file.at("t").data), data);
}

TEST_F(SafetensorsTest, WhatIsNoFile) {
  const auto error_at = [](const std::filesystem::path& path) {
    return input_error([&] { SafetensorsFile file(path); });
  };
  EXPECT_THAT(error_at(dir_ / "none"), HasSubstr("/none: cannot read: No such file"));
  EXPECT_THAT(error_at(dir_.path()), HasSubstr("is a directory"));
  EXPECT_THAT(error_at("/dev/zero"), HasSubstr("/dev/zero: is a device"));
  EXPECT_THAT(error_at(""), HasSubstr("No such file"));
}

TEST_F(SafetensorsTest, BadLengths) {
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

TEST_F(SafetensorsTest, BadJson) {
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

TEST_F(SafetensorsTest, DeepNestingIsRefusedAtOnce) {
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

TEST_F(SafetensorsTest, DuplicateKeys) {
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

TEST_F(SafetensorsTest, WrongKindsOfValues) {
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

TEST_F(SafetensorsTest, MissingAndUnknownKeys) {
  EXPECT_THAT(header_error(R"({"t":{}})"), HasSubstr("tensor 't': key 'dtype' is missing"));
  EXPECT_THAT(header_error(R"({"t":{"dtype":"U8","shape":[0]}})"),
              HasSubstr("key 'data_offsets' is missing"));
  EXPECT_THAT(header_error(R"({"t":{"dtype":"U8","data_offsets":[0,0]}})"),
              HasSubstr("key 'shape' is missing"));
  EXPECT_THAT(header_error(R"({"t":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x\t":1}})"),
              HasSubstr("tensor 't': key 'x\\t' is unknown"));
}

TEST_F(SafetensorsTest, BadShapesAndOffsets) {
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

TEST_F(SafetensorsTest, DataMustBeCoveredExactly) {
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

TEST_F(SafetensorsTest, LongNamesDoNotFloodTheMessage) {
  const std::string message =
      header_error(R"({")" + std::string(1'000'000, 'n') + R"(":{"dtype":"F33"}})");
  EXPECT_LT(message.size(), 1000U);
  EXPECT_LT(header_error("{\"t\":{\"shape\":[0." + std::string(1'000'000, '0') + "]}}").size(),
            1000U);
  EXPECT_LT(header_error("{\"t\":" + std::string(1'000'000, 'x') + "}").size(), 1000U);
}

TEST_F(SafetensorsTest, EveryTruncationIsRefused) {
  for (std::size_t size = 0; size < kSmall.size(); ++size) {
    SCOPED_TRACE(size);
    error(kSmall.substr(0, size));
  }
  error(kSmall + "\0"s);
}

// Whatever one byte becomes, the file either opens and is consistent or gives an InputError, and
// no number in it makes the reader take memory.
TEST_F(SafetensorsTest, EveryCorruptionOfAByteIsSurvived) {
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
TEST_F(SafetensorsTest, ABigHeaderTakesMemoryInProportion) {
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

TEST_F(SafetensorsTest, WritesTheReferenceLayout) {
  SafetensorsWriter writer;
  writer.add("t.codes", "U8", {2, 1}, as_bytes("\xE4\x02"));
  writer.add("t.scale", "F32", {1}, as_bytes("\0\0\x80\x3F"sv));
  writer.add("b", "F64", {}, as_bytes("01234567"));
  writer.add("a", "F64", {1}, as_bytes("abcdefgh"));
  writer.set_metadata("szt.version", "0");
  writer.set_metadata("format", "\"pt\"\n");
  writer.set_metadata("szt.version", "1");
  const std::string header = R"({"__metadata__":{"format":"\"pt\"\n","szt.version":"1"},)"
                             R"("a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},)"
                             R"("b":{"dtype":"F64","shape":[],"data_offsets":[8,16]},)"
                             R"("t.scale":{"dtype":"F32","shape":[1],"data_offsets":[16,20]},)"
                             R"("t.codes":{"dtype":"U8","shape":[2,1],"data_offsets":[20,22]}}   )";
  ASSERT_EQ(header.size() % 8, 0U);
  const std::string expected = file_of(header, "abcdefgh01234567\0\0\x80\x3F\xE4\x02"s);
  EXPECT_EQ(written(writer), expected);
  EXPECT_EQ(written(writer), expected);
  EXPECT_THAT(dir_.names(), ElementsAre("m.safetensors"));
}

TEST_F(SafetensorsTest, WritesFilesWithoutTensors) {
  EXPECT_EQ(written({}), file_of("{}      "));
  SafetensorsWriter writer;
  writer.set_metadata("framework", "pt");
  EXPECT_EQ(written(writer), file_of(R"({"__metadata__":{"framework":"pt"}}     )"));
}

TEST_F(SafetensorsTest, TheOrderOfCallsDoesNotShow) {
  const std::vector<std::string> names = {"a", "b", "c", "Z", "", "é"};
  std::string first;
  for (std::size_t rotation = 0; rotation < names.size(); ++rotation) {
    SafetensorsWriter writer;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string& name = names[(i + rotation) % names.size()];
      writer.add(name, name < "b" ? "I8" : "U8", {1}, as_bytes("x"));
      writer.set_metadata(name, "v");
    }
    const std::string bytes = written(writer);
    if (rotation == 0) first = bytes;
    EXPECT_EQ(bytes, first);
  }
}

TEST_F(SafetensorsTest, RoundTripsEveryDtype) {
  const std::string data = "0123456789abcdef0123456789abcdef";
  const std::vector<std::string> dtypes = {
      "BOOL",    "F4",  "F6_E2M3", "F6_E3M2", "U8",          "I8",         "F8_E5M2", "F8_E4M3",
      "F8_E8M0", "I16", "U16",     "F16",     "BF16",        "I32",        "U32",     "F32",
      "C64",     "F64", "I64",     "U64",     "F8_E4M3FNUZ", "F8_E5M2FNUZ"};
  SafetensorsWriter writer;
  for (const std::string& dtype : dtypes) {
    const auto bytes = static_cast<std::size_t>(safetensors_dtype_bits(dtype)) / 2;
    writer.add("full\n" + dtype, dtype, {2, 2}, as_bytes(data).first(bytes));
    writer.add("none." + dtype, dtype, {2, 0, 7}, std::span<const std::byte>());
  }
  writer.set_metadata("größe\0"s, "\xF0\x9F\x98\x80");
  const std::string bytes = written(writer);

  const SafetensorsFile file(path());
  EXPECT_THAT(file.metadata(), ElementsAre(Pair("größe\0"s, "\xF0\x9F\x98\x80")));
  ASSERT_EQ(file.tensors().size(), 2 * dtypes.size());
  SafetensorsWriter again;
  for (const TensorInfo& tensor : file.tensors()) {
    if (tensor.name.starts_with("full")) {
      const auto size = static_cast<std::size_t>(safetensors_dtype_bits(tensor.dtype)) / 2;
      EXPECT_EQ(as_string(tensor.data), data.substr(0, size)) << tensor.dtype;
      EXPECT_THAT(tensor.shape, ElementsAre(2, 2));
      if (size >= 4) {
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.data.data()) % (size / 4), 0U);
      }
    } else {
      EXPECT_THAT(tensor.shape, ElementsAre(2, 0, 7));
      EXPECT_THAT(tensor.data, IsEmpty());
    }
    again.add(tensor.name, tensor.dtype, tensor.shape, tensor.data);
  }
  for (const auto& [key, value] : file.metadata()) again.set_metadata(key, value);
  again.write(dir_ / "again");
  EXPECT_EQ(read_file(dir_ / "again"), bytes);
}

TEST_F(SafetensorsTest, ReplacesTheFileThatTheDataIsMappedFrom) {
  const std::string large(5'000'000, 'x');
  SafetensorsWriter first;
  first.add("t", "U8", {large.size()}, as_bytes(large));
  first.write(path());

  const SafetensorsFile file(path());
  SafetensorsWriter second;
  second.add("copy", "U8", {large.size()}, file.at("t").data);
  second.add("new", "U8", {1}, as_bytes("y"));
  second.write(path());

  EXPECT_EQ(as_string(file.at("t").data), large);
  const SafetensorsFile replaced(path());
  EXPECT_EQ(as_string(replaced.at("copy").data), large);
  EXPECT_EQ(as_string(replaced.at("new").data), "y");
  EXPECT_EQ(replaced.find("t"), nullptr);
}

TEST_F(SafetensorsTest, LargeTensorsAreNotCopied) {
  const std::string large(5'000'000, 'x');
  SafetensorsWriter writer;
  const test::AllocationMeter meter;
  writer.add("span", "U8", {large.size()}, as_bytes(large));
  writer.add("producer", "U8", {large.size()}, [&](const SafetensorsWriter::Sink& sink) {
    for (std::size_t i = 0; i < large.size(); i += 1000) sink(as_bytes(large).subspan(i, 1000));
  });
  writer.write(path());
  const SafetensorsFile file(path());
  EXPECT_LT(meter.peak(), 200'000U);
  EXPECT_EQ(as_string(file.at("span").data), large);
  EXPECT_EQ(as_string(file.at("producer").data), large);
}

TEST_F(SafetensorsTest, KeepsDataGivenAway) {
  SafetensorsWriter writer;
  {
    std::vector<std::byte> data(3, std::byte{7});
    writer.add("t", "I8", {3}, std::move(data));
  }
  writer.write(path());
  writer.write(dir_ / "again");
  EXPECT_EQ(as_string(SafetensorsFile(dir_ / "again").at("t").data), "\a\a\a");
}

TEST_F(SafetensorsTest, RefusesToWriteWhatCouldNotBeRead) {
  SafetensorsWriter writer;
  writer.add("t\n", "U8", {1}, as_bytes("x"));
  const auto error = [&](const std::string& name, const std::string& dtype,
                         const std::vector<std::uint64_t>& shape, std::string_view data) {
    return input_error([&] { writer.add(name, dtype, shape, as_bytes(data)); });
  };
  EXPECT_THAT(error("t\n", "U8", {1}, "x"),
              HasSubstr("cannot write tensor 't\\n': there is one of this name already"));
  EXPECT_THAT(error("__metadata__", "U8", {1}, "x"), HasSubstr("the format reserves this name"));
  EXPECT_THAT(error("\xFF", "U8", {1}, "x"), HasSubstr("is not UTF-8"));
  EXPECT_THAT(error("u", "u8", {1}, "x"), HasSubstr("tensor 'u': dtype 'u8' is unknown; convert"));
  EXPECT_THAT(error("u", "F32", {2, 3}, "x"),
              HasSubstr("F32 of shape [2,3] takes 24 bytes, but there are 1; correct the shape"));
  EXPECT_THAT(error("u", "U8", {1}, ""), HasSubstr("there are 0"));
  EXPECT_THAT(error("u", "F4", {3}, "xx"), HasSubstr("does not fill whole bytes"));
  EXPECT_THAT(error("u", "U8", {std::uint64_t{1} << 40, std::uint64_t{1} << 40}, ""),
              HasSubstr("is too large"));
  EXPECT_THAT(error("u", "U8", std::vector<std::uint64_t>(65, 1), "x"),
              HasSubstr("more than 64 dimensions"));
  EXPECT_THAT(input_error([&] { writer.set_metadata("\xFF", ""); }), HasSubstr("metadata key"));
  EXPECT_THAT(input_error([&] { writer.set_metadata("", "\xC3"); }), HasSubstr("metadata value"));

  // None of them is left in the writer.
  EXPECT_EQ(written(writer),
            file_of(R"({"t\n":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}} )", "x"));
}

TEST_F(SafetensorsTest, RefusesToWriteMoreThanTheFormatHolds) {
  {
    SafetensorsWriter writer;
    const auto none = [](const SafetensorsWriter::Sink&) {};
    for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}) {
      writer.add(name, "U8", {(std::uint64_t{1} << 60) - 1}, none);
    }
    EXPECT_THAT(input_error([&] { writer.write(path()); }),
                HasSubstr("the tensors are too large together; split the checkpoint"));
  }
  {
    SafetensorsWriter writer;
    writer.set_metadata("k", std::string(100'000'000, 'v'));
    EXPECT_THAT(input_error([&] { writer.write(path()); }), HasSubstr("too long for a header"));
  }
  EXPECT_THAT(dir_.names(), IsEmpty());
}

TEST_F(SafetensorsTest, AFailedWriteLeavesTheOldFile) {
  write_file(path(), "old");
  const auto produce = [&](const SafetensorsWriter::Producer& producer) {
    SafetensorsWriter writer;
    writer.add("t\n", "U8", {4}, producer);
    writer.write(path());
  };
  const auto pieces = [](std::vector<std::string> texts) {
    return [texts](const SafetensorsWriter::Sink& sink) {
      for (const std::string& text : texts) sink(as_bytes(text));
    };
  };
  EXPECT_THAT(input_error([&] {
                produce(pieces({"ab", "c"}));
              }),
              HasSubstr("cannot write tensor 't\\n': its producer made fewer than 4 bytes"));
  EXPECT_THAT(input_error([&] {
                produce(pieces({"ab", "", "cde"}));
              }),
              HasSubstr("cannot write tensor 't\\n': its producer made more than 4 bytes"));
  EXPECT_THAT(input_error([&] { produce(pieces({})); }), HasSubstr("fewer"));
  EXPECT_THROW(produce([](const auto&) { throw std::runtime_error("stop"); }), std::runtime_error);
  EXPECT_EQ(read_file(path()), "old");
  EXPECT_THAT(dir_.names(), ElementsAre("m.safetensors"));

  produce(pieces({"ab", "", "cd"}));
  EXPECT_EQ(as_string(SafetensorsFile(path()).at("t\n").data), "abcd");

  SafetensorsWriter writer;
  writer.add("t", "U8", {1}, as_bytes("x"));
  EXPECT_THAT(input_error([&] { writer.write("/dev/full"); }), HasSubstr("No space left"));
  EXPECT_THAT(input_error([&] { writer.write(path() / "x"); }), HasSubstr("Not a directory"));
}

}  // namespace
}  // namespace szt
