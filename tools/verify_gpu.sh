#!/usr/bin/env bash
# Verifies and measures Metron on this machine's NVIDIA GPU and writes a folder of results to commit:
#   tools/verify_gpu.sh              into docs/results/<gpu>/
#   tools/verify_gpu.sh --emulated   a short version of most steps in the emulated build, into a temporary folder
# Status 1 if any step failed. A failure does not stop later steps. See docs/verifying-on-a-gpu.md.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/steps.sh

emulated=
case ${1:-} in
  "") ;;
  --emulated) emulated=yes ;;
  *)
    echo "usage: tools/verify_gpu.sh [--emulated]" >&2
    exit 2
    ;;
esac

bash tools/setup.sh build test
if [[ $emulated ]]; then
  name="emulated device"
  build=build/emulated
  results=$(mktemp -d)
  configure=(cmake --preset emulated)
else
  if ! command -v nvidia-smi >/dev/null || ! gpu=$(nvidia-smi --query-gpu=name,compute_cap --format=csv,noheader); then
    echo "verify_gpu: nvidia-smi finds no GPU: the driver is not installed or not loaded" >&2
    exit 2
  fi
  if ! command -v nvcc >/dev/null; then
    echo "verify_gpu: nvcc not found; add the CUDA toolkit's bin folder to PATH" >&2
    exit 2
  fi
  gpu=${gpu%%$'\n'*}  # the first one
  name=${gpu%,*}
  capability=${gpu##*, }
  build=build/verify_gpu
  slug=$(tr '[:upper:] /' '[:lower:]--' <<<"$name")
  results=docs/results/$slug
  # Only this GPU's architecture, which saves minutes of compile time.
  configure=(cmake --preset cuda -B "$build" -DMETRON_CUDA_ARCHITECTURES="${capability/./}-real")
fi
mkdir -p "$results" "$logs"
step configure-verify "Configuring for the $name" "${configure[@]}"
step build-verify "Building" cmake --build "$build" --target device_tests test_providers mnist_cnn metron_command

failed=()
# attempt FILE TITLE COMMAND...: writes the output to the results. A failure is recorded and the script continues.
attempt() {
  local file=$results/$1 title=$2 begin=$SECONDS status=0
  shift 2
  printf '== %s ...' "$title"
  "$@" >"$file" 2>&1 </dev/null || status=$?
  if [[ $status -eq 0 ]]; then
    printf ' %d s\n' $((SECONDS - begin))
    summary+=("| $title | passed | \`${file##*/}\` |")
  else
    printf ' FAILED (status %d), see %s\n' "$status" "$file"
    summary+=("| $title | **failed**, status $status | \`${file##*/}\` |")
    failed+=("$title")
  fi
}
summary=()
programs=$build/bin

attempt machine.txt "The machine" "$programs/metron" info
attempt tests.txt "All device tests" ctest --test-dir "$build" -L device --output-on-failure
if [[ ! $emulated ]]; then
  # Every op case, gradients included, with each provider of each device. The emulated device tests already include it.
  attempt providers.txt "Every provider against the portable one" "$programs/test_providers" --gtest_brief=1
fi

if command -v compute-sanitizer >/dev/null && [[ ! $emulated ]]; then
  for tool in memcheck racecheck initcheck; do
    for test in "$programs"/test_cuda*; do
      attempt "$tool-${test##*/}.txt" "compute-sanitizer $tool, ${test##*/}" \
        compute-sanitizer --tool "$tool" --error-exitcode 1 "$test" --gtest_brief=1
    done
  done
else
  echo "== compute-sanitizer is skipped: $([[ $emulated ]] && echo "the emulator checks every access" || echo "not installed")"
  summary+=("| compute-sanitizer | skipped | |")
fi

# An emulated device is slow and its times are meaningless: a small part of each step shows that it works.
layers=(--device cuda --json "$results/bench.json" --csv "$results/bench.csv")
table=(--device cuda --ops --json "$results/bench_ops.json")
train=(--device cuda --epochs 1 --profile)
report=(--device cuda --out "$results/report")
if [[ $emulated ]]; then
  layers+=(--batch 1 --filter fc2)
  table+=(--filter matmul/)
  report+=(--epochs 0 --batch 1 --rounds 1 --steps 1 --provider-budget 0)
  train+=(--train-limit 16 --test-limit 16 --batch-size 8 --test-batch-size 8)
fi
attempt bench.txt "The reference model's layers with every provider" "$programs/metron" bench "${layers[@]}"
attempt bench_ops.txt "The table of op cases with every provider" "$programs/metron" bench "${table[@]}"
attempt mnist.txt "Training on MNIST" "$programs/mnist_cnn" "${train[@]}" \
  --metrics "$results/metrics.csv"
attempt mnist_own.txt "Training on MNIST with only our own kernels" "$programs/mnist_cnn" "${train[@]}" --providers cuda \
  --metrics "$results/metrics_own.csv"
if "$programs/metron" report --help >/dev/null 2>&1; then
  attempt report.txt "The report" "$programs/metron" report "${report[@]}"
fi

{
  echo "# $name"
  echo
  echo "Made by \`tools/verify_gpu.sh\` at commit $(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)."
  [[ ! $emulated ]] || echo "Emulated on the CPU: this shows that the steps work, not their times."
  echo
  echo "| step | result | file |"
  echo "|---|---|---|"
  printf '%s\n' "${summary[@]}"
} >"$results/README.md"
echo "== The results are in $results"
if [[ ${#failed[@]} -gt 0 ]]; then
  printf '== failed: %s\n' "${failed[@]}" >&2
  exit 1
fi
