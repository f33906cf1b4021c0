#!/usr/bin/env bash
# Checks the whole project: installs missing packages, then lints, builds and tests.
#   tools/test.sh [quick] [lint] [tsan] [asan] [fuzz] [debug] [cuda] [versions] [emulated] [release]
# Default: all but debug and versions; cuda only if nvcc is found (no GPU needed), emulated only if release uses a GPU.
# versions: compiles the CUDA sources against other versions of CUDA, which it downloads (tools/cuda_versions.py).
# quick: release alone, without its longest tests (label `long`) and those of the installed package, of old processors
# and of these scripts (label `package`).
# release tests the CPU and every CUDA kernel: on this machine's GPU if there is one with a driver and
# nvcc (tools/gpu.sh), else on the emulator.
# The last preset's ctest output is shown in full. All other output is in build/logs.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/steps.sh
source tools/gpu.sh

stages=() left_out=()
for word in "$@"; do
  case $word in
    quick)
      stages+=(release)
      left_out=(--label-exclude '^(package|long)$')
      ;;
    lint | tsan | asan | fuzz | debug | cuda | versions | emulated | release) stages+=("$word") ;;
    *)
      echo "test: no such stage: $word (expected quick, lint, release, debug, asan, tsan, fuzz, cuda, versions or emulated)" >&2
      exit 2
      ;;
  esac
done
# One more than CPUs: some tests wait for a browser, a signal or a pipe.
export CTEST_PARALLEL_LEVEL=${CTEST_PARALLEL_LEVEL:-$(($(nproc) + 1))}
# Tests run concurrently: spinning OpenMP threads would compete for cores.
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
# Share cached objects between clones in different folders.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

# Wall seconds and CPU seconds of finished child processes since the previous call.
wall_before=0 cpu_before=0
times_table=$(printf '   %-24s %8s %8s' stage wall/s CPU/s)
note_times() {  # STAGE
  local wall=$SECONDS cpu
  mkdir -p "$logs"
  LC_ALL=C times >"$logs/times"  # not in a subshell, which has no child processes
  cpu=$(awk 'NR == 2 { split($1 "m" $2, t, /[ms]+/); printf "%d", 60 * (t[1] + t[3]) + t[2] + t[4] }' "$logs/times")
  times_table+=$'\n'$(printf '   %-24s %8d %8d' "$1" $((wall - wall_before)) $((cpu - cpu_before)))
  wall_before=$wall cpu_before=$cpu
}
show_times() {
  printf '== Times\n%s\n' "$times_table"
}

# ThreadSanitizer's shadow memory is incompatible with high-entropy ASLR.
plain_addresses=()
if setarch --addr-no-randomize true 2>/dev/null; then plain_addresses=(setarch --addr-no-randomize); fi
check_preset() {  # PRESET IS_LAST
  step "configure-$1" "Configuring ($1)" cmake --preset "$1"
  step "build-$1" "Building ($1)" cmake --build --preset "$1"
  if [[ $2 == no ]]; then
    step "test-$1" "Testing ($1)" "${plain_addresses[@]}" ctest --preset "$1" "${left_out[@]}"
    grep 'tests passed' "$logs/test-$1.log"
    note_times "$1"
  else  # ctest's summary comes last
    note_times "$1, without tests"
    show_times
    echo "== Testing ($1)"
    "${plain_addresses[@]}" ctest --preset "$1" "${left_out[@]}"
  fi
}

# Compiles and links every kernel for every architecture, and checks that the programs start without a GPU. Tests
# without device code run in the other presets.
check_cuda() {
  step configure-cuda "Configuring (cuda)" cmake --preset cuda
  step build-cuda "Building (cuda)" cmake --build --preset cuda --target metron_command mnist_cnn cuda_tests ptx
  step vectors-cuda "Looking for 128-bit accesses (cuda)" python3 tests/ptx_vector_loads.py build/cuda/ptx
  step image-cuda "Looking for every kernel in the device code (cuda)" python3 tests/kernels_in_image.py build/cuda
  step test-cuda "Testing without a GPU (cuda)" bash tests/without_gpu.sh build/cuda/bin
}

bash tools/setup.sh
note_times setup
use_chosen_gpu
if [[ ${#stages[@]} -eq 0 ]]; then
  stages=(lint tsan asan fuzz)
  if [[ -n $nvcc ]]; then
    if is_supported_release "$nvcc_release"; then
      stages+=(cuda)
    else
      echo "== The stage cuda is left out: nvcc $nvcc_release in ${nvcc%/*} is too old (12.4 or later; tested: 13)"
    fi
  fi
  [[ $gpu_device != cuda ]] || stages+=(emulated)
  stages+=(release)
fi
for i in "${!stages[@]}"; do
  stage=${stages[i]}
  last=no
  if [[ $i -eq $((${#stages[@]} - 1)) ]]; then last=yes; fi
  case $stage in
    lint | cuda | versions)
      case $stage in
        lint) bash tools/lint.sh ;;
        cuda) check_cuda ;;
        versions)
          step versions "Compiling with other versions of CUDA" python3 tools/cuda_versions.py
          sed -n '/^== Versions/,$p' "$logs/versions.log"
          ;;
      esac
      note_times "$stage"
      if [[ $last == yes ]]; then show_times; fi
      ;;
    *) check_preset "$stage" "$last" ;;
  esac
done
