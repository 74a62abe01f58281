// SPDX-License-Identifier: Apache-2.0
#include "cli_testing.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

extern char** environ;

namespace szt::test {

Result run_szt(const std::vector<std::string>& arguments,
               const std::map<std::string, std::string>& environment) {
  std::vector<std::string> words = {SZT_BINARY};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    if (!environment.contains(text.substr(0, text.find('=')))) variables.push_back(text);
  }
  for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);
  std::vector<char*> envp;
  for (std::string& variable : variables) envp.push_back(variable.data());
  envp.push_back(nullptr);

  const TempDir dir;
  const std::filesystem::path out = dir / "out";
  const std::filesystem::path err = dir / "err";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  constexpr int kWrite = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), kWrite, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), kWrite, 0600);
  pid_t child = 0;
  const int failed = posix_spawn(&child, SZT_BINARY, &actions, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) throw std::runtime_error("cannot start " SZT_BINARY);
  int status = 0;
  waitpid(child, &status, 0);
  const int exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return {exit_code, read_file(out), read_file(err)};
}

Result expect_ok(const std::vector<std::string>& arguments) {
  Result result = run_szt(arguments);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  return result;
}

void expect_bad_input(const std::vector<std::string>& arguments,
                      const std::vector<std::string>& parts) {
  std::string command;
  for (const std::string& argument : arguments) command += " " + argument;
  SCOPED_TRACE("szt" + command);
  const Result result = run_szt(arguments);
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err.substr(0, 5), "szt: ");
  ASSERT_FALSE(result.err.empty());
  EXPECT_EQ(result.err.find('\n'), result.err.size() - 1) << result.err;
  for (const std::string& part : parts) {
    EXPECT_NE(result.err.find(part), std::string::npos)
        << "'" << part << "' is not in: " << result.err;
  }
}

Tensor f32(std::vector<std::uint64_t> shape, const std::vector<float>& values) {
  return tensor_of("F32", std::move(shape), values);
}

void write_tensors(const std::filesystem::path& path, const Tensors& tensors,
                   const Metadata& metadata) {
  SafetensorsWriter writer;
  for (const auto& [name, tensor] : tensors) {
    writer.add(name, tensor.dtype, tensor.shape, as_bytes(tensor.bytes));
  }
  for (const auto& [key, value] : metadata) writer.set_metadata(key, value);
  writer.write(path);
}

Tensors read_tensors(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  Tensors tensors;
  for (const TensorInfo& tensor : file.tensors()) {
    tensors[tensor.name] = {tensor.dtype, tensor.shape, as_string(tensor.data)};
  }
  return tensors;
}

bool operator==(const Tensor& a, const Tensor& b) {
  return a.dtype == b.dtype && a.shape == b.shape && a.bytes == b.bytes;
}

nlohmann::json read_json(const std::filesystem::path& path) {
  return nlohmann::json::parse(read_file(path));
}

std::vector<float> random_weights(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<float> weights(count);
  for (float& weight : weights) {
    const auto bits = random();
    weight = static_cast<float>(static_cast<std::int64_t>(bits >> 11)) * 0x1p-52F - 1;
    if (bits % 16 == 0) weight = -0.0F;
    if (bits % 16 == 1) weight = 0x1p-140F;
  }
  return weights;
}

std::vector<std::int8_t> random_int8(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::int8_t> values(count);
  for (std::int8_t& value : values) value = static_cast<std::int8_t>(random() & 0xFFU);
  if (count != 0) values[count / 2] = -128;
  return values;
}

}  // namespace szt::test
