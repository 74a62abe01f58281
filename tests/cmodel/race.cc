// SPDX-License-Identifier: Apache-2.0
// A data race, which the thread sanitizer must report: else the preset tsan shows nothing.
#include <thread>

int main() {
  int value = 0;
  std::thread other([&] { ++value; });
  ++value;
  other.join();
  return value == 0 ? 1 : 0;
}
