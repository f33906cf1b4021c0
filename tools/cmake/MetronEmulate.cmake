# metron_emulate(<target>): builds the target's .cu files for Metron's emulator instead of by nvcc, unchanged, and links
# the emulator. The target's include folders, definitions and options apply to them. Call it after the target has all of
# its sources, in the folder that adds the target.
function(metron_emulate target)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    message(FATAL_ERROR "metron_emulate(${target}): the emulator uses the instrumentation of GCC, got ${CMAKE_CXX_COMPILER_ID}")
  endif()
  get_target_property(sources ${target} SOURCES)
  get_target_property(folder ${target} SOURCE_DIR)
  set(cuda_sources "")
  set(other_sources "")
  foreach(source IN LISTS sources)
    if(source MATCHES "\\.cu$")
      get_filename_component(source ${source} ABSOLUTE BASE_DIR ${folder})
      list(APPEND cuda_sources ${source})
    else()
      list(APPEND other_sources ${source})
    endif()
  endforeach()
  if(NOT cuda_sources)
    message(FATAL_ERROR "metron_emulate(${target}): the target has no .cu files")
  endif()
  set(objects ${target}_emulated_cuda)
  add_library(${objects} OBJECT ${cuda_sources})
  set_source_files_properties(${cuda_sources} PROPERTIES LANGUAGE CXX)
  target_include_directories(${objects} PRIVATE $<TARGET_PROPERTY:${target},INCLUDE_DIRECTORIES>)
  target_compile_definitions(${objects} PRIVATE $<TARGET_PROPERTY:${target},COMPILE_DEFINITIONS>)
  # Paths in findings are relative to the project.
  target_compile_options(${objects} PRIVATE $<TARGET_PROPERTY:${target},COMPILE_OPTIONS>
                                            -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
  set_target_properties(${objects} PROPERTIES POSITION_INDEPENDENT_CODE ON
                                              CXX_COMPILER_LAUNCHER "${METRON_NVCC_PROGRAM};--launcher")
  if(TARGET metron_nvcc)  # part of this build
    add_dependencies(${objects} metron_nvcc)
  endif()
  set_property(TARGET ${target} PROPERTY SOURCES ${other_sources} $<TARGET_OBJECTS:${objects}>)
  set_property(TARGET ${target} PROPERTY LINKER_LANGUAGE CXX)
  target_link_libraries(${target} PRIVATE metron::emulator)
endfunction()
