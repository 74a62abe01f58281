// SPDX-License-Identifier: Apache-2.0
// Finds and loads the shared libraries that devices, and the trainer, live in.
#ifndef SZT_SIM_LIBRARY_SEARCH_H_
#define SZT_SIM_LIBRARY_SEARCH_H_

#include <string>
#include <string_view>

namespace szt::sim {

// A library from the directories of $SZT_RTL_PATH (colon-separated), else from beside the program
// (../lib, .). It stays loaded: unloading would leave the exceptions it threw without their code.
class SharedLibrary {
 public:
  // Throws InputError: "WHAT is not built: no FILE in DIRECTORIES; build the target TARGET, or set
  // SZT_RTL_PATH".
  SharedLibrary(std::string_view file, std::string_view what, std::string_view target);

  // Throws InputError if the library lacks the function.
  template <typename Function>
  Function* find(const char* name) const {
    return reinterpret_cast<Function*>(symbol(name));
  }

 private:
  void* symbol(const char* name) const;

  std::string path_;
  void* handle_ = nullptr;
};

}  // namespace szt::sim

#endif  // SZT_SIM_LIBRARY_SEARCH_H_
