// SPDX-License-Identifier: Apache-2.0
#include "szt/threshold.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "seed.h"
#include "szt/error.h"

namespace szt {
namespace {

constexpr float kMaxFloat = std::numeric_limits<float>::max();
constexpr float kDenormMin = std::numeric_limits<float>::denorm_min();
const std::vector<std::string> kRuleTexts = {"fixed:0.5", "fixed:0", "twn", "twn:0.05",
                                             "twn:2",     "absmean", "mse"};

Calibration run(const std::vector<float>& w, const std::string& rule, unsigned threads = 0) {
  return calibrate(Dtype::kF32, w.data(), w.size(), parse_rule(rule), threads);
}

void expect_same(const Calibration& a, const Calibration& b) {
  EXPECT_EQ(std::bit_cast<std::uint32_t>(a.threshold), std::bit_cast<std::uint32_t>(b.threshold));
  EXPECT_EQ(std::bit_cast<std::uint32_t>(a.scale), std::bit_cast<std::uint32_t>(b.scale));
  EXPECT_EQ(a.nonzero, b.nonzero);
}

// Weights over many binades, so that the order of a sum shows in its last bits.
std::vector<float> wide_weights(std::size_t n, std::mt19937_64& random) {
  std::normal_distribution<float> normal;
  std::vector<float> weights(n);
  for (float& w : weights) w = std::ldexp(normal(random), static_cast<int>(random() % 40) - 20);
  return weights;
}

// The contract's order, written as it reads: lanes by index, then pairs of pairs.
double ordered_sum(const std::vector<double>& terms) {
  double total = 0;
  for (std::size_t block = 0; block * 4096 < terms.size(); ++block) {
    std::vector<double> sums(8, 0.0);
    for (std::size_t i = 0; i < 4096 && block * 4096 + i < terms.size(); ++i) {
      sums[i % 8] += terms[block * 4096 + i];
    }
    while (sums.size() > 1) {
      std::vector<double> pairs;
      for (std::size_t i = 0; i < sums.size(); i += 2) pairs.push_back(sums[i] + sums[i + 1]);
      sums = pairs;
    }
    total += sums[0];
  }
  return total;
}

std::vector<double> masked(const std::vector<float>& weights, double above) {
  std::vector<double> terms;
  for (const float w : weights) {
    const double magnitude = w < 0 ? -static_cast<double>(w) : static_cast<double>(w);
    terms.push_back(magnitude > above ? magnitude : 0.0);
  }
  return terms;
}

float round_toward_zero(double value) {
  float result = static_cast<float>(value);
  while (static_cast<double>(result) > value) result = std::nextafter(result, 0.0F);
  return result;
}

TEST(Rule, ParsesTheKnownOnes) {
  EXPECT_EQ(parse_rule("twn"), (Rule{RuleKind::kTwn, 0.7}));
  EXPECT_EQ(parse_rule("twn"), Rule{});
  EXPECT_EQ(parse_rule("twn:0.75"), (Rule{RuleKind::kTwn, 0.75}));
  EXPECT_EQ(parse_rule("twn:0"), (Rule{RuleKind::kTwn, 0.0}));
  EXPECT_EQ(parse_rule("fixed:0.02"), (Rule{RuleKind::kFixed, 0.02}));
  EXPECT_EQ(parse_rule("fixed:1e-3"), (Rule{RuleKind::kFixed, 1e-3}));
  EXPECT_EQ(parse_rule("fixed:0"), (Rule{RuleKind::kFixed, 0.0}));
  EXPECT_EQ(parse_rule("absmean"), (Rule{RuleKind::kAbsmean, 0.0}));
  EXPECT_EQ(parse_rule("mse"), (Rule{RuleKind::kMse, 0.0}));
}

TEST(Rule, RefusesEverythingElse) {
  for (const std::string text :
       {"",          "fixed",       "fixed:",    "fixed:-1", "fixed:-0", "fixed:nan",
        "fixed:inf", "fixed:+1",    "fixed: 1",  "fixed:1 ", "fixed:1x", "fixed:0x10",
        "fixed:1,5", "fixed:1e999", "fixed:1:2", "twn:",     "twn:-0.7", "twn:infinity",
        "twn:NAN",   "twn ",        " twn",      "TWN",      "twn0.7",   "absmean:",
        "absmean:1", "mse:",        "mse:0",     "mse2",     "median",   ":",
        ":0.5",      "fixed:--1",   "fixed:.",   "fixed:e5"}) {
    try {
      parse_rule(text);
      FAIL() << "'" << text << "' was accepted";
    } catch (const InputError& error) {
      const std::string message = error.what();
      EXPECT_NE(message.find("'" + text + "'"), std::string::npos) << message;
      for (const char* known : {"fixed:V", "twn", "twn:T", "absmean", "mse"}) {
        EXPECT_NE(message.find(known), std::string::npos) << message;
      }
    }
  }
}

TEST(Rule, TextRoundTrips) {
  EXPECT_EQ(to_string(parse_rule("twn")), "twn");
  EXPECT_EQ(to_string(parse_rule("twn:0.7")), "twn");
  EXPECT_EQ(to_string(parse_rule("fixed:0.125")), "fixed:0.125");
  EXPECT_EQ(to_string(parse_rule("absmean")), "absmean");
  EXPECT_EQ(to_string(parse_rule("mse")), "mse");
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  for (int i = 0; i < 20000; ++i) {
    const auto parameter = std::bit_cast<double>(random() >> 1);
    if (!std::isfinite(parameter)) continue;
    for (const RuleKind kind : {RuleKind::kFixed, RuleKind::kTwn}) {
      const Rule rule{kind, parameter};
      ASSERT_EQ(parse_rule(to_string(rule)), rule) << to_string(rule);
    }
  }
}

TEST(SumMagnitudes, HasTheFixedOrderOnAnyNumberOfThreads) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  int order_shows = 0;
  for (const std::size_t n : {0U, 1U, 7U, 8U, 9U, 4095U, 4096U, 4097U, 8192U, 20000U, 100003U}) {
    const std::vector<float> weights = wide_weights(n, random);
    for (const double above : {-1.0, 0.0, 0.3, 1e30}) {
      const std::vector<double> terms = masked(weights, above);
      const double expected = ordered_sum(terms);
      double sequential = 0;
      std::size_t count = 0;
      for (const double term : terms) {
        sequential += term;
        count += term > above ? 1 : 0;
      }
      order_shows += sequential != expected ? 1 : 0;
      for (const unsigned threads : {0U, 1U, 2U, 3U, 8U}) {
        const MagnitudeSum sum = sum_magnitudes(Dtype::kF32, weights.data(), n, above, threads);
        ASSERT_EQ(sum.total, expected) << "n " << n << ", threads " << threads;
        ASSERT_EQ(sum.count, count) << "n " << n << ", threads " << threads;
      }
    }
  }
  EXPECT_GT(order_shows, 5);  // the comparison would notice another order
}

TEST(Calibrate, IsTheFormulaInTheFixedOrder) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  for (const std::size_t n : {1U, 5U, 64U, 4097U, 30000U}) {
    const std::vector<float> weights = wide_weights(n, random);
    const double mean = ordered_sum(masked(weights, -1)) / static_cast<double>(n);
    for (const std::string& text : kRuleTexts) {
      SCOPED_TRACE(text + ", n " + std::to_string(n));
      const Rule rule = parse_rule(text);
      const Calibration result = run(weights, text);
      if (rule.kind == RuleKind::kFixed) {
        EXPECT_EQ(result.threshold, static_cast<float>(rule.parameter));
      } else if (rule.kind == RuleKind::kTwn) {
        EXPECT_EQ(result.threshold, round_toward_zero(rule.parameter * mean));
      } else if (rule.kind == RuleKind::kAbsmean) {
        EXPECT_EQ(result.threshold, round_toward_zero(mean / 2));
      }
      const double threshold = static_cast<double>(result.threshold);
      const auto nonzero =
          static_cast<std::size_t>(std::count_if(weights.begin(), weights.end(), [=](float w) {
            return std::fabs(static_cast<double>(w)) > threshold;
          }));
      EXPECT_EQ(result.nonzero, nonzero);
      const double above = ordered_sum(masked(weights, threshold)) / static_cast<double>(nonzero);
      const double scale = rule.kind == RuleKind::kAbsmean ? mean : above;
      EXPECT_EQ(result.scale, nonzero == 0 ? 0.0F : static_cast<float>(scale));
    }
  }
}

