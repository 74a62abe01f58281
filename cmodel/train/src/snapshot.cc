// SPDX-License-Identifier: Apache-2.0
#include "snapshot.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "szt/atomic_file.h"
#include "szt/error.h"
#include "szt/printable.h"

namespace szt::train {
namespace {

constexpr const char* kFormat = "szt-train-snapshot 1";

// The same for every way to name a file.
std::string file_name(const std::filesystem::path& path) {
  if (path.empty()) return {};
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::canonical(path, error);
  return (error ? path : whole).string();
}

// The options that the result depends on.
nlohmann::ordered_json fingerprint(const Options& options) {
  return {{"task", name(options.task)},
          {"arm", name(options.arm)},
          {"zero-shift", to_string(options.zero_shift)},
          {"data", file_name(options.data)},
          {"rotate", options.rotate},
          {"seed", options.seed},
          {"steps", options.steps.value()},
          {"batch", options.batch},
          {"rate", options.rate},
          {"schedule", name(options.schedule)},
          {"start", file_name(options.start)},
          {"memory", name(options.memory)},
          {"recalibrate", options.recalibrate},
          {"forget-every", options.forget_every},
          {"measure-every", options.measure_every},
          {"evaluate-every", options.evaluate_every}};
}

nlohmann::ordered_json state(const Progress& progress) {
  nlohmann::ordered_json measurements = nlohmann::ordered_json::array();
  for (const Measurement& m : progress.report.measurements) {
    measurements.push_back(
        {m.step, m.loss, m.dead, m.still_dead, m.never_left, m.forward_flips, m.code_flips});
  }
  nlohmann::ordered_json evaluations = nlohmann::ordered_json::array();
  for (const Evaluation& e : progress.report.evaluations) {
    evaluations.push_back({e.step, e.loss, e.score});
  }
  return {{"step", progress.step}, {"measurements", measurements}, {"evaluations", evaluations}};
}

void restore(const nlohmann::json& json, Progress& progress) {
  progress.step = json.at("step").get<std::size_t>();
  for (const auto& m : json.at("measurements")) {
    progress.report.measurements.push_back(
        {m.at(0), m.at(1), m.at(2), m.at(3), m.at(4), m.at(5), m.at(6)});
  }
  for (const auto& e : json.at("evaluations")) {
    progress.report.evaluations.push_back({e.at(0), e.at(1), e.at(2)});
  }
}

std::string numbered(const char* what, std::size_t index) {
  return fmt::format("{}{}", what, index);
}

}  // namespace

void write_snapshot(const Options& options, Network& network, torch::optim::Adam& optimizer,
                    const Progress& progress) {
  torch::serialize::OutputArchive archive;
  archive.write("format", c10::IValue(std::string(kFormat)));
  archive.write("options", c10::IValue(fingerprint(options).dump()));
  archive.write("state", c10::IValue(state(progress).dump()));
  std::vector<float> losses = progress.report.losses;
  archive.write(
      "losses",
      torch::from_blob(losses.data(), {static_cast<std::int64_t>(losses.size())}).clone());
  for (std::size_t i = 0; i < progress.first_codes.size(); ++i) {
    archive.write(numbered("first_codes", i), progress.first_codes[i]);
    archive.write(numbered("has_left", i), progress.has_left[i]);
  }
  torch::serialize::OutputArchive parameters, moments;
  network.save(parameters);
  optimizer.save(moments);
  archive.write("network", parameters);
  archive.write("optimizer", moments);

  AtomicFile file(options.snapshot);
  archive.save_to([&](const void* data, std::size_t size) {
    file.write(std::span(static_cast<const std::byte*>(data), size));
    return size;
  });
  file.commit();
}

Progress read_snapshot(const Options& options, Network& network, torch::optim::Adam& optimizer) {
  const std::string where = printable_path(options.snapshot);
  if (!std::ifstream(options.snapshot)) throw InputError(where + ": cannot be read");
  Progress progress;
  std::string written;
  try {
    torch::serialize::InputArchive archive;
    archive.load_from(options.snapshot.string());
    c10::IValue value;
    archive.read("format", value);
    if (value.toStringRef() != kFormat) throw InputError(where + ": a snapshot of another version");
    archive.read("options", value);
    written = value.toStringRef();
    const nlohmann::ordered_json ours = fingerprint(options);
    const auto theirs = nlohmann::json::parse(written);
    for (const auto& [key, mine] : ours.items()) {
      if (!theirs.contains(key) || theirs.at(key) != nlohmann::json(mine)) {
        throw InputError(
            fmt::format("{}: of a run with {} {}, not {}; give that, or another snapshot", where,
                        key, theirs.contains(key) ? theirs.at(key).dump() : "none", mine.dump()));
      }
    }
    archive.read("state", value);
    restore(nlohmann::json::parse(value.toStringRef()), progress);
    torch::Tensor losses;
    archive.read("losses", losses);
    progress.report.losses.assign(losses.data_ptr<float>(),
                                  losses.data_ptr<float>() + losses.numel());
    for (std::size_t i = 0; i < network.layers().size(); ++i) {
      torch::Tensor first_codes, has_left;
      if (!archive.try_read(numbered("first_codes", i), first_codes)) break;
      archive.read(numbered("has_left", i), has_left);
      progress.first_codes.push_back(first_codes);
      progress.has_left.push_back(has_left);
    }
    torch::serialize::InputArchive parameters, moments;
    archive.read("network", parameters);
    network.load(parameters);
    archive.read("optimizer", moments);
    optimizer.load(moments);
  } catch (const c10::Error&) {
    throw InputError(where + ": not a snapshot of szt train, or not a whole one");
  } catch (const nlohmann::json::exception&) {
    throw InputError(where + ": not a snapshot of szt train");
  }
  return progress;
}

}  // namespace szt::train
