#!/usr/bin/env bash
# On machines with and without an NVIDIA driver, GPU and nvcc, which are stand-ins here: what tools/mnist.sh, tools/test.sh
# and METRON_GPU=native build for and run on, and the reason they print. tools/verify_gpu.sh without root and packages.
#   gpu_choice.sh BUILD_FOLDER SOURCE_FOLDER
set -euo pipefail
work=$1/gpu_choice source=$2
cmake=$(command -v cmake)
rm -rf "$work"
mkdir -p "$work"/{base,standins,tree/tools,tree/tests,tree/build/release/bin,project}

# The programs of this machine, without its GPU and toolkit.
IFS=: read -ra folders <<<"$PATH"
for folder in "${folders[@]}"; do
  find -L "$folder" -maxdepth 1 -type f -executable -exec ln -s -t "$work/base" {} + 2>/dev/null || true  # the first one wins
done
rm -f "$work"/base/{nvidia-smi,nvcc,cmake,ctest}
unset CUDA_VISIBLE_DEVICES CUDACXX CUDAHOSTCXX CUDA_PATH

standin() {  # PATH, with the script on standard input
  { echo '#!/usr/bin/env bash' && cat; } >"$1"
  chmod +x "$1"
}
# The scripts run in a tree of their own, where what they start writes its command line down.
for script in "$source"/tools/*.sh; do ln -s "$script" "$work/tree/tools/"; done
rm "$work"/tree/tools/{setup,lint}.sh
record="$work/record"
recorder() {  # PATH [MORE]: the script MORE follows
  standin "$1" <<END
echo "$(basename "$1") \$* [\${CUDA_VISIBLE_DEVICES-all}] [\${CUDACXX-}]" >>"$record"
${2:-}
END
}
for program in tools/setup.sh tools/lint.sh tests/without_gpu.sh build/release/bin/mnist_cnn build/release/bin/metron; do
  recorder "$work/tree/$program"
done
recorder "$work/standins/python3"
# shellcheck disable=SC2016  # the recorders expand it
recorder "$work/standins/cmake" 'if [[ "$*" == *"--target help" ]]; then echo "metron_command: phony"; fi'
# shellcheck disable=SC2016
recorder "$work/standins/ctest" 'echo "100% tests passed"; exit "${CTEST_STATUS:-0}"'

# driver CUDA_VERSION [INDEX:UUID:CAPABILITY:NAME...], toolkit RELEASE [FOLDER]: install stand-ins; no_gpu_software removes them.
driver() {
  local version=$1 gpu uuid capability name
  shift
  for gpu in "$@"; do
    IFS=: read -r uuid capability name <<<"$gpu"
    echo "$uuid, $capability, $name"
  done >"$work/gpus"
  standin "$work/standins/nvidia-smi" <<END
case "\$*" in
  --query-gpu=uuid,compute_cap,name*) cat "$work/gpus" ;;
  *--query-gpu=index,*) echo "0, Disabled" ;;
  -L) printf 'GPU 0: A (UUID: GPU-aa)\nGPU 1: B (UUID: GPU-bb)\n  MIG 1g.5gb Device 0: (UUID: MIG-cc)\n' ;;
  "") echo "| NVIDIA-SMI 1.2 Driver Version: 555.42 CUDA Version: $version |" ;;
  *) exit 2 ;;
esac
END
}
toolkit() {  # its newest architecture is sm_90
  standin "${2:-$work/standins}/nvcc" <<END
case "\$*" in
  --version) echo "Cuda compilation tools, release $1, V$1.88" ;;
  --list-gpu-code) printf 'sm_%d\n' 70 75 80 86 89 90 ;;
  *sm_80*) echo "x.cu: fatal error: unsupported GNU version" >&2; exit 1 ;;
  *-arch=sm_*) ;;
  *) exit 2 ;;
esac
END
}
no_gpu_software() {
  rm -rf "$work"/standins/{nvidia-smi,nvcc} "$work/cuda"
}

status=0
fail() {
  echo "$1: $2"
  status=1
}
run() {  # COMMAND...: on the machine of the stand-ins
  PATH=$work/standins:$work/base CUDA_PATH=$work/cuda "$@"
}
# METRON_GPU=native, without the compilers that it would look for.
cat >"$work/project/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.22)
project(choice LANGUAGES NONE)
set(BUILD_TESTING ON)
set(Boost_FOUND ON)
set(CMAKE_CXX_COMPILER_ID GNU)
macro(enable_language)
endmacro()
macro(find_package)
endmacro()
set(CMAKE_CUDA_COMPILER_VERSION \${nvcc_version})
set(PROJECT_SOURCE_DIR $source)
include($source/tools/cmake/MetronGpu.cmake)
message(STATUS "result \${METRON_GPU_MODE} \${METRON_EMULATED_TESTS} \${CMAKE_CUDA_ARCHITECTURES} \$ENV{CUDACXX}")
END

# expect CASE DEVICE ARCHITECTURES NVCC VISIBLE REASON: NVCC and VISIBLE are CUDACXX and CUDA_VISIBLE_DEVICES as programs see them.
expect() {
  local case=$1 device=$2 architectures=$3 nvcc=$4 visible=$5 reason=$6 output line runs_on_gpu=0
  local native="result off ON  " stages="tsan asan fuzz${nvcc:+ cuda} release"
  if [[ $reason == *"too old for Metron"* ]]; then stages="tsan asan fuzz release"; fi
  if [[ $device == cuda ]]; then
    runs_on_gpu=2
    native="result cuda OFF $architectures $nvcc"
    stages="tsan asan fuzz cuda emulated release"
  fi

  : >"$record"
  output=$(run bash "$work/tree/tools/mnist.sh" 2>&1) || fail "$case" "mnist.sh ended with status $?"
  line=$(grep -c '^== Device:' <<<"$output") || true
  [[ $line == 1 ]] || fail "$case" "mnist.sh prints $line lines about the device"
  grep -q "^== Device: $device: .*$reason" <<<"$output" || fail "$case" "mnist.sh prints: $output"
  grep -qF "cmake --preset release [$visible] [$nvcc]" "$record" || fail "$case" "mnist.sh configures: $(cat "$record")"
  line=$(grep -E "^(mnist_cnn --epochs|metron report) .* \\[$visible\\]" "$record") || true
  [[ $(wc -l <<<"$line") -eq 2 && $(grep -c -- '--device cuda' <<<"$line") -eq $runs_on_gpu ]] ||
    fail "$case" "mnist.sh runs: $(cat "$record")"

  : >"$record"
  output=$(run bash "$work/tree/tools/test.sh" 2>&1) || fail "$case" "test.sh ended with status $?"
  grep -q "^== Device: $device: .*$reason" <<<"$output" || fail "$case" "test.sh prints: $output"
  line=$(sed -nE 's/^cmake --preset ([a-z]+) .*/\1/p' "$record" | paste -sd ' ')
  [[ $line == "$stages" ]] || fail "$case" "the stages of test.sh are $line, not $stages"
  grep -qF "ctest --preset release [$visible] [$nvcc]" "$record" || fail "$case" "test.sh tests: $(cat "$record")"

  output=$(run "$cmake" -S "$work/project" -B "$work/project/build" -DMETRON_GPU=native 2>&1) ||
    fail "$case" "CMake ended with status $?: $output"
  grep -q "^-- Device: $device: .*$reason" <<<"$output" || fail "$case" "CMake prints: $output"
  grep -qxF -- "-- $native" <<<"$output" || fail "$case" "CMake chooses $(grep result <<<"$output"), not $native"
}

