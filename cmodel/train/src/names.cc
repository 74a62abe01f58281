// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <string>

#include "szt/error.h"
#include "szt/printable.h"
#include "szt/train/training.h"

namespace szt::train {
namespace {

template <typename T>
struct Named {
  T value;
  const char* name;
};

constexpr Named<Arm> kArms[] = {{Arm::kFloat32, "float32"},
                                {Arm::kDeadZone, "dead-zone"},
                                {Arm::kSte, "ste"},
                                {Arm::kSzt, "szt"},
                                {Arm::kFourLevel, "four-level"}};
constexpr Named<Task> kTasks[] = {
    {Task::kFashionMlp, "fashion-mlp"}, {Task::kFashionCnn, "fashion-cnn"}, {Task::kText, "text"}};
constexpr Named<Memory> kMemories[] = {{Memory::kSzt, "szt"},
                                       {Memory::kBtZero, "bt-zero"},
                                       {Memory::kRandomSign, "random-sign"},
                                       {Memory::kOppositeSign, "opposite-sign"},
                                       {Memory::kKeptLatents, "kept-latents"}};
constexpr Named<Schedule> kSchedules[] = {{Schedule::kConstant, "constant"},
                                          {Schedule::kCosine, "cosine"}};

template <typename T, std::size_t n>
std::string_view name_in(const Named<T> (&table)[n], T value) {
  for (const Named<T>& entry : table) {
    if (entry.value == value) return entry.name;
  }
  return {};
}

template <typename T, std::size_t n>
T parse_in(const Named<T> (&table)[n], std::string_view what, std::string_view text) {
  std::string known;
  for (const Named<T>& entry : table) {
    if (entry.name == text) return entry.value;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", entry.name);
  }
  throw InputError(fmt::format("{} '{}' is unknown; there are: {}", what, printable(text), known));
}

}  // namespace

std::string_view name(Arm arm) { return name_in(kArms, arm); }
std::string_view name(Task task) { return name_in(kTasks, task); }
std::string_view name(Memory memory) { return name_in(kMemories, memory); }
std::string_view name(Schedule schedule) { return name_in(kSchedules, schedule); }

Arm parse_arm(std::string_view text) { return parse_in(kArms, "arm", text); }
Task parse_task(std::string_view text) { return parse_in(kTasks, "task", text); }
Memory parse_memory(std::string_view text) { return parse_in(kMemories, "memory", text); }
Schedule parse_schedule(std::string_view text) { return parse_in(kSchedules, "schedule", text); }

}  // namespace szt::train
