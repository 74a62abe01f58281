# SPDX-License-Identifier: Apache-2.0
# The option SZT_SYSTEMC and, if it is on, the target szt_systemc_library. Debian 12 (2.3.4)
# and 13 (3.0.1) ship a pkg-config file and no CMake package; SystemC built by CMake has one.
find_package(SystemCLanguage CONFIG QUIET)
if(TARGET SystemC::systemc)
  set(systemc_target SystemC::systemc)
else()
  find_package(PkgConfig QUIET)
  if(PkgConfig_FOUND)
    pkg_check_modules(SZT_SYSTEMC_PC QUIET IMPORTED_TARGET systemc)
  endif()
  if(TARGET PkgConfig::SZT_SYSTEMC_PC)
    set(systemc_target PkgConfig::SZT_SYSTEMC_PC)
  endif()
endif()
option(SZT_SYSTEMC "Build the SystemC targets and the device tlm" OFF)
if(SZT_SYSTEMC AND NOT systemc_target)
  message(FATAL_ERROR "SZT_SYSTEMC is ON but SystemC is not found: install libsystemc-dev")
endif()
if(SZT_SYSTEMC)
  add_library(szt_systemc_library INTERFACE)
  target_link_libraries(szt_systemc_library INTERFACE ${systemc_target})
  # The library is built for C++17, which it checks by name at link time; its interface is the same
  # in C++20.
  target_compile_definitions(szt_systemc_library INTERFACE SC_DISABLE_API_VERSION_CHECK
                                                           SC_INCLUDE_DYNAMIC_PROCESSES)
endif()
