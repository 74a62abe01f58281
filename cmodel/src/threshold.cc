// SPDX-License-Identifier: Apache-2.0
#include "szt/threshold.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <system_error>
#include <vector>

#include "parallel.h"
#include "szt/error.h"
#include "szt/printable.h"

namespace szt {
namespace {

constexpr std::size_t kBlock = 4096;
constexpr std::size_t kLanes = 8;
constexpr std::size_t kLargeTensor = std::size_t{1} << 20;

constexpr double kEverything = -1;  // a bound that every |w| exceeds

// Elements [first, last) of one block.
template <typename Latents>
MagnitudeSum block_sum(Latents latents, std::size_t first, std::size_t last, double above) {
  std::array<double, kLanes> lanes{};
  std::size_t count = 0;
  for (std::size_t i = first; i < last; i += kLanes) {
    const std::size_t used = std::min(kLanes, last - i);
    for (std::size_t lane = 0; lane < used; ++lane) {
      const double magnitude = std::fabs(static_cast<double>(to_float(latents[i + lane])));
      const bool counts = magnitude > above;
      lanes[lane] += counts ? magnitude : 0.0;
      count += counts ? 1 : 0;
    }
  }
  return {((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
              ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7])),
          count};
}

float mse_threshold(Dtype dtype, const void* weights, std::size_t n) {
  std::vector<float> sorted(n);
  visit_latents(dtype, weights, [&](auto latents) {
    for (std::size_t i = 0; i < n; ++i) sorted[i] = std::fabs(to_float(latents[i]));
  });
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  double sum = 0;
  double best = -1;
  std::size_t best_k = 0;
  for (std::size_t k = 1; k <= n; ++k) {
    sum += static_cast<double>(sorted[k - 1]);
    const double explained = sum * sum / static_cast<double>(k);
    if (explained > best) {
      best = explained;
      best_k = k;
    }
  }
  return best_k < n ? sorted[best_k] : 0.0F;
}

bool is_parameter(double value) { return std::isfinite(value) && !std::signbit(value); }

[[noreturn]] void refuse_rule(std::string_view text) {
  throw InputError(fmt::format(
      "rule '{}' is unknown; use one of: fixed:V, twn, twn:T, absmean, mse (V, T: numbers >= 0)",
      printable(text)));
}

}  // namespace

Rule parse_rule(std::string_view text) {
  if (text == "twn") return {RuleKind::kTwn, kDefaultTwnFactor};
  if (text == "absmean") return {RuleKind::kAbsmean, 0};
  if (text == "mse") return {RuleKind::kMse, 0};
  const std::size_t colon = text.find(':');
  const std::string_view head = text.substr(0, colon);
  if (colon == std::string_view::npos || (head != "fixed" && head != "twn")) refuse_rule(text);
  const std::string_view number = text.substr(colon + 1);
  double parameter = 0;
  const auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), parameter);
  if (error != std::errc() || end != number.data() + number.size() || !is_parameter(parameter)) {
    refuse_rule(text);
  }
  return {head == "fixed" ? RuleKind::kFixed : RuleKind::kTwn, parameter};
}

std::string to_string(const Rule& rule) {
  switch (rule.kind) {
    case RuleKind::kFixed:
      return fmt::format("fixed:{}", rule.parameter);
    case RuleKind::kTwn:
      return rule.parameter == kDefaultTwnFactor ? "twn" : fmt::format("twn:{}", rule.parameter);
    case RuleKind::kAbsmean:
      return "absmean";
    case RuleKind::kMse:
      break;
  }
  return "mse";
}

MagnitudeSum sum_magnitudes(Dtype dtype, const void* weights, std::size_t n, double above,
                            unsigned threads) {
  std::vector<MagnitudeSum> blocks(n / kBlock + (n % kBlock != 0 ? 1 : 0));
  threads = resolve_threads(threads, n, kLargeTensor);
  visit_latents(dtype, weights, [&](auto latents) {
    parallel_for(blocks.size(), threads, [&](std::size_t first, std::size_t last) {
      for (std::size_t block = first; block < last; ++block) {
        const std::size_t begin = block * kBlock;
        blocks[block] = block_sum(latents, begin, std::min(n, begin + kBlock), above);
      }
    });
  });
  MagnitudeSum sum;
  for (const MagnitudeSum& block : blocks) {
    sum.total += block.total;
    sum.count += block.count;
  }
  return sum;
}

Calibration calibrate(Dtype dtype, const void* weights, std::size_t n, const Rule& rule,
                      unsigned threads) {
  if (!is_parameter(rule.parameter)) refuse_rule(to_string(rule));
  if (const auto index = find_nonfinite(dtype, weights, n)) {
    throw InputError(fmt::format("weight [{}] is {}, so the tensor has no scale", *index,
                                 latent_value(dtype, weights, *index)));
  }
  double mean = 0;
  float threshold = 0;
  switch (rule.kind) {
    case RuleKind::kFixed:
      threshold = float32_toward_zero(rule.parameter);
      break;
    case RuleKind::kTwn:
      mean = sum_magnitudes(dtype, weights, n, kEverything, threads).mean();
      // The product may leave double, too.
      threshold =
          float32_toward_zero(std::min(rule.parameter * mean, std::numeric_limits<double>::max()));
      break;
    case RuleKind::kAbsmean:
      mean = sum_magnitudes(dtype, weights, n, kEverything, threads).mean();
      threshold = float32_toward_zero(mean / 2);
      break;
    case RuleKind::kMse:
      threshold = mse_threshold(dtype, weights, n);
      break;
  }
  const MagnitudeSum above =
      sum_magnitudes(dtype, weights, n, static_cast<double>(threshold), threads);
  const double scale = rule.kind == RuleKind::kAbsmean ? mean : above.mean();
  return {threshold, static_cast<float>(scale), above.count};
}

}  // namespace szt
