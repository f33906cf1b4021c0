# metron_emulated_kernels(<target> files.cu...): compiles CUDA files as C++ for the emulator into an object library and
# adds its objects to <target>. Needs metron_emulator.
function(metron_emulated_kernels target)
  set(objects ${target}_emulated_kernels)
  add_library(${objects} OBJECT ${ARGN})
  set_source_files_properties(${ARGN} PROPERTIES LANGUAGE CXX)
  target_compile_options(
    ${objects}
    PRIVATE -x c++ -fno-sanitize=all
            # Every load and store calls an emulator hook. Every array index is bounds-checked.
            -fsanitize=thread --param=tsan-instrument-func-entry-exit=0
            -fsanitize=bounds-strict,alignment,integer-divide-by-zero -fsanitize-recover=all
            # Copying a struct stays one access, as on a device, instead of one per member.
            -fno-tree-sra
            # Kernels with identical code stay separate.
            -fno-ipa-icf
            # Line tables for the findings in every configuration. A compiler cache may share objects between clones,
            # so the root gets a fixed name, which source_line.cpp strips.
            -O2 -g1 -ffile-prefix-map=${PROJECT_SOURCE_DIR}=/project -ftls-model=initial-exec -Wno-unknown-pragmas -fno-math-errno)
  target_link_libraries(${objects} PRIVATE metron_warnings metron_emulator)
  set_target_properties(${objects} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_sources(${target} PRIVATE $<TARGET_OBJECTS:${objects}>)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:metron_emulator>)
endfunction()
