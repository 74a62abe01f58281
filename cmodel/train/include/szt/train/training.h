// SPDX-License-Identifier: Apache-2.0
// Quantisation-aware training of small networks: what a run is given, and what it tells.
//
// libtorch does the autograd, the float layers and Adam; every weight matrix is quantised by
// libszt's encoder in each forward pass, and every input of such a matrix to int8, one scale a
// sample, as on the hardware. No type of libtorch is in this header: the trainer is a shared
// library of its own, libszt_train.so, that programs load when they need it.
#ifndef SZT_TRAIN_TRAINING_H_
#define SZT_TRAIN_TRAINING_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "szt/threshold.h"
#include "szt/zero_shift.h"

namespace szt::train {

// What the forward and the backward pass see of a weight w with code q; f, z and b(q) as in
// zero_shift.h, slope as in gradient.h.
//
//   arm         forward       dX through    slope in the dead zone
//   float32     w             w             1                        no quantisation at all
//   dead-zone   alpha * f     alpha * f     0
//   ste         alpha * f     alpha * f     1
//   szt         alpha * f     alpha * b     1
//   four-level  alpha * b     alpha * b     1                        two-bit weights, not ternary
enum class Arm { kFloat32, kDeadZone, kSte, kSzt, kFourLevel };
inline constexpr std::array<Arm, 5> kAllArms = {Arm::kFloat32, Arm::kDeadZone, Arm::kSte, Arm::kSzt,
                                                Arm::kFourLevel};
std::string_view name(Arm arm);
// Throws InputError, listing them, for an unknown name; so do the others below.
Arm parse_arm(std::string_view text);

//   fashion-mlp  Fashion-MNIST, 784-256-256-10, ReLU; 269,322 parameters
//   fashion-cnn  Fashion-MNIST, 3x3 convolutions of 32 and 64 channels, each with ReLU and 2x2
//                pooling, then 3136-128-10; 421,642 parameters
//   text         the next character of 97 (newline, ASCII's 95, any other byte), transformer of 4
//                blocks, 4 heads, width 128, context 128; 834,657 parameters
enum class Task { kFashionMlp, kFashionCnn, kText };
inline constexpr std::array<Task, 3> kAllTasks = {Task::kFashionMlp, Task::kFashionCnn,
                                                  Task::kText};
std::string_view name(Task task);
Task parse_task(std::string_view text);

// Where the latents of a run begin that is given a quantised checkpoint (reopen.h), and what they
// become again after every `forget_every` steps.
//
//   szt            scale * b(q)
//   bt-zero        scale * f(q): every zero at 0
//   random-sign    as szt, the signs of the zeros drawn by a seeded hash of (layer, index)
//   opposite-sign  as szt, the signs of the zeros inverted
//   kept-latents   the latents themselves: what was never thrown away
enum class Memory { kSzt, kBtZero, kRandomSign, kOppositeSign, kKeptLatents };
inline constexpr std::array<Memory, 5> kAllMemories = {Memory::kSzt, Memory::kBtZero,
                                                       Memory::kRandomSign, Memory::kOppositeSign,
                                                       Memory::kKeptLatents};
std::string_view name(Memory memory);
Memory parse_memory(std::string_view text);

enum class Schedule { kConstant, kCosine };
std::string_view name(Schedule schedule);
Schedule parse_schedule(std::string_view text);

struct Options {
  Task task = Task::kFashionMlp;
  Arm arm = Arm::kSzt;
  ZeroShift zero_shift = kDefaultZeroShift;  // of szt and four-level
  std::filesystem::path data;  // directory of Fashion-MNIST's four files, or a text file
  double rotate = 0;           // degrees that every image is turned by, counter-clockwise
  std::uint64_t seed = 1;      // of the first weights, the order of the data and random-sign
  std::size_t epochs = 10;     // times through the training data, if `steps` is empty
  std::optional<std::size_t> steps;
  std::size_t batch = 128;
  double rate = 1e-3;                     // of Adam, beta 0.9 and 0.999
  Schedule schedule = Schedule::kCosine;  // of the rate: as it is, or down to 0 on a half cosine
  unsigned threads = 0;                   // 0: the machine's

  // A run that begins at a checkpoint that a run (any arm) or `szt quantize` wrote.
  std::filesystem::path start;
  Memory memory = Memory::kSzt;
  // Threshold and scale of a run with `start`: the stored ones, or twn of the latents in each step.
  bool recalibrate = false;
  // All but codes, thresholds, scales and unquantised parameters is thrown away after so many
  // steps; 0: never. Optimiser state too, unless memory is kept-latents.
  std::size_t forget_every = 0;

  std::size_t measure_every = 100;   // steps between two rows of Report::measurements
  std::size_t evaluate_every = 0;    // steps between two tests on the test set; 0: at the end only
  std::filesystem::path output;      // network to write, safetensors; empty: none
  bool keep_latents = false;         // write them too, as latents.NAME
  std::filesystem::path snapshot;    // file to resume from; empty: none
  std::size_t snapshot_every = 500;  // steps; also written on an interruption
  bool resume = false;               // from `snapshot`
};

// Of all quantised weights together, after `step` steps. 0 for float32.
struct Measurement {
  std::size_t step;
  double loss;           // mean over the training batches since the row before
  double dead;           // share inside the dead zone
  double still_dead;     // of the weights that began inside: share now inside
  double never_left;     // of the weights that began inside: share never seen outside at a row
  double forward_flips;  // share of f that this one step changed
  double code_flips;     // share of q that it changed, a zero's sign included
};

struct Evaluation {
  std::size_t step;
  double loss;  // mean cross entropy, nats
  // Share of images classified right; of text: bits a character.
  double score;
};

struct Layer {
  std::string name;
  std::size_t rows, cols;
  float threshold, scale;  // at the end
  double rate_in_scales;   // Options::rate / scale
};

struct Report {
  std::string network;  // "mlp 784-256-256-10"
  std::size_t parameters = 0, quantized_parameters = 0;
  std::vector<float> losses;  // of each step's batch
  std::vector<Measurement> measurements;
  std::vector<Evaluation> evaluations;  // the first at step 0, the last at the end
  std::vector<Layer> layers;
  double seconds = 0;               // in training steps, of this process
  double processor_seconds = 0;     // of all its threads, in those
  std::size_t samples_trained = 0;  // in those
  std::string tool;                 // "libtorch 1.13.0"
};

// Of the work so far; may throw to end the run, which then writes its snapshot first.
using Observer = std::function<void(std::size_t step, std::size_t steps, double loss)>;

// Trains. Same options, same file bytes, on one machine with one number of threads; so does a run
// that was interrupted and resumed. Throws InputError for bad options and files (a snapshot of
// other options among them, naming the first that differs), and where the loss is not finite.
Report train(const Options& options, const Observer& observer);

}  // namespace szt::train

#endif  // SZT_TRAIN_TRAINING_H_
