# SPDX-License-Identifier: Apache-2.0
# rtl/registers.json is the one source of the register maps; the headers are made from it here. What
# links szt_registers includes "szt/sim/registers.h" (C++) or "szt_registers.h" (C).
find_package(Python3 REQUIRED COMPONENTS Interpreter)

set(registers_json ${PROJECT_SOURCE_DIR}/rtl/registers.json)
set(registers_scripts ${PROJECT_SOURCE_DIR}/scripts/registers.py
                      ${PROJECT_SOURCE_DIR}/scripts/register_map.py)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${registers_json})
file(READ ${registers_json} registers)
string(JSON registers_version ERROR_VARIABLE registers_error GET "${registers}" version)
if(registers_error OR NOT registers_version STREQUAL PROJECT_VERSION)
  message(FATAL_ERROR "rtl/registers.json: version ${registers_version}, that of the project is "
                      "${PROJECT_VERSION}")
endif()

set(SZT_GENERATED_DIR ${PROJECT_BINARY_DIR}/generated)
set(SZT_C_REGISTERS ${SZT_GENERATED_DIR}/szt_registers.h)
set(SZT_CPP_REGISTERS ${SZT_GENERATED_DIR}/szt/sim/registers.h)
add_custom_command(
  OUTPUT ${SZT_C_REGISTERS} ${SZT_CPP_REGISTERS}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${SZT_GENERATED_DIR}/szt/sim
  COMMAND ${Python3_EXECUTABLE} -B ${PROJECT_SOURCE_DIR}/scripts/registers.py --c ${SZT_C_REGISTERS}
          --cpp ${SZT_CPP_REGISTERS}
  DEPENDS ${registers_json} ${registers_scripts}
  COMMENT "Generating the register headers"
  VERBATIM)
# In ALL, because the C header is installed whether or not anything here includes it.
add_custom_target(szt_registers_headers ALL DEPENDS ${SZT_C_REGISTERS} ${SZT_CPP_REGISTERS})

add_library(szt_registers INTERFACE)
target_include_directories(szt_registers INTERFACE ${SZT_GENERATED_DIR})
add_dependencies(szt_registers szt_registers_headers)

install(FILES ${SZT_C_REGISTERS} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