nvcc=$work/standins/nvcc
turing="GPU-aa:7.5:GeForce RTX 2070 SUPER"
no_gpu_software
expect neither cpu "" "" all "no usable NVIDIA GPU (nvidia-smi not found) and no nvcc"
driver 13.0 "$turing"
expect "driver only" cpu "" "" all "GeForce RTX 2070 SUPER (sm_75) .* no nvcc: install a CUDA toolkit, 12.4 or later (tested: 13)"
driver 12.8 "$turing"
expect "driver for 12 only" cpu "" "" all "no nvcc: install a CUDA toolkit 12.x, 12.4 or later; or, .* a newer driver"
driver 13.0
expect "driver without a GPU" cpu "" "" all "nvidia-smi lists no GPU"
no_gpu_software
toolkit 13.0
expect "toolkit only" cpu "" "$nvcc" all "nvcc 13.0 is installed, but there is no usable NVIDIA GPU"
driver 13.0 "$turing"
expect both cuda 75-real "$nvcc" all "GeForce RTX 2070 SUPER (sm_75): driver 555.42 for CUDA 13.0, nvcc 13.0"
toolkit 13.2
expect "both, of one major version" cuda 75-real "$nvcc" all "driver 555.42 for CUDA 13.0, nvcc 13.2"
driver 12.4 "$turing"
expect "too old a driver" cpu "" "$nvcc" all "CUDA 12.4, too old for nvcc 13.2: install a driver for CUDA 13, or a CUDA toolkit 12.x"
driver N/A "$turing"
expect "no libcuda" cpu "" "$nvcc" all "its libcuda seems missing"
driver 13.0 "$turing"
toolkit 12.3
expect "too old a toolkit" cpu "" "$nvcc" all "nvcc 12.3 in $work/standins is too old for Metron: .*12.4 or later"
mkdir -p "$work/cuda/bin"
toolkit 12.8 "$work/cuda/bin"
expect "a newer one elsewhere" cuda 75-real "$work/cuda/bin/nvcc" all "nvcc 12.8 in $work/cuda/bin"
rm -r "$work/cuda"
toolkit 12.4
expect "an old toolkit" cuda 75-real "$nvcc" all "driver 555.42 for CUDA 13.0, nvcc 12.4"
driver 13.0 "GPU-aa:7.0:V100"
expect "too old a GPU" cpu "" "$nvcc" all "V100 (sm_70) is too old"
driver 13.0 "GPU-aa:12.0:GeForce RTX 5090"
expect "too new a GPU" cpu "" "$nvcc" all "nvcc 12.4 does not know GeForce RTX 5090 (sm_120): install a newer"
driver 13.0 "GPU-aa:8.0:A100"
expect "no host compiler" cpu "" "$nvcc" all "does not compile for A100 (sm_80): .*unsupported GNU version"

