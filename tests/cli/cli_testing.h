// SPDX-License-Identifier: Apache-2.0
// Runs the szt binary as a user does, and makes and reads the files that it works on.
#ifndef SZT_TESTS_CLI_CLI_TESTING_H_
#define SZT_TESTS_CLI_CLI_TESTING_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "file_testing.h"
#include "szt/safetensors.h"

namespace szt::test {

struct Result {
  int exit_code;  // minus the signal if one ended it
  std::string out;
  std::string err;
};

// Runs the tool with these arguments and, besides its own, these variables of the environment.
// Standard input is empty.
Result run_szt(const std::vector<std::string>& arguments,
               const std::map<std::string, std::string>& environment = {});

// Exit 0 and nothing on standard error.
Result expect_ok(const std::vector<std::string>& arguments);

// Exit 2, nothing on standard output, one line on standard error that begins "szt: " and holds
// every one of `parts`.
void expect_bad_input(const std::vector<std::string>& arguments,
                      const std::vector<std::string>& parts);

struct Tensor {
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::string bytes;
};

template <typename T>
Tensor tensor_of(std::string dtype, std::vector<std::uint64_t> shape,
                 const std::vector<T>& values) {
  return {std::move(dtype), std::move(shape), as_string(std::as_bytes(std::span(values)))};
}
Tensor f32(std::vector<std::uint64_t> shape, const std::vector<float>& values);

using Tensors = std::map<std::string, Tensor>;
using Metadata = std::map<std::string, std::string>;

void write_tensors(const std::filesystem::path& path, const Tensors& tensors,
                   const Metadata& metadata = {});
Tensors read_tensors(const std::filesystem::path& path);
bool operator==(const Tensor& a, const Tensor& b);

nlohmann::json read_json(const std::filesystem::path& path);

// Weights between -1 and 1, the same for the same seed, -0.0 and subnormals among them.
std::vector<float> random_weights(std::size_t count, std::uint64_t seed);
std::vector<std::int8_t> random_int8(std::size_t count, std::uint64_t seed);

}  // namespace szt::test

#endif  // SZT_TESTS_CLI_CLI_TESTING_H_
