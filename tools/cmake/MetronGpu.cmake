# The CUDA device: compiled by nvcc, executed by the emulator on the CPU, or disabled.

set(default_gpu auto)
if(NOT PROJECT_IS_TOP_LEVEL)
  set(default_gpu off)  # a parent that wants CUDA asks for it
endif()
set(METRON_GPU ${default_gpu} CACHE STRING "CUDA kernels: cuda, emulated, off; auto: cuda if the toolkit is installed, else emulated")
set_property(CACHE METRON_GPU PROPERTY STRINGS auto cuda emulated off)
set(METRON_CUDA_ARCHITECTURES 75-real 80-real 86-real 89-real 90-real 100-real 120
    CACHE STRING "Architectures that nvcc compiles for; one without -real or -virtual includes PTX")

set(METRON_GPU_MODE ${METRON_GPU})
if(METRON_GPU_MODE STREQUAL auto)
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    set(METRON_GPU_MODE cuda)
  else()
    set(METRON_GPU_MODE emulated)
  endif()
endif()
if(NOT METRON_GPU_MODE MATCHES "^(cuda|emulated|off)$")
  message(FATAL_ERROR "METRON_GPU must be auto, cuda, emulated or off, got ${METRON_GPU}")
endif()
# The emulator defines the -fsanitize=thread hooks itself and switches stacks without the sanitizer's knowledge.
if(METRON_GPU_MODE STREQUAL emulated AND METRON_SANITIZE STREQUAL thread)
  set(METRON_GPU_MODE off)
endif()
message(STATUS "CUDA kernels: ${METRON_GPU_MODE}")

if(METRON_GPU_MODE STREQUAL cuda)
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES ${METRON_CUDA_ARCHITECTURES})
  endif()
  if(CCACHE AND NOT CMAKE_CUDA_COMPILER_LAUNCHER)
    set(CMAKE_CUDA_COMPILER_LAUNCHER ${CCACHE})
  endif()
  enable_language(CUDA)
  # CMake 3.25 does not yet know that nvcc supports C++20.
  if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
  endif()
  set(CMAKE_CUDA_STANDARD 20)
  set(CMAKE_CUDA_STANDARD_REQUIRED ON)
  find_package(CUDAToolkit REQUIRED)
  # Only host warnings that nvcc's generated code passes. Relaxed constexpr: functors use std::bit_cast.
  set(METRON_CUDA_FLAGS --expt-relaxed-constexpr --Werror=all-warnings -Xptxas=-warn-spills,-Werror -Xcompiler=-Wall,-Wextra,-Wshadow,-Wconversion)
endif()
