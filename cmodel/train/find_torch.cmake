# SPDX-License-Identifier: Apache-2.0
# The option SZT_TRAIN (on where libtorch is found: Debian's libtorch-dev) and ${TORCH_LIBRARIES}.
find_package(Torch QUIET)
if(Torch_FOUND)
  set(torch_found ON)
else()
  set(torch_found OFF)
endif()
option(SZT_TRAIN "Build the trainer (libtorch)" ${torch_found})
if(NOT SZT_TRAIN)
  message(STATUS "Trainer: not built (SZT_TRAIN is OFF; Debian: libtorch-dev)")
elseif(NOT Torch_FOUND)
  message(FATAL_ERROR "SZT_TRAIN is ON but libtorch is not found: install libtorch-dev")
endif()
