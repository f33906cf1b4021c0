#!/usr/bin/env bash
# Decides whether to build for this machine's NVIDIA GPU and use it. Sourced by mnist.sh, test.sh and verify_gpu.sh; run by
# CMake for METRON_GPU=native:
#   tools/gpu.sh [--cmake]     prints the decision and its reason; with --cmake as variables, a line each
# The toolkit is that of CUDACXX, of nvcc in PATH or of CUDA_PATH (default /usr/local/cuda): the first one from 12.4 on, else
# the first one.

# find_gpus: fills arrays with what nvidia-smi lists, and visible_gpus with the positions that CUDA_VISIBLE_DEVICES leaves.
find_gpus() {
  gpu_ids=() gpu_names=() gpu_capabilities=() visible_gpus=() gpu_selections=() no_gpu=
  local rows row entry i entries uuid name capability
  if ! command -v nvidia-smi >/dev/null; then
    no_gpu="nvidia-smi not found"
    return
  fi
  if ! rows=$(timeout 60 nvidia-smi --query-gpu=uuid,compute_cap,name --format=csv,noheader 2>&1); then
    no_gpu="nvidia-smi fails: ${rows%%$'\n'*}"
    if [[ $rows == *"not a valid field"* ]]; then no_gpu="the driver is too old for CUDA 12: install a newer one"; fi
    return
  fi
  while IFS=, read -r uuid capability name; do
    [[ $uuid == GPU-* && $capability =~ ^\ *[0-9]+\.[0-9]+$ ]] || continue
    gpu_ids+=("$uuid") gpu_capabilities+=("${capability# }") gpu_names+=("${name# }")
  done <<<"$rows"
  if [[ ${#gpu_ids[@]} -eq 0 ]]; then
    no_gpu="nvidia-smi lists no GPU"
    return
  fi
  if [[ -z ${CUDA_VISIBLE_DEVICES+set} ]]; then
    visible_gpus=("${!gpu_ids[@]}") gpu_selections=("${gpu_ids[@]}")
    return
  fi
  # As the driver reads it: the first entry that names no GPU ends the list.
  IFS=, read -ra entries <<<"$CUDA_VISIBLE_DEVICES"
  for entry in "${entries[@]}"; do
    entry=${entry//[[:space:]]/}
    row=
    for i in "${!gpu_ids[@]}"; do
      if [[ $entry == "$i" || ($entry == GPU-?* && ${gpu_ids[i]} == "$entry"*) ]]; then row=$i; fi
    done
    if [[ $entry == MIG-* ]]; then  # an instance is listed below its GPU
      row=$(timeout 60 nvidia-smi -L | awk -v mig="$entry" '/^GPU/ { gpu++ } index($0, "UUID: " mig) { print gpu - 1 }')
    fi
    [[ -n $row ]] || break
    visible_gpus+=("$row")
    if [[ $entry == MIG-* ]]; then gpu_selections+=("$entry"); else gpu_selections+=("${gpu_ids[row]}"); fi
  done
  [[ ${#visible_gpus[@]} -gt 0 ]] || no_gpu="CUDA_VISIBLE_DEVICES=$CUDA_VISIBLE_DEVICES hides every GPU"
}

is_supported_release() {  # MAJOR.MINOR
  [[ ${1%.*} -gt 12 || (${1%.*} -eq 12 && ${1#*.} -ge 4) ]]
}

# find_nvcc: sets nvcc to its path, or to nothing, and nvcc_release.
find_nvcc() {
  local candidate path output
  nvcc="" nvcc_release=
  for candidate in "${CUDACXX:-}" nvcc "${CUDA_PATH:-/usr/local/cuda}/bin/nvcc"; do
    if [[ -n $candidate ]] && path=$(command -v "$candidate") && output=$("$path" --version 2>/dev/null) &&
      [[ $output =~ release\ ([0-9]+\.[0-9]+) ]]; then
      if [[ -z $nvcc ]] || is_supported_release "${BASH_REMATCH[1]}"; then
        nvcc=$path nvcc_release=${BASH_REMATCH[1]}
        if is_supported_release "$nvcc_release"; then return; fi
      fi
    fi
  done
}

# can_compile ARCHITECTURE: nvcc finds its host compiler and its own files. Sets compile_error to its first complaint.
can_compile() {
  local folder status=0 host=()
  folder=$(mktemp -d)
  [[ -z ${CUDAHOSTCXX:-} ]] || host=(-ccbin "$CUDAHOSTCXX")
  echo '#include <string>
__global__ void kernel() {}
int main() { kernel<<<1, 1>>>(); }' >"$folder/program.cu"
  compile_error=$("$nvcc" -std=c++20 -arch="sm_$1" "${host[@]}" -o "$folder/program" "$folder/program.cu" 2>&1) || status=$?
  rm -rf "$folder"
  compile_error=$(grep -im 1 error <<<"$compile_error" || head -n 1 <<<"$compile_error")
  return $status
}

architecture_of() {  # POSITION_IN_VISIBLE_GPUS
  printf '%s' "${gpu_capabilities[visible_gpus[$1]]/./}"
}

# choose_gpu: sets gpu_device to cuda or cpu, gpu_why to the reason, gpu_architectures (75;86) of the visible GPUs, the one
# that is used first, and gpu_selection to the value of CUDA_VISIBLE_DEVICES that makes it the only one.
choose_gpu() {
  gpu_device=cpu gpu_architectures='' gpu_selection='' gpu_name=''
  find_gpus
  find_nvcc
  if [[ -n $no_gpu ]]; then
    gpu_why="no usable NVIDIA GPU ($no_gpu) and no nvcc"
    [[ -z $nvcc ]] || gpu_why="nvcc $nvcc_release is installed, but there is no usable NVIDIA GPU ($no_gpu)"
    return
  fi
  # The first visible GPU, unless it is too old and another is not.
  local i first=0 smi driver='' kernel_driver='' driver_major architecture
  for i in "${!visible_gpus[@]}"; do
    if [[ $(architecture_of "$i") -ge 75 ]]; then
      first=$i
      break
    fi
  done
  architecture=$(architecture_of "$first")
  gpu_name=${gpu_names[visible_gpus[first]]}
  local gpu="$gpu_name (sm_$architecture)"
  if [[ $architecture -lt 75 ]]; then
    gpu_why="$gpu is too old: the kernels need compute capability 7.5 or later"
    return
  fi
  smi=$(timeout 60 nvidia-smi 2>&1) || true
  if [[ $smi =~ CUDA\ (UMD\ )?Version\ *:\ *([0-9]+\.[0-9]+) ]]; then driver=${BASH_REMATCH[2]}; fi
  if [[ $smi =~ Driver\ Version\ *:\ *([0-9.]+) ]]; then kernel_driver="${BASH_REMATCH[1]} "; fi
  if [[ -z $driver ]]; then
    gpu_why="$gpu cannot be used: nvidia-smi does not name the driver's CUDA version, so that its libcuda seems missing"
    return
  fi
  driver_major=${driver%.*}
  # A toolkit runs on every driver of its major version.
  local toolkit="a CUDA toolkit, 12.4 or later (tested: 13)"
  if [[ $driver_major -lt 12 ]]; then
    toolkit="a driver for CUDA 12 or later, and then $toolkit"
  elif [[ $driver_major -eq 12 ]]; then
    toolkit="a CUDA toolkit 12.x, 12.4 or later; or, for the tested version 13, a newer driver and a CUDA toolkit 13"
  fi
  if [[ -z $nvcc ]]; then
    gpu_why="there is a GPU, $gpu with a driver for CUDA $driver, but no nvcc: install $toolkit"
    return
  fi
  if ! is_supported_release "$nvcc_release"; then
    gpu_why="nvcc $nvcc_release in ${nvcc%/*} is too old for Metron: for $gpu install $toolkit"
    return
  fi
  if [[ $driver_major -lt ${nvcc_release%.*} ]]; then
    gpu_why="the driver ${kernel_driver}of $gpu is for CUDA $driver, too old for nvcc $nvcc_release:"
    gpu_why+=" install a driver for CUDA ${nvcc_release%.*}"
    [[ $driver_major -lt 12 ]] || gpu_why+=", or a CUDA toolkit $driver_major.x$([[ $driver_major -gt 12 ]] || echo ", 12.4 or later")"
    return
  fi
  local known
  known=$("$nvcc" --list-gpu-code 2>/dev/null) || true
  if ! grep -qx "sm_$architecture" <<<"$known"; then
    gpu_why="nvcc $nvcc_release does not know $gpu: install a newer CUDA toolkit"
    return
  fi
  if ! can_compile "$architecture"; then
    gpu_why="$nvcc does not compile for $gpu: $compile_error"
    return
  fi
  gpu_device=cuda
  gpu_architectures=$architecture
  local others="" other
  for i in "${!visible_gpus[@]}"; do
    other=$(architecture_of "$i")
    if [[ $other -ge 75 && ";$gpu_architectures;" != *";$other;"* ]] && grep -qx "sm_$other" <<<"$known"; then
      gpu_architectures+=";$other"
    fi
  done
  if [[ ${#gpu_ids[@]} -gt 1 ]]; then
    gpu_selection=${gpu_selections[first]}
    others=", number $((first + 1)) of the ${#visible_gpus[@]} visible"
  fi
  gpu_why="$gpu$others: driver ${kernel_driver}for CUDA $driver, nvcc $nvcc_release in ${nvcc%/*}"
}

# use_chosen_gpu: prints the decision in a line and makes the programs that follow use it.
use_chosen_gpu() {
  choose_gpu
  echo "== Device: $gpu_device: $gpu_why"
  # CUDA orders GPUs by speed and nvidia-smi by slot; an identifier means the same to both.
  [[ -z $gpu_selection ]] || export CUDA_VISIBLE_DEVICES=$gpu_selection
  if [[ -n $nvcc ]]; then export CUDACXX=$nvcc; fi
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  set -euo pipefail
  choose_gpu
  case ${1:-} in
    "") echo "$gpu_device: $gpu_why" ;;
    --cmake) printf '%s\n' "$gpu_device" "$gpu_architectures" "$nvcc" "$gpu_why" ;;
    *)
      echo "usage: tools/gpu.sh [--cmake]" >&2
      exit 2
      ;;
  esac
fi
