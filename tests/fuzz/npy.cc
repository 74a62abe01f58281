// SPDX-License-Identifier: Apache-2.0
// Any bytes as an .npy file; what is read, written and read again is the same.
#include "szt/npy.h"

#include <optional>

#include "fuzz/target.h"

namespace szt::fuzz {
namespace {

// The file's own data; it is what ends the file.
std::span<const std::byte> raw_data(const NpyArray& array, const std::vector<std::byte>& file) {
  return std::span(file).last(array.data().size());
}

// Element by element, by the definition: the first index runs fastest in the file.
void check_fortran_order(const NpyArray& array, const std::vector<std::byte>& file) {
  const auto raw = raw_data(array, file);
  const std::size_t item = array.data().size() / array.size();
  for (std::size_t i = 0; i < array.size(); ++i) {
    std::size_t rest = i;
    std::size_t from = 0;
    std::size_t stride = array.size();
    for (std::size_t axis = array.shape().size(); axis-- > 0;) {
      stride /= array.shape()[axis];
      from += rest % array.shape()[axis] * stride;
      rest /= array.shape()[axis];
    }
    require(equal(array.data().subspan(i * item, item), raw.subspan(from * item, item)),
            "an array in Fortran order is the same in C order");
  }
}

// Reads the values as each type: only the file's own is right.
void check_types(const NpyArray& array) {
  int types = 0;
  const auto count = [&](auto read) {
    if (accepts([&] { require(read().size() == array.size(), "as many values as elements"); })) {
      ++types;
    }
  };
  count([&] { return array.values<std::int8_t>(); });
  count([&] { return array.values<std::uint8_t>(); });
  count([&] { return array.values<std::int16_t>(); });
  count([&] { return array.values<std::int32_t>(); });
  count([&] { return array.values<std::int64_t>(); });
  count([&] { return array.values<float>(); });
  count([&] { return array.values<double>(); });
  count([&] { return array.half_bits(); });
  require(types == 1, "an array is of one type");
}

}  // namespace
}  // namespace szt::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace szt;
  using namespace szt::fuzz;
  const std::vector<std::byte> bytes = to_bytes(data, size);
  std::optional<NpyArray> array;
  if (!accepts([&] { array.emplace("file", bytes); })) return 0;
  if (size > kMostChecked) return 0;
  std::size_t elements = 1;
  for (const std::uint64_t dimension : array->shape()) elements *= dimension;
  require(array->size() == elements, "as many elements as the shape says");
  if (!array->header().fortran_order) {
    require(equal(array->data(), raw_data(*array, bytes)), "the data is the file's");
  } else if (elements != 0) {
    check_fortran_order(*array, bytes);
  }
  check_types(*array);

  const std::vector<std::byte> copy = npy_bytes(array->descr(), array->shape(), array->data());
  const NpyArray again("copy", copy);
  require(again.descr() == array->descr() && again.shape() == array->shape() &&
              !again.header().fortran_order && equal(again.data(), array->data()),
          "a copy is the same array");
  require((copy.size() - again.data().size()) % 64 == 0, "a copy's data is aligned");
  return 0;
}
