// SPDX-License-Identifier: Apache-2.0
// What the gradients are gradients of, by finite differences; and why the zero shift is 2.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "cmodel/gradient_testing.h"
#include "seed.h"
#include "szt/gradient.h"
#include "szt/quantize.h"

namespace szt::test {
namespace {

using Doubles = std::vector<double>;

// y [m, n] = factor * x [m, k] * w [n, k]^T.
Doubles product(const Doubles& x, const Doubles& w, std::size_t m, std::size_t n, std::size_t k,
                double factor) {
  Doubles y(m * n);
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t l = 0; l < n; ++l) {
      for (std::size_t j = 0; j < k; ++j) y[i * n + l] += factor * x[i * k + j] * w[l * k + j];
    }
  }
  return y;
}

// sum (y - target)^2 / 2, whose gradient at y is y - target.
double loss(const Doubles& y, const Doubles& target) {
  double sum = 0;
  for (std::size_t i = 0; i < y.size(); ++i) sum += (y[i] - target[i]) * (y[i] - target[i]) / 2;
  return sum;
}

// The central difference by each variable; exact but for rounding, for the loss is quadratic.
Doubles differences(Doubles variables, const std::function<double(const Doubles&)>& function) {
  constexpr double kStep = 0x1p-10;
  Doubles slopes;
  for (double& variable : variables) {
    const double start = variable;
    variable = start + kStep;
    const double above = function(variables);
    variable = start - kStep;
    slopes.push_back((above - function(variables)) / (2 * kStep));
    variable = start;
  }
  return slopes;
}

struct Layer {
  std::size_t m = 5, n = 9, k = 7;
  Int8s dy, x;
  PackedCodes codes;
  float dy_scale = 0.0137F, x_scale = 0.0291F, alpha = 0.817F;

  explicit Layer(std::mt19937_64& random)
      : dy(random_int8s(m * n, random)),
        x(random_int8s(m * k, random)),
        codes(random_codes(n, k, random)) {}

  Doubles inputs() const {
    Doubles values;
    for (const std::int8_t value : x) values.push_back(static_cast<double>(x_scale) * value);
    return values;
  }
  // A target at which the loss gradient of these outputs is dy_scale * dy.
  Doubles target(const Doubles& y) const {
    Doubles values;
    for (std::size_t i = 0; i < y.size(); ++i) {
      values.push_back(y[i] - static_cast<double>(dy_scale) * dy[i]);
    }
    return values;
  }
};

void expect_near(const std::vector<float>& gradient, const Doubles& slopes) {
  ASSERT_EQ(gradient.size(), slopes.size());
  double largest = 0;
  for (const double slope : slopes) largest = std::max(largest, std::fabs(slope));
  ASSERT_GT(largest, 0);
  for (std::size_t i = 0; i < slopes.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(gradient[i]), slopes[i], 1e-6 * largest) << i;
  }
}

// dX is the derivative of the loss of alpha X b(W)^T by X.
TEST(FiniteDifferences, OfTheInputGradient) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  for (const ZeroShift& shift : kEveryShift) {
    SCOPED_TRACE("shift " + to_string(shift));
    const Layer layer(random);
    Doubles b;
    for (const Code code : layer.codes.unpack()) {
      const auto index = static_cast<std::size_t>(code);
      const double inner = shift ? std::pow(2.0, -static_cast<double>(*shift)) : 0;
      b.push_back(kForwardPlane[index] + inner * kZeroSignPlane[index]);
    }
    const auto outputs = [&](const Doubles& x) {
      return product(x, b, layer.m, layer.n, layer.k, static_cast<double>(layer.alpha));
    };
    const Doubles target = layer.target(outputs(layer.inputs()));
    const Doubles slopes =
        differences(layer.inputs(), [&](const Doubles& x) { return loss(outputs(x), target); });

    std::vector<std::int32_t> g(layer.m * layer.k);
    input_gradient(layer.dy, layer.m, layer.codes, shift, g);
    std::vector<float> dx(g.size());
    scale_input_gradient(g, layer.m, layer.k, std::span(&layer.dy_scale, 1), layer.alpha, shift,
                         dx);
    expect_near(dx, slopes);
  }
}

// dW is the derivative of the loss of X W^T by W, where the surrogate passes it: without alpha.
TEST(FiniteDifferences, OfTheLatentGradient) {
  SCOPED_TRACE(seed_trace());
  std::mt19937_64 random(test_seed());
  for (const Surrogate surrogate : kAllSurrogates) {
    SCOPED_TRACE(name(surrogate));
    const Layer layer(random);
    std::uniform_real_distribution<double> uniform(-1, 1);
    Doubles w(layer.n * layer.k);
    for (double& value : w) value = uniform(random);
    const auto outputs = [&](const Doubles& weights) {
      return product(layer.inputs(), weights, layer.m, layer.n, layer.k, 1);
    };
    const Doubles target = layer.target(outputs(w));
    Doubles slopes =
        differences(w, [&](const Doubles& weights) { return loss(outputs(weights), target); });
    const std::vector<Code> codes = layer.codes.unpack();
    for (std::size_t i = 0; i < slopes.size(); ++i) {
      const bool zero = kForwardPlane[static_cast<std::size_t>(codes[i])] == 0;
      if (zero && surrogate == Surrogate::kDeadZone) slopes[i] = 0;
    }
    std::vector<std::int32_t> dw(slopes.size());
    weight_gradient(layer.dy, layer.x, layer.m, layer.codes, surrogate, dw);
    std::vector<float> scaled(dw.size());
    scale_weight_gradient(dw, layer.dy_scale, layer.x_scale, scaled);
    expect_near(scaled, slopes);
  }
}

