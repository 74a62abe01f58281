# SPDX-License-Identifier: Apache-2.0
# Verilator as build steps: a change in rtl/ re-runs it, and each design is two C++ files.
find_program(VERILATOR verilator REQUIRED)
execute_process(COMMAND ${VERILATOR} --getenv VERILATOR_ROOT OUTPUT_VARIABLE VERILATOR_ROOT
                OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${VERILATOR} --version OUTPUT_VARIABLE VERILATOR_VERSION
                OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)

set(SZT_RTL_DIR ${PROJECT_SOURCE_DIR}/rtl)
set(SZT_VERILATE_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/run_verilator.cmake)
file(GLOB SZT_RTL_FILES CONFIGURE_DEPENDS ${SZT_RTL_DIR}/*.sv ${SZT_RTL_DIR}/*.svh)

# Verilator's own runtime, built once for all designs; its code is not ours to warn about.
add_library(
  szt_verilated STATIC
  ${VERILATOR_ROOT}/include/verilated.cpp ${VERILATOR_ROOT}/include/verilated_threads.cpp
  ${VERILATOR_ROOT}/include/verilated_fst_c.cpp ${PROJECT_SOURCE_DIR}/sim/src/verilated_hooks.cc)
# With SZT_COVERAGE a core that goes leaves its counts in a file: src/coverage_file.h.
set(SZT_HAS_COVERAGE 0)
if(SZT_COVERAGE)
  set(SZT_HAS_COVERAGE 1)
  target_sources(szt_verilated PRIVATE ${VERILATOR_ROOT}/include/verilated_cov.cpp)
  add_library(szt_pin_coverage STATIC EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/sim/src/pin_coverage.cc)
  target_link_libraries(szt_pin_coverage PRIVATE szt_registers szt_warnings)
endif()
list(TRANSFORM SZT_COVERAGE PREPEND --coverage- OUTPUT_VARIABLE SZT_COVERAGE_OPTIONS)
target_include_directories(szt_verilated SYSTEM PUBLIC ${VERILATOR_ROOT}/include
                                                       ${VERILATOR_ROOT}/include/vltstd)
target_compile_definitions(szt_verilated PUBLIC VM_COVERAGE=${SZT_HAS_COVERAGE} VM_SC=0 VM_TRACE=1 VM_TRACE_FST=1
                                                VM_TRACE_VCD=0 VL_USER_STOP VL_USER_FATAL)
target_compile_options(szt_verilated PRIVATE -w -g0 -fno-sanitize=all)
target_link_libraries(szt_verilated PUBLIC ZLIB::ZLIB Threads::Threads)

# szt_verilate(TARGET PREFIX TOP ...) adds the Verilated design as sources of TARGET.
#   PREFIX       class name of the model
#   TOP          top module
#   RTL_DIR      where its modules are (default rtl/)
#   SOURCES      files besides the packages (default TOP.sv of RTL_DIR)
#   PARAMETERS   NAME=VALUE of the top's parameters
#   OPTIONS      more options of Verilator
#   DEPENDS      more files that the design comes from
function(szt_verilate target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "PREFIX;TOP;RTL_DIR"
                        "SOURCES;PARAMETERS;OPTIONS;DEPENDS")
  if(NOT arg_RTL_DIR)
    set(arg_RTL_DIR ${SZT_RTL_DIR})
  endif()
  set(sources ${arg_SOURCES})
  if(NOT sources)
    set(sources ${arg_RTL_DIR}/${arg_TOP}.sv)
  endif()
  list(TRANSFORM arg_PARAMETERS PREPEND -G)
  set(dir ${CMAKE_CURRENT_BINARY_DIR}/verilated/${target})
  set(fast ${dir}/fast.cpp)
  set(slow ${dir}/slow.cpp)
  add_custom_command(
    OUTPUT ${fast} ${slow}
    COMMAND ${CMAKE_COMMAND} -DVERILATOR=${VERILATOR} -DDIR=${dir} -DFAST=${fast} -DSLOW=${slow}
            "-DARGUMENTS=--prefix;${arg_PREFIX};--top-module;${arg_TOP};-I${arg_RTL_DIR};${arg_PARAMETERS};${arg_OPTIONS};${SZT_COVERAGE_OPTIONS};${arg_RTL_DIR}/szt_pkg.sv;${arg_RTL_DIR}/szt_registers.sv;${sources}"
            -P ${SZT_VERILATE_SCRIPT}
    DEPENDS ${SZT_RTL_FILES} ${arg_SOURCES} ${arg_DEPENDS} ${SZT_VERILATE_SCRIPT}
    COMMENT "Verilating ${target}"
    VERBATIM)
  target_sources(${target} PRIVATE ${fast} ${slow})
  # -O1 simulates as fast as -O3 here and compiles in a third of the time. Generated code is not what
  # warnings, sanitizers and debuggers are for.
  set(common -w -g0 -fno-sanitize=all)
  if(SZT_GCOV)
    list(APPEND common -fno-profile-arcs -fno-test-coverage)
  endif()
  set_source_files_properties(${fast} PROPERTIES COMPILE_OPTIONS "${common};-O1")
  set_source_files_properties(${slow} PROPERTIES COMPILE_OPTIONS "${common};-O0")
  target_include_directories(${target} SYSTEM PRIVATE ${dir})
  target_link_libraries(${target} PRIVATE szt_verilated)
endfunction()

# szt_rtl_parameters(OUT CONFIG) sets OUT to NAME=VALUE of every parameter that a configuration sets.
function(szt_rtl_parameters out config)
  file(READ ${SZT_RTL_DIR}/configs.json configs)
  set(parameters "")
  foreach(pair rows=Rows cols=Cols act_width=ActWidth acc_width=AccWidth acc_depth=AccDepth
               fifo_depth=FifoDepth act_reach=ActReach register_operand=RegisterOperand
               split_add=SplitAdd)
    string(REPLACE "=" ";" pair ${pair})
    list(GET pair 0 key)
    list(GET pair 1 parameter)
    string(JSON value GET "${configs}" ${config} ${key})
    string(JSON type TYPE "${configs}" ${config} ${key})
    if(type STREQUAL BOOLEAN)
      set(value 1'b$<BOOL:${value}>)
    endif()
    list(APPEND parameters ${parameter}=${value})
  endforeach()
  set(${out} ${parameters} PARENT_SCOPE)
endfunction()

# szt_watch_pins(TARGET PARAMETERS...): with SZT_COVERAGE, the szt_matmul in it is watched:
# src/pin_coverage.h.
function(szt_watch_pins target)
  if(SZT_COVERAGE)
    list(JOIN ARGN " " parameters)
    target_compile_definitions(${target} PRIVATE "SZT_PARAMETERS=\"${parameters}\"")
    target_link_libraries(${target} PRIVATE szt_pin_coverage)
  endif()
endfunction()

# szt_add_rtl_device(TARGET CONFIG NAME ...) is a loadable device libszt_rtl_NAME.so.
#   OUTPUT_DIRECTORY  where it goes (default: the library directory)
#   RTL_DIR, SOURCES, PARAMETERS, OPTIONS, DEPENDS as above; PARAMETERS are besides the
#   configuration's, which SOURCES that are given have in them
function(szt_add_rtl_device target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "CONFIG;OUTPUT_DIRECTORY;RTL_DIR"
                        "SOURCES;PARAMETERS;OPTIONS;DEPENDS")
  szt_rtl_parameters(parameters ${arg_CONFIG})
  add_library(${target} MODULE ${PROJECT_SOURCE_DIR}/sim/src/verilated_core.cc)
  szt_watch_pins(${target} ${parameters} ${arg_PARAMETERS})
  if(arg_SOURCES)
    set(parameters "")
  endif()
  szt_verilate(
    ${target}
    PREFIX V${target}
    TOP szt_matmul
    RTL_DIR ${arg_RTL_DIR}
    SOURCES ${arg_SOURCES}
    PARAMETERS ${parameters} ${arg_PARAMETERS}
    OPTIONS ${arg_OPTIONS}
    DEPENDS ${arg_DEPENDS})
  target_compile_definitions(${target} PRIVATE SZT_TOP=V${target} SZT_TOP_HEADER="V${target}.h"
                                               SZT_SIMULATOR="${VERILATOR_VERSION}")
  target_link_libraries(${target} PRIVATE szt_warnings)
  set_target_properties(${target} PROPERTIES OUTPUT_NAME szt_rtl_${arg_CONFIG})
  if(arg_OUTPUT_DIRECTORY)
    set_target_properties(${target} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${arg_OUTPUT_DIRECTORY})
  endif()
endfunction()

# szt_add_encoder_rtl(TARGET ...) is a static library: the Verilated szt_encoder_stream as a device,
# of 2, 4 and 16 lanes (make_encoder_rtl).
#   RTL_DIR, OPTIONS, DEPENDS as above
function(szt_add_encoder_rtl target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "RTL_DIR" "OPTIONS;DEPENDS")
  set(source_dir ${PROJECT_SOURCE_DIR}/sim/src)
  add_library(${target} STATIC EXCLUDE_FROM_ALL ${source_dir}/encoder_rtl.cc)
  target_include_directories(${target} PUBLIC ${source_dir})
  target_link_libraries(${target} PUBLIC szt_sim PRIVATE szt_warnings fmt::fmt)
  foreach(lanes 2 4 16)
    set(design ${target}_${lanes})
    add_library(${design} STATIC EXCLUDE_FROM_ALL ${source_dir}/verilated_encoder.cc)
    szt_verilate(
      ${design}
      PREFIX V${design}
      TOP szt_encoder_stream
      RTL_DIR ${arg_RTL_DIR}
      PARAMETERS Lanes=${lanes}
      OPTIONS ${arg_OPTIONS}
      DEPENDS ${arg_DEPENDS})
    target_compile_definitions(${design} PRIVATE SZT_TOP=V${design} SZT_TOP_HEADER="V${design}.h"
                                                 SZT_LANES=${lanes})
    target_link_libraries(${design} PRIVATE szt_warnings)
    target_link_libraries(${target} PRIVATE ${design})
  endforeach()
endfunction()
