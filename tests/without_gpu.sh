#!/usr/bin/env bash
# A build for NVIDIA GPUs on a machine without the driver, cuDNN or cuBLAS starts, reports what is missing and computes
# on the CPU.
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
# expect TEXT PATTERN: fails unless a line of the text matches.
expect() {
  grep -Eq -- "$2" <<<"$1" || fail "nothing matches /$2/ in" "$1"
}

# The programs must not link NVIDIA's libraries, or they would not start.
for program in metron mnist_cnn; do
  needed=$(readelf --dynamic "$programs/$program" | grep NEEDED)
  ! grep -E 'libcuda|libcudart|libcublas|libcudnn' <<<"$needed" || fail "$program cannot start without them"
done

# Hide any GPU.
export CUDA_VISIBLE_DEVICES=
info=$("$programs/metron" info)
expect "$info" '^GPU +none: .*CUDA runtime found no device'
expect "$info" '^METRON_GPU +cuda'
train=("$programs/mnist_cnn" --epochs 1 --train-limit 64 --test-limit 64 --batch-size 32)
expect "$("${train[@]}" --device cpu)" '^test: mean loss'
expect "$("${train[@]}")" 'on cpu with'  # `auto` falls back
status=0
output=$("${train[@]}" --device cuda 2>&1) || status=$?
[[ $status -eq 2 ]] || fail "with --device cuda, mnist_cnn ended with status $status" "$output"
expect "$output" 'CUDA runtime found no device'

# A library that can't be opened: an invalid file of the same name comes first in the search path.
while read -r library; do
  mkdir "$folder/$library"
  echo "not a library" >"$folder/$library/$library"
  info=$(LD_LIBRARY_PATH=$folder/$library "$programs/metron" info)
  expect "$info" "missing: .*$library"
  expect "$(LD_LIBRARY_PATH=$folder/$library "${train[@]}" --device cpu)" '^test: mean loss'
  without+=("$library")
done < <(grep -aoE 'lib(cudnn|cublas|cublasLt)\.so\.[0-9]+' "$programs/metron" | sort -u)
[[ ${#without[@]} -eq 3 ]] || fail "the build has providers only for ${without[*]-none}"
echo "without_gpu: starts, reports what is missing, and computes on the CPU"
