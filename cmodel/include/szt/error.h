// SPDX-License-Identifier: Apache-2.0
// The one exception type for bad input: files, tensors, shapes, numbers a user gave.
#ifndef SZT_ERROR_H_
#define SZT_ERROR_H_

#include <stdexcept>

namespace szt {

// what() is one line that names the file, tensor and index where they are known, says what is
// wrong and how to mend it. Command-line tools print it and exit with 2. Programming errors are
// assertions, never this.
class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace szt

#endif  // SZT_ERROR_H_
