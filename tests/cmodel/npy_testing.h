// SPDX-License-Identifier: Apache-2.0
// What the suites of the .npy reader and writer share.
#ifndef SZT_TESTS_CMODEL_NPY_TESTING_H_
#define SZT_TESTS_CMODEL_NPY_TESTING_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "file_testing.h"
#include "szt/npy.h"

namespace szt::test {

class NpyTest : public ::testing::Test {
 protected:
  // numpy.save of numpy.array([[1, -2, 3]], dtype='<i4').
  inline static const std::string kSaved = [] {
    using namespace std::string_literals;
    return "\x93NUMPY\x01\0\x76\0"s
           "{'descr': '<i4', 'fortran_order': False, 'shape': (1, 3), }"
           "                                                          \n"
           "\x01\0\0\0\xFE\xFF\xFF\xFF\x03\0\0\0"s;
  }();

  // A file whose header is exactly `header`, without padding.
  static std::string file_of(std::string_view header, std::string_view data = "", int major = 1) {
    using namespace std::string_literals;
    std::string bytes = "\x93NUMPY"s + static_cast<char>(major) + '\0';
    for (std::size_t i = 0; i < (major == 1 ? 2U : 4U); ++i) {
      bytes += static_cast<char>(header.size() >> (8 * i));
    }
    return bytes.append(header).append(data);
  }

  static std::string header_of(const std::string& descr, const std::string& shape,
                               const std::string& fortran_order = "False") {
    return "{'descr': '" + descr + "', 'fortran_order': " + fortran_order + ", 'shape': " + shape +
           ", }";
  }

  NpyArray open(std::string_view bytes) {
    write_file(path(), bytes);
    return NpyArray(path());
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
  std::filesystem::path path() const { return dir_ / "x.npy"; }

  TempDir dir_;
};

}  // namespace szt::test

#endif  // SZT_TESTS_CMODEL_NPY_TESTING_H_