driver 13.0 "$turing" "GPU-bb:8.9:GeForce RTX 4090" "GPU-dd:8.9:GeForce RTX 4090"
export CUDA_VISIBLE_DEVICES=1,0
expect "an index" cuda 89-real\;75-real "$nvcc" GPU-bb "4090 (sm_89), number 1 of the 2 visible"
CUDA_VISIBLE_DEVICES=GPU-d,-1,0
expect "an identifier" cuda 89-real "$nvcc" GPU-dd "4090 (sm_89), number 1 of the 1 visible"
CUDA_VISIBLE_DEVICES=MIG-cc
expect "an instance" cuda 89-real "$nvcc" MIG-cc "4090 (sm_89)"
for CUDA_VISIBLE_DEVICES in -1 ""; do
  expect "hidden" cpu "" "$nvcc" "$CUDA_VISIBLE_DEVICES" "CUDA_VISIBLE_DEVICES=$CUDA_VISIBLE_DEVICES hides every GPU"
done
unset CUDA_VISIBLE_DEVICES
driver 13.0 "GPU-aa:6.1:GeForce GTX 1080" "GPU-bb:8.9:GeForce RTX 4090"
expect "an old GPU first" cuda 89-real "$nvcc" GPU-bb "4090 (sm_89), number 2 of the 2 visible"

no_gpu_software
driver 13.0 "$turing"
mkdir -p "$work/cuda/bin"
toolkit 13.0 "$work/cuda/bin"
expect "nvcc not in PATH" cuda 75-real "$work/cuda/bin/nvcc" all "nvcc 13.0 in $work/cuda/bin"

# The preset cuda compiles for the architectures that its nvcc knows.
for version in 12.4.131 13.0.88; do
  output=$(run "$cmake" -S "$work/project" -B "$work/project/$version" -DMETRON_GPU=cuda -Dnvcc_version=$version 2>&1) ||
    fail "nvcc $version" "CMake ended with status $?: $output"
  known="75-real;80-real;86-real;89-real;90-real;$([[ $version == 12* ]] && echo 90-virtual || echo "100-real;120")"
  grep -qxF -- "-- result cuda OFF $known " <<<"$output" || fail "nvcc $version" "CMake compiles for: $output"
done

# A machine without root, CLI11 (no mnist_cnn) and a display of its own.
verify() {  # STATUS [OPTION...]
  local wanted=$1 got=0
  shift
  : >"$record"
  output=$(TMPDIR=$work run bash "$work/tree/tools/verify_gpu.sh" "$@" 2>&1) || got=$?
  [[ $got -eq $wanted ]] || fail verify_gpu "status $got, not $wanted: $output"
}
contains() {  # TEXT PATTERN
  grep -qE -- "$2" <<<"$1" || fail verify_gpu "nothing matches /$2/ in: $1"
}
recorder "$work/tree/tools/setup.sh" 'exit 2'
recorder "$work/cuda/bin/compute-sanitizer"
mkdir -p "$work/tree/build/verify_gpu/bin"
for program in metron test_cuda_map; do recorder "$work/tree/build/verify_gpu/bin/$program" "echo in $work/tree/x"; done
verify 0
contains "$(cat "$record")" '^cmake --preset release -B build/verify_gpu -DMETRON_WERROR=OFF '
contains "$(cat "$record")" '^cmake --build build/verify_gpu --target device_tests metron_command '
contains "$(cat "$record")" '^compute-sanitizer --tool racecheck --report-api-errors no .*/test_cuda_map'
results=docs/results/geforce-rtx-2070-super
[[ $(cat "$work/tree/$results/machine.txt") == "in x" ]] || fail verify_gpu "the results name folders of this machine"
contains "$output" '^\| All device tests \| passed \| .tests.txt. \|$'
contains "$output" '^\| Training on MNIST \| skipped: mnist_cnn was not built'
contains "$output" '^Device: GeForce RTX 2070 SUPER \(sm_75\): driver .*\.$'
contains "$output" "git add $results && git commit"
verify 0 --emulated
contains "$(cat "$record")" '^cmake --preset emulated '
contains "$output" '^\| compute-sanitizer \| skipped: the emulator checks every access '
export CTEST_STATUS=8
verify 1
contains "$output" '^\| All device tests \| \*\*failed\*\*, status 8 '
contains "$output" '^\| The report \| passed '
no_gpu_software
verify 2
contains "$output" '^verify_gpu: there is nothing to verify: no usable NVIDIA GPU \(nvidia-smi not found\)'
exit $status
