// SPDX-License-Identifier: Apache-2.0
// The driver as somebody uses it who ports it to a board: on a device of another make.
#include <szt/configuration.h>
#include <szt/matmul.h>
#include <szt/sim/driver.h>
#include <szt/sim/model_device.h>
#include <szt/sim/registers.h>
#include <szt_registers.h>

#include <cstdio>
#include <memory>
#include <vector>

int main() {
  const std::unique_ptr<szt::sim::Device> device =
      szt::sim::make_model_device(szt::find_configuration("tiny"));
  const std::vector<szt::Code> codes(15, szt::Code::kMinusOne);
  const szt::PackedCodes weights = szt::PackedCodes::pack(codes, 3, 5);
  const std::vector<std::int8_t> x = {1, 2, 3, 4, 5, -128, 0, 0, 0, 127};
  std::vector<std::int32_t> y(6), expected(6);
  const szt::sim::MatmulReport report = szt::sim::Driver(*device).matmul({x, 2, weights}, y);
  szt::matmul(x, 2, weights, szt::DecodeMode::kForward, expected);
  const bool id = device->read_register(szt::sim::matmul::kId) == SZT_MATMUL_ID_VALUE;
  if (y != expected || report.cycles != report.cycles_model || !id) return 1;
  std::printf("szt::sim: %d results in %d cycles\n", static_cast<int>(y.size()),
              static_cast<int>(report.cycles));
  return 0;
}