// With T chosen so that T * mean lands exactly on, or just below, a float32, one unit in the last
// place of the double mean changes the threshold.
TEST(Calibrate, TwnThresholdFollowsEveryBitOfTheMean) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  const std::vector<float> weights = wide_weights(20001, random);
  const double mean = ordered_sum(masked(weights, -1)) / 20001.0;
  int on = 0;
  int below = 0;
  for (int i = 0; i < 200; ++i) {
    const auto x = static_cast<float>(mean * (0.5 + 0.005 * i));
    const double target = static_cast<double>(x);
    double t = target / mean;
    for (int step = 0; step < 3; ++step) t = std::nextafter(t, 0.0);
    for (int step = 0; step < 6; ++step, t = std::nextafter(t, 1e9)) {
      const bool reaches = t * mean >= target;
      const bool down = t * std::nextafter(mean, 0.0) >= target;
      const bool up = t * std::nextafter(mean, 1e300) >= target;
      if (reaches && down) continue;
      if (!reaches && !up) continue;
      (reaches ? on : below) += 1;
      const Calibration result =
          calibrate(Dtype::kF32, weights.data(), weights.size(), Rule{RuleKind::kTwn, t});
      ASSERT_EQ(result.threshold, reaches ? x : std::nextafter(x, 0.0F));
    }
  }
  EXPECT_GT(on, 20);
  EXPECT_GT(below, 20);
}

