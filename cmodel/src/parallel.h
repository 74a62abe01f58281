// SPDX-License-Identifier: Apache-2.0
// Splits a range over threads. Callers see to it that the split cannot show in the result.
#ifndef SZT_SRC_PARALLEL_H_
#define SZT_SRC_PARALLEL_H_

#include <algorithm>
#include <cstddef>
#include <exception>
#include <system_error>
#include <thread>
#include <vector>

namespace szt {

// `requested`, or if that is 0 the machine's number for work of at least `large`, else 1.
inline unsigned resolve_threads(unsigned requested, std::size_t work, std::size_t large) {
  if (requested != 0) return requested;
  return work < large ? 1 : std::max(1U, std::thread::hardware_concurrency());
}

// Calls work(first, last) on contiguous parts that make up [0, count), at most `threads` at a time,
// and rethrows the first part's exception, if any, after all have ended.
template <typename Work>
void parallel_for(std::size_t count, unsigned threads, const Work& work) {
  const std::size_t parts = std::min<std::size_t>(count, threads);
  if (parts <= 1) {
    if (count != 0) work(std::size_t{0}, count);
    return;
  }
  std::vector<std::exception_ptr> errors(parts);
  const auto run = [&](std::size_t part) {
    const auto bound = [&](std::size_t i) {
      return count / parts * i + std::min(i, count % parts);
    };
    try {
      work(bound(part), bound(part + 1));
    } catch (...) {
      errors[part] = std::current_exception();
    }
  };
  std::vector<std::thread> workers;
  workers.reserve(parts - 1);
  for (std::size_t part = 1; part < parts; ++part) {
    try {
      workers.emplace_back(run, part);
    } catch (const std::system_error&) {  // no more threads to be had
      run(part);
    }
  }
  run(0);
  for (std::thread& worker : workers) worker.join();
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace szt

#endif  // SZT_SRC_PARALLEL_H_
