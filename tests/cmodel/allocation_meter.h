// SPDX-License-Identifier: Apache-2.0
// How much memory a piece of code takes at most; the test binary's operator new counts it.
#ifndef SZT_TESTS_CMODEL_ALLOCATION_METER_H_
#define SZT_TESTS_CMODEL_ALLOCATION_METER_H_

#include <cstddef>

namespace szt::test {

// Counts from its construction on, over all threads. One at a time.
class AllocationMeter {
 public:
  AllocationMeter();
  // Bytes held at the worst moment so far, beyond those held at the start.
  std::size_t peak() const;

 private:
  std::size_t start_;
};

}  // namespace szt::test

#endif  // SZT_TESTS_CMODEL_ALLOCATION_METER_H_