TEST(Calibrate, AgreesWithLongDouble) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  const std::vector<float> weights = wide_weights(54321, random);
  long double sum = 0;
  for (const float w : weights) sum += std::fabs(static_cast<long double>(w));
  const long double mean = sum / 54321.0L;
  const Calibration twn = run(weights, "twn");
  EXPECT_NEAR(static_cast<double>(static_cast<long double>(twn.threshold) / (0.7L * mean)), 1.0,
              1.3e-7);
  EXPECT_LE(static_cast<long double>(twn.threshold), 0.7L * mean * (1 + 1e-14L));
  const Calibration absmean = run(weights, "absmean");
  EXPECT_NEAR(static_cast<double>(static_cast<long double>(absmean.scale) / mean), 1.0, 6e-8);
  long double above = 0;
  std::size_t count = 0;
  for (const float w : weights) {
    if (std::fabs(w) > twn.threshold) {
      above += std::fabs(static_cast<long double>(w));
      ++count;
    }
  }
  EXPECT_NEAR(static_cast<double>(static_cast<long double>(twn.scale) * count / above), 1.0, 6e-8);
}

TEST(Calibrate, NoThreadCountShows) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  const std::vector<float> weights = wide_weights((std::size_t{1} << 20) + 4099, random);
  for (const std::string& text : kRuleTexts) {
    SCOPED_TRACE(text);
    const Calibration one = run(weights, text, 1);
    for (const unsigned threads : {0U, 2U, 3U, 8U, 1000U}) {
      expect_same(run(weights, text, threads), one);
    }
  }
}

TEST(Calibrate, EveryFormatGivesWhatItsValuesGiveAsFloat32) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  const std::size_t n = 5000;
  std::vector<std::uint16_t> patterns(n);
  for (std::uint16_t& pattern : patterns) {
    pattern = static_cast<std::uint16_t>(random() & 0xBFFFU);  // finite in every format
  }
  for (const Dtype dtype : {Dtype::kF16, Dtype::kBF16, Dtype::kI8, Dtype::kI16}) {
    std::vector<float> weights;
    for (std::size_t i = 0; i < n; ++i) {
      weights.push_back(latent_value(dtype, patterns.data(), i));
    }
    for (const std::string& text : kRuleTexts) {
      SCOPED_TRACE(std::string(name(dtype)) + " " + text);
      expect_same(calibrate(dtype, patterns.data(), n, parse_rule(text)), run(weights, text));
    }
  }
}

TEST(Calibrate, NothingAboveTheThresholdIsScaleZero) {
  for (const std::string& text : kRuleTexts) {
    SCOPED_TRACE(text);
    const float fixed = text == "fixed:0.5" ? 0.5F : 0.0F;
    expect_same(run({}, text), {fixed, 0.0F, 0});
    expect_same(run(std::vector<float>(100, -0.0F), text), {fixed, 0.0F, 0});
  }
  expect_same(run({0.5F, -0.25F}, "fixed:0.5"), {0.5F, 0.0F, 0});  // |w| > threshold is strict
  expect_same(run({1.0F, -1.0F}, "twn:2"), {2.0F, 0.0F, 0});
}

TEST(Calibrate, ExtremesStayFinite) {
  const std::vector<float> huge(9000, -kMaxFloat);
  expect_same(run(huge, "fixed:0"), {0.0F, kMaxFloat, 9000});
  expect_same(run(huge, "mse"), {0.0F, kMaxFloat, 9000});
  expect_same(run(huge, "absmean"), {kMaxFloat / 2, kMaxFloat, 9000});
  expect_same(run(huge, "twn:1000"), {kMaxFloat, 0.0F, 0});
  expect_same(run(huge, "twn:1e300"), {kMaxFloat, 0.0F, 0});
  expect_same(run(huge, "fixed:1e300"), {kMaxFloat, 0.0F, 0});
  expect_same(run({kDenormMin, 0.0F}, "mse"), {0.0F, kDenormMin, 1});
  expect_same(run({3 * kDenormMin, 0.0F}, "absmean"), {0.0F, 2 * kDenormMin, 1});
  expect_same(run({0.1F, 0.2F}, "fixed:0.1"), {std::nextafter(0.1F, 0.0F), 0.15F, 2});
}

TEST(Calibrate, RefusesNonfiniteByIndexAndABadRule) {
  for (const std::string& text : kRuleTexts) {
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
      try {
        run({1.0F, 2.0F, bad, 3.0F, bad}, text);
        FAIL() << text << " took " << bad;
      } catch (const InputError& error) {
        EXPECT_NE(std::string(error.what()).find("[2]"), std::string::npos) << error.what();
      }
    }
  }
  const float w = 1;
  for (const double bad :
       {-1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW(calibrate(Dtype::kF32, &w, 1, {RuleKind::kTwn, bad}), InputError);
  }
}

}  // namespace
}  // namespace szt
