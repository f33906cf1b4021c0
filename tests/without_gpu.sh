#!/usr/bin/env bash
# A build for NVIDIA GPUs on a machine that lacks the driver, cuDNN or cuBLAS: it starts, says what it misses and
# computes on the CPU.
#   tests/without_gpu.sh FOLDER_OF_THE_PROGRAMS
set -euo pipefail
programs=$1
folder=$(mktemp -d)
without=()
trap 'rm -rf "$folder"' EXIT

fail() {
  echo "without_gpu: $1" >&2
  [[ -z ${2:-} ]] || printf '%s\n' "$2" >&2
  exit 1
}
# expect TEXT PATTERN: a line of the text matches.
expect() {
  grep -Eq -- "$2" <<<"$1" || fail "nothing matches /$2/ in" "$1"
}

# The programs name none of NVIDIA's libraries, or they would not even start.
for program in metron mnist_cnn; do
  needed=$(readelf --dynamic "$programs/$program" | grep NEEDED)
  ! grep -E 'libcuda|libcudart|libcublas|libcudnn' <<<"$needed" || fail "$program cannot start without them"
done

# A GPU that is there is hidden.
export CUDA_VISIBLE_DEVICES=
info=$("$programs/metron" info)
expect "$info" '^GPU +none: .*CUDA runtime found no device'
expect "$info" '^METRON_GPU +cuda'
train=("$programs/mnist_cnn" --epochs 1 --train-limit 64 --test-limit 64 --batch-size 32)
expect "$("${train[@]}" --device cpu)" '^test: mean loss'
expect "$("${train[@]}")" 'on cpu with'  # `auto` does not stumble
status=0
output=$("${train[@]}" --device cuda 2>&1) || status=$?
[[ $status -eq 2 ]] || fail "asked for a GPU, mnist_cnn ended with status $status" "$output"
expect "$output" 'CUDA runtime found no device'

# A library that can't be opened: a file of its name that is none, found first.
while read -r library; do
  mkdir "$folder/$library"
  echo "not a library" >"$folder/$library/$library"
  info=$(LD_LIBRARY_PATH=$folder/$library "$programs/metron" info)
  expect "$info" "missing: .*$library"
  expect "$(LD_LIBRARY_PATH=$folder/$library "${train[@]}" --device cpu)" '^test: mean loss'
  without+=("$library")
done < <(grep -aoE 'lib(cudnn|cublas|cublasLt)\.so\.[0-9]+' "$programs/metron" | sort -u)
[[ ${#without[@]} -eq 3 ]] || fail "the build has a provider for ${without[*]-none} alone"
echo "without_gpu: starts, says what is missing, and computes on the CPU"
