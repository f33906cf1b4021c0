#!/usr/bin/env bash
# Trains the MNIST CNN from a fresh clone: installs what is missing, builds, trains for one epoch on all 60,000
# images, tests on 10,000, shows the operator ranking and says where the files lie. Arguments go to the example:
#   tools/mnist.sh --epochs 14 --seed 2
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/steps.sh

bash tools/setup.sh build
step configure-release "Configuring (release)" cmake --preset release
step build-mnist "Building the example" cmake --build --preset release --target mnist_cnn

arguments=("$@")
given() {  # OPTION
  local argument
  for argument in "${arguments[@]}"; do
    [[ $argument == "$1" || $argument == "$1="* ]] && return 0
  done
  return 1
}
otherwise() {  # OPTION VALUE...
  given "$1" || arguments+=("$@")
}
program=build/release/bin/mnist_cnn
folder=build/mnist
otherwise --epochs 1
otherwise --save "$folder/mnist_cnn.safetensors"
otherwise --metrics "$folder/metrics.csv"
otherwise --profile
mkdir -p "$folder"

echo "== $program ${arguments[*]}"
"$program" "${arguments[@]}"

if given --help || given -h; then exit 0; fi
cat <<END

Files:
  $folder/mnist_cnn.safetensors  the trained weights, under the names that PyTorch's model has
  $folder/metrics.csv            step, epoch, loss and test accuracy
  $program       the program; --help lists its options
Go on:
  bash tools/mnist.sh --epochs 14              train for longer
  $program --epochs 1 --init $folder/mnist_cnn.safetensors   train these weights further
  bash tools/test.sh                           run the tests
END
