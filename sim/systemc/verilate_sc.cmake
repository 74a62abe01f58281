# SPDX-License-Identifier: Apache-2.0
# The RTL as SystemC modules: `verilator --sc`, with what verilate.cmake has set.

# Verilator's runtime once more, compiled for SystemC.
add_library(
  szt_verilated_sc STATIC
  ${VERILATOR_ROOT}/include/verilated.cpp ${VERILATOR_ROOT}/include/verilated_threads.cpp
  ${PROJECT_SOURCE_DIR}/sim/src/verilated_hooks.cc)
target_include_directories(szt_verilated_sc SYSTEM PUBLIC ${VERILATOR_ROOT}/include
                                                          ${VERILATOR_ROOT}/include/vltstd)
target_compile_definitions(szt_verilated_sc PUBLIC VM_COVERAGE=0 VM_SC=1 VM_TRACE=0 VM_TRACE_FST=0
                                                   VM_TRACE_VCD=0 VL_USER_STOP VL_USER_FATAL)
target_compile_options(szt_verilated_sc PRIVATE -w -g0 -fno-sanitize=all)
target_link_libraries(szt_verilated_sc PUBLIC szt_systemc_library Threads::Threads)

# szt_add_sc_module(TARGET CONFIG NAME MAKE FUNCTION) is a library of one configuration's szt_matmul
# and the function that makes it (rtl_module.h).
function(szt_add_sc_module target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "CONFIG;MAKE" "")
  file(READ ${SZT_RTL_DIR}/configs.json configs)
  set(parameters "")
  foreach(pair rows=Rows cols=Cols act_width=ActWidth acc_width=AccWidth acc_depth=AccDepth
               fifo_depth=FifoDepth act_reach=ActReach register_operand=RegisterOperand
               split_add=SplitAdd)
    string(REPLACE "=" ";" pair ${pair})
    list(GET pair 0 key)
    list(GET pair 1 parameter)
    string(JSON value GET "${configs}" ${arg_CONFIG} ${key})
    string(JSON type TYPE "${configs}" ${arg_CONFIG} ${key})
    if(type STREQUAL BOOLEAN)
      set(value 1'b$<BOOL:${value}>)
    endif()
    list(APPEND parameters -G${parameter}=${value})
  endforeach()

  set(dir ${CMAKE_CURRENT_BINARY_DIR}/verilated/${target})
  set(fast ${dir}/fast.cpp)
  set(slow ${dir}/slow.cpp)
  # --pins-bv 2: every port of more than a bit is an sc_bv, whatever its width.
  set(arguments
      --sc --no-trace --pins-bv 2 --prefix V${target} --top-module szt_matmul -I${SZT_RTL_DIR}
      ${parameters} ${SZT_RTL_DIR}/szt_pkg.sv ${SZT_RTL_DIR}/szt_registers.sv
      ${SZT_RTL_DIR}/szt_matmul.sv)
  add_custom_command(
    OUTPUT ${fast} ${slow}
    COMMAND ${CMAKE_COMMAND} -DVERILATOR=${VERILATOR} -DDIR=${dir} -DFAST=${fast} -DSLOW=${slow}
            "-DARGUMENTS=${arguments}" -P ${SZT_VERILATE_SCRIPT}
    DEPENDS ${SZT_RTL_FILES} ${SZT_VERILATE_SCRIPT}
    COMMENT "Verilating ${target} for SystemC"
    VERBATIM)
  set(common -w -g0 -fno-sanitize=all)
  set_source_files_properties(${fast} PROPERTIES COMPILE_OPTIONS "${common};-O1")
  set_source_files_properties(${slow} PROPERTIES COMPILE_OPTIONS "${common};-O0")

  add_library(${target} STATIC ${CMAKE_CURRENT_SOURCE_DIR}/src/verilated_module.cc ${fast} ${slow})
  target_include_directories(${target} SYSTEM PRIVATE ${dir})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/sim/src)
  target_compile_definitions(${target} PRIVATE SZT_TOP=V${target} SZT_TOP_HEADER="V${target}.h"
                                               SZT_MAKE=${arg_MAKE})
  target_link_libraries(${target} PUBLIC szt_verilated_sc szt_sim PRIVATE szt_warnings)
endfunction()
