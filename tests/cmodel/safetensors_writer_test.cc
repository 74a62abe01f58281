// SPDX-License-Identifier: Apache-2.0
// Writing: layout, round trips, refusals, no second copy of the data.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cmodel/allocation_meter.h"
#include "cmodel/safetensors_testing.h"
#include "file_testing.h"
#include "szt/safetensors.h"

namespace szt {
namespace {

using namespace std::literals;
using test::as_bytes;
using test::as_string;
using test::file_of;
using test::input_error;
using test::read_file;
using test::write_file;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

class SafetensorsWriting : public test::SafetensorsTest {};

TEST_F(SafetensorsWriting, WritesTheReferenceLayout) {
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

TEST_F(SafetensorsWriting, WritesFilesWithoutTensors) {
  EXPECT_EQ(written({}), file_of("{}      "));
  SafetensorsWriter writer;
  writer.set_metadata("framework", "pt");
  EXPECT_EQ(written(writer), file_of(R"({"__metadata__":{"framework":"pt"}}     )"));
}

TEST_F(SafetensorsWriting, TheOrderOfCallsDoesNotShow) {
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

TEST_F(SafetensorsWriting, RoundTripsEveryDtype) {
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

TEST_F(SafetensorsWriting, ReplacesTheFileThatTheDataIsMappedFrom) {
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

TEST_F(SafetensorsWriting, LargeTensorsAreNotCopied) {
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

TEST_F(SafetensorsWriting, KeepsDataGivenAway) {
  SafetensorsWriter writer;
  {
    std::vector<std::byte> data(3, std::byte{7});
    writer.add("t", "I8", {3}, std::move(data));
  }
  writer.write(path());
  writer.write(dir_ / "again");
  EXPECT_EQ(as_string(SafetensorsFile(dir_ / "again").at("t").data), "\a\a\a");
}

TEST_F(SafetensorsWriting, RefusesToWriteWhatCouldNotBeRead) {
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

TEST_F(SafetensorsWriting, RefusesToWriteMoreThanTheFormatHolds) {
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

TEST_F(SafetensorsWriting, AFailedWriteLeavesTheOldFile) {
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
