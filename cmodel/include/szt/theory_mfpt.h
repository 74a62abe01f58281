// SPDX-License-Identifier: Apache-2.0
// Mean first-passage times (MFPT) of a weight that diffuses: how many steps until it leaves a cell.
//
// One step adds drift + sigma * N(0, 1). In continuous time that is diffusion D = sigma^2 / 2 a
// step. Two events, not to be confused, both from a start in the dead zone [-threshold, threshold]:
//
//   exit           the forward value changes: the cell is [-threshold, threshold] for BT and SZT
//                  alike, so that without drift SZT's exit time is BT's;
//   first change   the SZT code changes, which a change of a zero's sign does too: the cell is
//                  [0, threshold] or [-threshold, 0]. The forward value may be as it was.
//
// Four ways to the mean: closed forms of the diffusion, a difference scheme for the same
// differential equation (it checks the closed form and nothing else), the integral equation of the
// discrete steps, and a Monte-Carlo run of the steps through the encoder. Continuous and discrete
// time differ to first order in sigma / threshold: the steps overshoot, as if each boundary were
// 0.5826 * sigma further out (Siegmund, "Corrected diffusion approximations in certain random walk
// problems", Advances in Applied Probability 11, 1979).
#ifndef SZT_THEORY_MFPT_H_
#define SZT_THEORY_MFPT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace szt {

struct Cell {
  double low;
  double high;  // > low
};

// The middle cell of BT, and the one of 0+ (that of 0- is its mirror image).
inline Cell dead_zone(double threshold) { return {-threshold, threshold}; }
inline Cell zero_plus_cell(double threshold) { return {0, threshold}; }

struct Walk {
  double sigma;      // > 0
  double drift = 0;  // a step

  double diffusion() const { return sigma * sigma / 2; }
};

// -zeta(1/2) / sqrt(2 pi): the mean overshoot of a Gaussian walk over a far boundary, in sigmas.
inline constexpr double kBarrierShift = 0.58259715793901068;

// --- closed forms of the diffusion, in steps

// From w, 0 outside the cell. With the cell [-L, L], D and drift v:
//   T = (L - w)/v - (2L/v) (e^(-vw/D) - e^(-vL/D)) / (e^(vL/D) - e^(-vL/D)),
// and (L^2 - w^2) / (2D) for v = 0. Evaluated through the probability of leaving at each end, from
// expm1 and |v|, or by its series where |vL/D| < 1e-4: relative error below 1e-11 throughout.
double exit_time(Cell cell, Walk walk, double w);
// Its mean over w uniform in the cell: (L/v) (coth(vL/D) - D/(vL)), L^2 / (3D) for v = 0.
double mean_exit_time(Cell cell, Walk walk);
// The same without drift, both boundaries moved outward by kBarrierShift * sigma, the start still
// uniform in the cell itself: discrete time to first order.
double mean_shifted_exit_time(Cell cell, double sigma);

// --- the differential equation D T'' + v T' = -1, T = 0 at both ends

// Central differences on `intervals` and on twice as many, solved as tridiagonal systems, and their
// Richardson extrapolation: error O(intervals^-4), from one intervals' drift of less than 2D on.
// Throws InputError where the drift is so strong that 2^20 intervals are too few.
class DiffusionSolution {
 public:
  static constexpr std::size_t kIntervals = 2000;

  DiffusionSolution(Cell cell, Walk walk, std::size_t intervals = kIntervals);

  double at(double w) const;  // cubic interpolation; 0 outside the cell
  double mean() const;        // Simpson's rule

 private:
  Cell cell_;
  std::vector<double> times_;  // at the ends of the intervals
};

// --- discrete time: T(w) = 1 + integral over the cell of K(w' - w) T(w') dw', K the step's density

// Nystrom's method: Gauss-Legendre panels of at most four sigmas with 16 nodes each, which is four
// nodes a sigma, and a banded solve: the kernel is cut off at nine sigmas, where it is below 1e-17
// of its peak. Throws InputError if that makes too large a system: a cell of more than 20,000
// sigmas, or a drift of many sigmas in a wide cell.
class DiscreteSolution {
 public:
  static constexpr std::size_t kOrder = 16;

  DiscreteSolution(Cell cell, Walk walk, std::size_t order = kOrder);

  double at(double w) const;  // from anywhere in the cell, by the equation itself
  double mean() const;        // over the cell
  std::size_t nodes() const { return nodes_.size(); }

 private:
  Cell cell_;
  Walk walk_;
  std::vector<double> nodes_;
  std::vector<double> weights_;
  std::vector<double> times_;
};

// --- Monte-Carlo through the encoder

struct Passage {
  std::uint64_t first_change;  // steps until the code differs from the start's
  std::uint64_t exit;          // steps until the magnitude bit is set; >= first_change
};

// Paths number `first`, `first` + 1, ... of `seed`, each from `start`, or if there is none from a
// point uniform in the dead zone. The latent is held in double and encoded as float32. A path
// depends on nothing but seed, its number and the parameters, so that parts may be run apart and
// on any number of threads (0: the machine's). threshold > 0, |start| <= threshold.
struct PathSet {
  float threshold;
  Walk walk;
  std::optional<double> start;
  std::uint64_t seed;
};
void simulate_passages(const PathSet& set, std::uint64_t first, std::span<Passage> passages,
                       unsigned threads = 0);

}  // namespace szt

#endif  // SZT_THEORY_MFPT_H_
