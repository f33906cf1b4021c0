#!/usr/bin/env bash
# Looks at the sources without building them:
#   tools/lint.sh [format] [scripts] [subjects] [tidy]     (none named: all four, as tools/test.sh lint runs them)
# format: clang-format; scripts: shellcheck; subjects: length of commit subjects; tidy: clang-tidy, minutes of it.
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
# Portable kernels and no OpenMP, whose header clang has not: the same code with the fewest copies.
check_tidy() {
  cmake -S . -B build/lint -G Ninja -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DCMAKE_CXX_COMPILER_LAUNCHER= \
    -DMETRON_OPENMP=OFF -DMETRON_GPU=off -DMETRON_CPU_ISAS=baseline -DBUILD_TESTING=OFF &&
    run-clang-tidy -quiet -p build/lint -j "$(nproc)" "^$PWD/(core|kernels|layers)/"
}

checks=("$@")
if [[ $# -eq 0 ]]; then checks=(format scripts subjects tidy); fi
for check in "${checks[@]}"; do
  case $check in
    format) step format "Checking the format" check_format ;;
    scripts) step shellcheck "Checking the scripts" check_scripts ;;
    subjects) step subjects "Checking the commit subjects" bash tools/commit_subjects.sh ;;
    tidy) step tidy "Running clang-tidy" check_tidy ;;
    *)
      echo "lint: no such check: $check (there are format, scripts, subjects and tidy)" >&2
      exit 2
      ;;
  esac
done
