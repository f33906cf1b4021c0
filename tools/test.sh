#!/usr/bin/env bash
# Checks the whole project: installs what is missing, then lints, builds and tests.
#   tools/test.sh [lint] [tsan] [asan] [debug] [cuda] [emulated] [release]
# None named: all but debug, and cuda only where nvcc is found, which needs no GPU.
# The last preset's ctest is shown in full, the others' and all builds' output is in build/logs.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/steps.sh

stages=("$@")
if [[ $# -eq 0 ]]; then
  stages=(lint tsan asan emulated release)
  if command -v nvcc >/dev/null; then stages=(lint tsan asan cuda emulated release); fi
fi
export CTEST_PARALLEL_LEVEL=${CTEST_PARALLEL_LEVEL:-$(nproc)}
# Tests run side by side: threads that spin while they wait would take each other's cores.
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
# The same objects for every clone, whatever its folder is called.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

sources() {
  find core kernels layers examples tests tools \( -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' \) -print0
}
check_format() {
  sources | xargs -0 clang-format --dry-run -Werror
}
check_shell() {
  shellcheck -x tools/*.sh tests/*.sh .ci/run
}
# Portable kernels and no OpenMP, whose header clang has not: the same code with the fewest copies.
check_tidy() {
  cmake -S . -B build/lint -G Ninja -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DCMAKE_CXX_COMPILER_LAUNCHER= \
    -DMETRON_OPENMP=OFF -DMETRON_GPU=off -DMETRON_CPU_ISAS=baseline -DBUILD_TESTING=OFF &&
    run-clang-tidy -quiet -p build/lint -j "$(nproc)" "^$PWD/(core|kernels|layers)/"
}
lint() {
  step format "Checking the format" check_format
  step shellcheck "Checking the scripts" check_shell
  step tidy "Running clang-tidy" check_tidy
}

# ThreadSanitizer's memory layout and a highly random address space exclude each other.
plain_addresses=()
if setarch --addr-no-randomize true 2>/dev/null; then plain_addresses=(setarch --addr-no-randomize); fi
check_preset() {  # PRESET
  step "configure-$1" "Configuring ($1)" cmake --preset "$1"
  step "build-$1" "Building ($1)" cmake --build --preset "$1"
  if [[ $1 != "${stages[-1]}" ]]; then
    step "test-$1" "Testing ($1)" "${plain_addresses[@]}" ctest --preset "$1"
    grep 'tests passed' "$logs/test-$1.log"
  else
    echo "== Testing ($1)"
    "${plain_addresses[@]}" ctest --preset "$1"
  fi
}

# Every kernel for every architecture, linked; and that the programs start where there is no GPU.
check_cuda() {
  step configure-cuda "Configuring (cuda)" cmake --preset cuda
  step build-cuda "Building (cuda)" cmake --build --preset cuda --target all ptx
  step vectors-cuda "Looking for 128-bit accesses (cuda)" python3 tests/ptx_vector_loads.py build/cuda/ptx
  step test-cuda "Testing without a GPU (cuda)" bash tests/without_gpu.sh build/cuda/bin
}

bash tools/setup.sh
for stage in "${stages[@]}"; do
  case $stage in
    lint) lint ;;
    cuda) check_cuda ;;
    release | debug | asan | tsan | emulated) check_preset "$stage" ;;
    *)
      echo "test: no such stage: $stage (there are lint, release, debug, asan, tsan, cuda and emulated)" >&2
      exit 2
      ;;
  esac
done
