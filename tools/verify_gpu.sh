#!/usr/bin/env bash
# Verifies and measures Metron on this machine's NVIDIA GPU and writes a folder of results to commit:
#   tools/verify_gpu.sh              into docs/results/<gpu>/
#   tools/verify_gpu.sh --emulated   a short version of most steps in the emulated build, into a temporary folder
# Status 1 if any step failed, 2 without a usable GPU. A failure does not stop later steps, and what is not installed is
# skipped. Needs no root. See docs/verifying-on-a-gpu.md.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/steps.sh
source tools/gpu.sh

emulated=
case ${1:-} in
  "") ;;
  --emulated) emulated=yes ;;
  *)
    echo "usage: tools/verify_gpu.sh [--emulated]" >&2
    exit 2
    ;;
esac

# Only what is built here: no browser, fonts of pages or processor emulator, which the tests of a GPU do not need.
bash tools/setup.sh build </dev/null || echo "== Going on without these packages: CMake names those that it cannot do without"
if [[ $emulated ]]; then
  name="emulated device"
  build=build/emulated
  results=$(mktemp -d)
  configure=(cmake --preset emulated)
else
  use_chosen_gpu
  if [[ $gpu_device != cuda ]]; then
    echo "verify_gpu: there is nothing to verify: $gpu_why" >&2
    exit 2
  fi
  name=$gpu_name
  build=build/verify_gpu
  slug=$(tr '[:upper:] /' '[:lower:]--' <<<"$name")
  results=docs/results/$slug
  # The preset release builds for this GPU's architecture only. Warnings of untested compilers are no errors.
  configure=(cmake --preset release -B "$build" -DMETRON_WERROR=OFF)
fi
mkdir -p "$results" "$logs"
step configure-verify "Configuring for the $name" "${configure[@]}"
targets=(device_tests)
known_targets=$(cmake --build "$build" --target help)
for target in test_providers mnist_cnn metron_command; do
  if grep -qE "(^|[ /])$target(:|\$)" <<<"$known_targets"; then targets+=("$target"); fi
done
step build-verify "Building" cmake --build "$build" --target "${targets[@]}"

failed=()
# attempt FILE TITLE COMMAND...: writes the output to the results. A failure is recorded and the script continues.
# A program that CMake left out, for want of a package, is skipped.
attempt() {
  local file=$results/$1 title=$2 begin=$SECONDS status=0
  shift 2
  if [[ $1 == "$programs"/* && ! -x $1 ]]; then
    skip "$title" "${1##*/} was not built, see $logs/configure-verify.log"
    return
  fi
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
skip() {  # TITLE REASON
  echo "== $1: skipped: $2"
  summary+=("| $1 | skipped: $2 | |")
}
summary=() notes=()
programs=$build/bin

if [[ ! $emulated ]]; then
  attempt gpus.txt "The GPUs and what else uses them" nvidia-smi --format=csv \
    --query-gpu=index,name,driver_version,compute_cap,memory.total,memory.used,utilization.gpu,display_active
  notes+=("Device: $gpu_why.")
  if grep -q Enabled "$results/gpus.txt"; then
    notes+=("A display was active on a GPU of this machine: its work may be in the times.")
  fi
fi
attempt machine.txt "The machine" "$programs/metron" info
attempt tests.txt "All device tests" ctest --test-dir "$build" -L device --output-on-failure
if [[ ! $emulated ]]; then
  # Every op case, gradients included, with each provider of each device. The emulated device tests already include it.
  attempt providers.txt "Every provider against the portable one" "$programs/test_providers" --gtest_brief=1
fi

if [[ $emulated ]]; then
  skip compute-sanitizer "the emulator checks every access"
elif ! sanitizer=$(command -v compute-sanitizer || command -v "${nvcc%/*}/compute-sanitizer"); then
  skip compute-sanitizer "not installed"
else
  for tool in memcheck racecheck initcheck; do
    for test in "$programs"/test_cuda*; do
      attempt "$tool-${test##*/}.txt" "compute-sanitizer $tool, ${test##*/}" \
        "$sanitizer" --tool "$tool" --report-api-errors no --error-exitcode 1 "$test" --gtest_brief=1
    done
  done
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
if [[ -x $programs/metron ]] && ! "$programs/metron" report --help >/dev/null 2>&1; then
  skip "The report" "this build has no such command, see $logs/configure-verify.log"
else
  attempt report.txt "The report" "$programs/metron" report "${report[@]}"
fi

{
  echo "# $name"
  echo
  echo "Made by \`tools/verify_gpu.sh\` at commit $(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)."
  [[ ! $emulated ]] || echo "Emulated on the CPU: this shows that the steps work, not their times."
  [[ ${#notes[@]} -eq 0 ]] || printf '%s\n' "${notes[@]}"
  echo
  echo "| step | result | file |"
  echo "|---|---|---|"
  printf '%s\n' "${summary[@]}"
  echo
  echo "Steps: $((${#summary[@]} - ${#failed[@]})) without a failure, ${#failed[@]} failed."
} >"$results/README.md"
# The folder is published: it need not name the user's folders.
find "$results" -maxdepth 1 -type f -exec sed -i "s|$PWD/||g; s|$PWD|.|g" {} +

echo
cat "$results/README.md"
echo
echo "== The summary above is $results/README.md"
if [[ ! $emulated ]]; then
  echo "== To commit the results: git add $results && git commit -m 'Add results of the $name'"
fi
if [[ ${#failed[@]} -gt 0 ]]; then
  printf '== failed: %s\n' "${failed[@]}" >&2
  exit 1
fi
