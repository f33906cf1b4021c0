# Options, dependencies and warning flags.

# In another project's build nothing but the library is built, with that project's settings.
if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
option(BUILD_SHARED_LIBS "Build libmetron.so instead of libmetron.a" OFF)
if(PROJECT_IS_TOP_LEVEL)
  option(BUILD_TESTING "Build the tests" ON)
endif()
set(CMAKE_UNITY_BUILD OFF)  # files repeat names of their own
option(METRON_JOIN_SOURCES "Compile several sources as one, which is faster" OFF)
option(METRON_OPENMP "Compute on all cores with OpenMP" ON)
option(METRON_ONEDNN "Use oneDNN on the CPU if it is installed" ON)
# Another compiler's warnings are not a reason that Metron can't be built.
set(werror OFF)
if(PROJECT_IS_TOP_LEVEL AND CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION MATCHES "^12\\.")
  set(werror ON)
endif()
option(METRON_WERROR "Treat warnings as errors; default: those of the tested compiler, GCC 12" ${werror})
set(METRON_SANITIZE "" CACHE STRING "Sanitizers to compile with: address,undefined or thread")
# The portable kernels are compiled once per instruction set. The widest one supported by the processor is used.
set(METRON_CPU_ISAS "baseline;avx2" CACHE STRING "Instruction sets of the portable kernels: baseline, avx2, avx512")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
if(PROJECT_IS_TOP_LEVEL)
  set(METRON_MNIST_DATA ${PROJECT_SOURCE_DIR}/examples/mnist_cnn/data CACHE PATH "MNIST's files: the programs' default")
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
  set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
  find_program(CCACHE ccache)
  if(CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)  # ccache requires this sloppiness with precompiled headers
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
  endif()
endif()

find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(nlohmann_json 3.10 REQUIRED)
if(METRON_OPENMP)
  find_package(OpenMP REQUIRED COMPONENTS CXX)
endif()
if(METRON_ONEDNN)
  find_package(dnnl 2.6 CONFIG QUIET)
  if(NOT dnnl_FOUND)
    message(STATUS "oneDNN not found: using only the portable kernels")
    set(METRON_ONEDNN OFF)
  elseif(NOT METRON_OPENMP AND DNNL_CPU_RUNTIME STREQUAL OMP)
    message(STATUS "oneDNN disabled: it uses OpenMP threads, and METRON_OPENMP is off")
    set(METRON_ONEDNN OFF)
  endif()
endif()

# NVTX is header-only and part of the CUDA toolkit.
find_path(METRON_NVTX_INCLUDE_DIR nvtx3/nvToolsExt.h HINTS ENV CUDA_PATH PATHS /usr/local/cuda PATH_SUFFIXES include)
mark_as_advanced(METRON_NVTX_INCLUDE_DIR)
set(METRON_NVTX OFF)
if(METRON_NVTX_INCLUDE_DIR)
  set(METRON_NVTX ON)
endif()

# Standard headers that most sources include. Precompiling them saves a third of an average source's compile time.
# GCC crashes if a source is compiled at another optimization level than its precompiled headers.
set(METRON_STANDARD_HEADERS <algorithm> <array> <atomic> <cmath> <cstdint> <filesystem> <functional> <map> <memory>
                            <mutex> <optional> <span> <sstream> <string> <unordered_map> <utility> <variant> <vector>)

# For cold sources, such as those with JSON or CLI11 templates: -O3 takes a third longer to compile than -O1.
set(METRON_COLD_CODE $<$<CONFIG:Release>:-O1>)

# Warnings for Metron's own targets; not exported.
add_library(metron_warnings INTERFACE)
target_compile_options(metron_warnings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow -Wconversion
                                                 $<$<BOOL:${METRON_WERROR}>:-Werror>>)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC bug 105651: false warnings in std::string's operator+, which counts as user code once precompiled.
  set(false_warnings -Wno-restrict)
  if(NOT CMAKE_DISABLE_PRECOMPILE_HEADERS)
    list(APPEND false_warnings -Wno-array-bounds -Wno-stringop-overflow)
  endif()
  target_compile_options(metron_warnings INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:${false_warnings}>")
endif()

if(METRON_SANITIZE)
  add_compile_options(-fsanitize=${METRON_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${METRON_SANITIZE})
endif()
if(PROJECT_IS_TOP_LEVEL)
  add_compile_definitions($<$<NOT:$<CONFIG:Release>>:_GLIBCXX_ASSERTIONS>)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)  # fewer garbage collections: saves a tenth of the compile time, at 384 MB a process
    add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:--param ggc-min-heapsize=393216>")
  endif()
endif()
