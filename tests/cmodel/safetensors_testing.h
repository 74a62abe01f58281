// SPDX-License-Identifier: Apache-2.0
// What the suites of the safetensors reader and writer share.
#ifndef SZT_TESTS_CMODEL_SAFETENSORS_TESTING_H_
#define SZT_TESTS_CMODEL_SAFETENSORS_TESTING_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "file_testing.h"
#include "szt/safetensors.h"

namespace szt::test {

inline std::string length_prefix(std::uint64_t length) {
  std::string bytes(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(length >> (8 * i));
  return bytes;
}

inline std::string file_of(std::string_view header, std::string_view data = "") {
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
    EXPECT_THAT(message, ::testing::StartsWith(prefix));
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
inline const std::string kSmall =
    file_of(R"({"__metadata__":{"format":"pt"},)"
            R"("b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]},)"
            R"("a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}} )",
            "01234567xyz");

}  // namespace szt::test

#endif  // SZT_TESTS_CMODEL_SAFETENSORS_TESTING_H_
