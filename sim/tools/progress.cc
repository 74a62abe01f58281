// SPDX-License-Identifier: Apache-2.0
#include "progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "report.h"

namespace szt::tools {
namespace {

constexpr std::size_t kLabelWidth = 40;

volatile std::sig_atomic_t caught_signal = 0;

void remember_signal(int signal) { caught_signal = signal; }

void handle_signals(void (*handler)(int), int flags) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction old = {};
    // What the parent ignores (nohup, a shell's background job) stays ignored.
    if (sigaction(signal, nullptr, &old) == 0 && old.sa_handler != SIG_IGN) {
      sigaction(signal, &action, nullptr);
    }
  }
}

}  // namespace

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Progress::Progress(bool quiet)
    : on_(!quiet && isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()),
      last_(start_) {
  handle_signals(remember_signal, static_cast<int>(SA_RESETHAND));
}

Progress::~Progress() {
  clear();
  handle_signals(SIG_DFL, 0);
}

bool Progress::due() const {
  return on_ && seconds_since(start_) > 1 && seconds_since(last_) > 0.2;
}

void Progress::update(double share, std::string_view label, std::string_view rate) {
  if (caught_signal != 0) throw Interrupted(caught_signal);
  if (!due()) return;
  std::string text = one_line(label);
  if (text.size() > kLabelWidth) text = "..." + text.substr(text.size() - kLabelWidth + 3);
  fmt::print(stderr, "\r\x1b[K{:3.0f} %  {}{}{}", share * 100, text, rate.empty() ? "" : "  ",
             rate);
  std::fflush(stderr);
  shown_ = true;
  last_ = std::chrono::steady_clock::now();
}

void Progress::clear() {
  if (!shown_) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  shown_ = false;
}

}  // namespace szt::tools
