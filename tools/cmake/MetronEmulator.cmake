# metron_emulated_objects(<name> files.cu...): compiles CUDA files as C++ for the emulator into the object library <name>.
# Needs metron_emulator.
function(metron_emulated_objects objects)
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
            -O1 -g1 -ffile-prefix-map=${PROJECT_SOURCE_DIR}=/project -ftls-model=initial-exec -Wno-unknown-pragmas -fno-math-errno)
  target_link_libraries(${objects} PRIVATE metron_warnings metron_emulator)
  set_target_properties(${objects} PROPERTIES POSITION_INDEPENDENT_CODE ON)
endfunction()

# metron_emulated_kernels(<target> files.cu...): adds the files' objects to <target>, and the emulator.
function(metron_emulated_kernels target)
  metron_emulated_objects(${target}_emulated_kernels ${ARGN})
  target_sources(${target} PRIVATE $<TARGET_OBJECTS:${target}_emulated_kernels>)
  target_link_libraries(${target} PRIVATE metron_emulator)
endfunction()

# metron_emulated_program(<program>): the same objects as <program>_emulated, with the emulated device, for tests.
function(metron_emulated_program program)
  add_executable(${program}_emulated EXCLUDE_FROM_ALL $<TARGET_OBJECTS:${program}>)
  get_target_property(libraries ${program} LINK_LIBRARIES)
  target_link_libraries(${program}_emulated PRIVATE metron_emulated ${libraries} metron::metron)
endfunction()
