# SPDX-License-Identifier: Apache-2.0
# Build step: verilates ARGUMENTS into DIR and gathers what it wrote in two C++ files, FAST (what
# runs every cycle) and SLOW (construction and tracing: much code that is not worth optimising).
file(REMOVE_RECURSE ${DIR})
file(MAKE_DIRECTORY ${DIR})
# Registers start at what the run asks for (0, or random to show that reset is enough); tracing is
# built in and costs nothing until a trace is opened.
execute_process(
  COMMAND ${VERILATOR} --cc -O3 -Wall --x-assign unique --x-initial unique --trace-fst
          --Mdir ${DIR} ${ARGUMENTS}
  COMMAND_ERROR_IS_FATAL ANY)
file(GLOB sources ${DIR}/*.cpp)
list(SORT sources)
set(fast "")
set(slow "")
foreach(source ${sources})
  cmake_path(GET source FILENAME name)
  if(name MATCHES "__(Slow|Trace|Syms)")
    string(APPEND slow "#include \"${name}\"\n")
  else()
    string(APPEND fast "#include \"${name}\"\n")
  endif()
endforeach()
file(WRITE ${FAST} "${fast}")
file(WRITE ${SLOW} "${slow}")
