// SPDX-License-Identifier: Apache-2.0
#include "cmodel/allocation_meter.h"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> held{0};
std::atomic<std::size_t> highest{0};

}  // namespace

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) return nullptr;
  const std::size_t now = held += malloc_usable_size(memory);
  std::size_t seen = highest;
  while (now > seen && !highest.compare_exchange_weak(seen, now)) {
  }
  return memory;
}

void* operator new(std::size_t size) {
  void* const memory = operator new(size, std::nothrow);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void operator delete(void* memory) noexcept {
  if (memory != nullptr) held -= malloc_usable_size(memory);
  std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { operator delete(memory); }

namespace szt::test {

AllocationMeter::AllocationMeter() : start_(held) { highest = start_; }

std::size_t AllocationMeter::peak() const { return highest - start_; }

}  // namespace szt::test
