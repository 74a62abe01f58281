// SPDX-License-Identifier: Apache-2.0
// Reading what the format allows.
#include "szt/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "cmodel/safetensors_testing.h"
#include "file_testing.h"

namespace szt {
namespace {

using namespace std::literals;
using test::as_string;
using test::file_of;
using test::input_error;
using test::kSmall;
using test::write_file;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

class SafetensorsReader : public test::SafetensorsTest {};

TEST_F(SafetensorsReader, ReadsTensorsInTheOrderOfTheirData) {
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

TEST_F(SafetensorsReader, FindsByName) {
  const SafetensorsFile file = open(kSmall);
  EXPECT_EQ(file.find("a"), &file.tensors()[0]);
  EXPECT_EQ(file.find("b"), &file.tensors()[1]);
  EXPECT_EQ(&file.at("b"), &file.tensors()[1]);
  for (const char* name : {"", "A", "aa", "ab", "c", "__metadata__"}) {
    EXPECT_EQ(file.find(name), nullptr) << name;
  }
}

TEST_F(SafetensorsReader, AMissingTensorIsNamedWithItsNearest) {
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

TEST_F(SafetensorsReader, ACopyOutlivesTheFile) {
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

TEST_F(SafetensorsReader, DataMayBeUnaligned) {
  std::string header = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  if (header.size() % 2 == 0) header += ' ';
  const SafetensorsFile file = open(file_of(header, "\0\0\x80\x3F"s));
  EXPECT_NE(reinterpret_cast<std::uintptr_t>(file.at("a").data.data()) % sizeof(float), 0U);
  float value = 0;
  std::memcpy(&value, file.at("a").data.data(), sizeof value);
  EXPECT_EQ(value, 1.0F);
}

TEST_F(SafetensorsReader, AcceptsWhatTheFormatAllows) {
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

TEST_F(SafetensorsReader, NamesInAnyScript) {
  const SafetensorsFile file =
      open(file_of(R"({"gewicht.größe":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                   R"("\u91cd\u307f \ud83d\ude00":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},)"
                   R"("a\u0000\n\"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}})",
                   "xyz"));
  EXPECT_EQ(as_string(file.at("gewicht.größe").data), "x");
  EXPECT_EQ(as_string(file.at("重み 😀").data), "y");
  EXPECT_EQ(as_string(file.at("a\0\n\"b"s).data), "z");
}

TEST_F(SafetensorsReader, Dtypes) {
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

TEST_F(SafetensorsReader, ReadsPipes) {
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

}  // namespace
}  // namespace szt
