#!/usr/bin/env bash
# Trains the MNIST CNN from a fresh clone: installs missing packages, builds, trains for one epoch on all 60,000
# images, tests on 10,000, prints the operator ranking, writes the lab report and lists the files. Uses an NVIDIA GPU if
# there is one with a driver and nvcc (tools/gpu.sh), else the CPU.
# Arguments are passed to the example:
#   tools/mnist.sh --epochs 14 --seed 2
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/steps.sh
source tools/gpu.sh

bash tools/setup.sh build
use_chosen_gpu
step configure-release "Configuring (release)" cmake --preset release
step build-mnist "Building the example" cmake --build --preset release --target mnist_cnn metron_command

arguments=("$@")
value_of() {  # OPTION: the value of its last occurrence
  local argument previous="" value=""
  for argument in "${arguments[@]}"; do
    if [[ $argument == "$1="* ]]; then value=${argument#*=}; fi
    if [[ $previous == "$1" ]]; then value=$argument; fi
    previous=$argument
  done
  printf '%s' "$value"
}
has_option() {  # OPTION
  local argument
  for argument in "${arguments[@]}"; do
    [[ $argument == "$1" || $argument == "$1="* ]] && return 0
  done
  return 1
}
default_option() {  # OPTION VALUE...
  has_option "$1" || arguments+=("$@")
}
program=build/release/bin/mnist_cnn
folder=build/mnist
default_option --epochs 1
[[ $gpu_device != cuda ]] || default_option --device cuda
default_option --save "$folder/mnist_cnn.safetensors"
default_option --metrics "$folder/metrics.csv"
[[ $(value_of --epochs) == 0 ]] || default_option --profile  # without a step there is nothing to profile
mkdir -p "$folder"

echo "== $program ${arguments[*]}"
"$program" "${arguments[@]}"

if has_option --help || has_option -h; then exit 0; fi
weights=$(value_of --save)
metrics=$(value_of --metrics)
report=$folder/report
report_arguments=(--from "$weights" --metrics "$metrics" --out "$report")
for option in --data --device --providers --threads --seed; do
  if has_option "$option"; then report_arguments+=("$option" "$(value_of "$option")"); fi
done
echo "== Writing the report"
build/release/bin/metron report "${report_arguments[@]}"
same_gpu=${gpu_selection:+CUDA_VISIBLE_DEVICES=$gpu_selection }
cat <<END

Files:
  $report/report.html  the report: open it in a browser
  $weights  the trained weights, under the names that PyTorch's model has
  $metrics  step, epoch, loss and test accuracy
  $program       the program; --help lists its options
Next:
  bash tools/mnist.sh --epochs 14              train for longer
  $same_gpu$program --epochs 1 --init $weights   train these weights further
  bash tools/test.sh                           run the tests
END