// The quantiles of a symmetric distribution at (i + 1/2) / n, of both signs: a sample without the
// noise of one.
std::vector<float> quantile_grid(const std::function<double(double)>& quantile) {
  constexpr std::size_t kHalf = std::size_t{1} << 19;
  std::vector<float> weights;
  for (std::size_t i = 0; i < kHalf; ++i) {
    const double magnitude = quantile((static_cast<double>(i) + 0.5) / kHalf);
    weights.push_back(static_cast<float>(magnitude));
    weights.push_back(-weights.back());
  }
  return weights;
}

// |w| of the unit Gaussian below which the share p lies: Newton's steps on erf.
double gaussian_magnitude(double p) {
  double x = 0;
  for (int i = 0; i < 100; ++i) {
    const double error = std::erfc(x / std::numbers::sqrt2) - (1 - p);
    const double step = error / (std::sqrt(2 / std::numbers::pi) * std::exp(-x * x / 2));
    x += step;
    if (std::fabs(step) < 1e-12 * (1 + x)) break;
  }
  return x;
}

double laplace_magnitude(double p) { return -std::log1p(-p); }

struct Reconstruction {
  double inner_mean;         // mean |w| in the dead zone, in units of the scale
  std::vector<double> sqnr;  // dB, by kEveryShift: 0 .. 7, inf
  double best_sqnr;          // with inner_mean as the inner level
};

// Through the real encoder and the real backward weights, under twn.
Reconstruction reconstruct(const std::vector<float>& weights) {
  const QuantizedTensor tensor =
      quantize("grid", Dtype::kF32, weights.data(), 1, weights.size(), parse_rule("twn"));
  const std::vector<Code> codes = tensor.codes.unpack();
  const auto alpha = static_cast<double>(tensor.scale);
  double inner_sum = 0;
  double inner_count = 0;
  double power = 0;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const auto w = static_cast<double>(weights[i]);
    power += w * w;
    if (magnitude_bit(codes[i])) continue;
    inner_sum += std::fabs(w);
    ++inner_count;
  }
  Reconstruction result{inner_sum / inner_count / alpha, {}, 0};
  const auto sqnr = [&](const std::function<double(Code)>& level) {
    double noise = 0;
    for (std::size_t i = 0; i < codes.size(); ++i) {
      const double error = static_cast<double>(weights[i]) - alpha * level(codes[i]);
      noise += error * error;
    }
    return 10 * std::log10(power / noise);
  };
  for (const ZeroShift& shift : kEveryShift) {
    result.sqnr.push_back(
        sqnr([&](Code code) { return static_cast<double>(backward_weight(code, shift)); }));
  }
  result.best_sqnr = sqnr([&](Code code) {
    return decode(code) + result.inner_mean * decode(code, DecodeMode::kZeroSign);
  });
  return result;
}

// Against the closed forms for infinitely many weights, with D = 0.7 E|w|, a = E[|w| given |w| >
// D]: the noise with inner level c is E w^2 - a^2 P + (1 - P) c^2 - 2 c (E|w| - a P), P = P[|w| >
// D].
TEST(ZeroShift, IsNearOptimalForGaussianWeights) {
  const Reconstruction gaussian = reconstruct(quantile_grid(gaussian_magnitude));
  EXPECT_NEAR(gaussian.inner_mean, 0.2298, 0.0002);
  EXPECT_NEAR(gaussian.sqnr[2], 7.9448, 0.0002);
  EXPECT_NEAR(gaussian.best_sqnr, 7.9514, 0.0002);
  EXPECT_NEAR(gaussian.sqnr[8], 7.1755, 0.0002);  // inf: three levels
  for (std::size_t shift = 0; shift <= 8; ++shift) {
    if (shift != 2) {
      EXPECT_LT(gaussian.sqnr[shift], gaussian.sqnr[2]) << shift;
    }
  }
}

TEST(ZeroShift, OfLaplaceWeightsWouldBe3) {
  const Reconstruction laplace = reconstruct(quantile_grid(laplace_magnitude));
  EXPECT_NEAR(laplace.inner_mean, 0.1821, 0.0002);
  EXPECT_NEAR(laplace.sqnr[2], 5.8223, 0.0002);
  EXPECT_NEAR(laplace.sqnr[3], 5.8387, 0.0002);
  for (std::size_t shift = 0; shift <= 8; ++shift) {
    if (shift != 3) {
      EXPECT_LT(laplace.sqnr[shift], laplace.sqnr[3]) << shift;
    }
  }
}

}  // namespace
}  // namespace szt::test
