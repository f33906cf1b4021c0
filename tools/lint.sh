#!/usr/bin/env bash
# Static checks of the sources, without a build:
#   tools/lint.sh [format] [scripts] [kernels] [subjects] [headers] [tidy]     (default: all, as run by tools/test.sh lint)
# format: clang-format; scripts: shellcheck; kernels: what nvcc miscompiles; subjects: length of commit subjects;
# headers: every public header compiles on its own; tidy: clang-tidy, takes minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/steps.sh

check_format() {
  find core kernels layers examples tests tools \
    \( -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' \) -print0 |
    xargs -0 clang-format --dry-run -Werror
}
check_scripts() {
  shellcheck -x tools/*.sh tests/*.sh .ci/run
}
check_kernels() {
  find kernels tests \( -name '*.cu' -o -name '*.cuh' \) -print0 | xargs -0 python3 tools/nvcc_traps.py
}
check_headers() {
  local folders include=build/lint/headers
  folders=$(sed -n 's/^set(METRON_PUBLIC_FOLDERS \(.*\))$/\1/p' tools/cmake/MetronInstall.cmake)
  [[ $folders ]] || return
  mkdir -p $include
  ln -sfn "$PWD" $include/metron
  # shellcheck disable=SC2086  # the folders must be split
  find $folders -maxdepth 1 -name '*.h' | xargs -P "$(nproc)" -I {} \
    g++ -std=c++20 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -I $include -fsyntax-only -x c++ -include metron/{} /dev/null
}
# Flags that only GCC knows are ignored. Configured without OpenMP, whose header clang lacks, and for a single instruction set, so that no code is checked
# twice. The sources of a folder form one unit. Checks that only apply to the main file run again on the few files
# that they concern.
check_tidy() {
  cmake -S . -B build/lint -G Ninja -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON \
    -DCMAKE_CXX_COMPILER_LAUNCHER= -DCMAKE_CXX_FLAGS=-Wno-unused-command-line-argument \
    -DMETRON_OPENMP=OFF -DMETRON_GPU=off -DMETRON_EMULATOR=OFF -DMETRON_CPU_ISAS=baseline -DBUILD_TESTING=OFF || return
  python3 tools/tidy_units.py build/lint core kernels layers || return
  run-clang-tidy -quiet -p build/lint/units -j "$(nproc)" || return
  local shorthands
  shorthands=$(grep -lrE --include='*.cpp' '^ *(using [a-z_]+(::[A-Za-z_]+)+;|namespace [a-z_]+ = )' \
    core kernels layers | sed "s|.*|^$PWD/&$|" | paste -sd '|')
  [[ -z $shorthands ]] || run-clang-tidy -quiet -p build/lint -j "$(nproc)" \
    -checks='-*,misc-unused-using-decls,misc-unused-alias-decls' "$shorthands"
}

checks=("$@")
if [[ $# -eq 0 ]]; then checks=(format scripts kernels subjects headers tidy); fi
for check in "${checks[@]}"; do
  case $check in
    format) step format "Checking the format" check_format ;;
    scripts) step shellcheck "Checking the scripts" check_scripts ;;
    kernels) step nvcc_traps "Looking for what nvcc miscompiles" check_kernels ;;
    subjects) step subjects "Checking the commit subjects" bash tools/commit_subjects.sh ;;
    headers) step headers "Compiling every public header" check_headers ;;
    tidy) step tidy "Running clang-tidy" check_tidy ;;
    *)
      echo "lint: no such check: $check (there are format, scripts, kernels, subjects, headers and tidy)" >&2
      exit 2
      ;;
  esac
done
