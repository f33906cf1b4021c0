#!/usr/bin/env bash
# Installs the Debian packages that are missing to build, test or lint Metron:
#   tools/setup.sh [--list] [build] [test] [lint]     (default: all three; --list: only prints the packages' names)
# Needs root or sudo. Without either it lists the packages for an administrator to install and ends with status 2.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/steps.sh

declare -A packages=(
  # oneDNN's CMake package requires OpenCL. GoogleTest is included because every preset configures the tests.
  [build]="g++ cmake ninja-build ccache zlib1g-dev nlohmann-json3-dev libcli11-dev libdnnl-dev
           ocl-icd-opencl-dev libgtest-dev pkg-config libcairo2-dev libgraphviz-dev libstb-dev fonts-dejavu-core
           libboost-context-dev"
  # binutils and qemu-user verify that a binary runs on any x86-64 processor. libpng decodes pictures. Chromium opens
  # the report's page, and the font covers its Chinese text. Clang has libFuzzer.
  [test]="binutils qemu-user python3 libpng-dev libbenchmark-dev chromium fonts-wqy-microhei
          clang libclang-rt-14-dev"
  [lint]="clang-format clang-tidy shellcheck"
)

list=
if [[ ${1:-} == --list ]]; then
  list=yes
  shift
fi
missing=()
for group in "${@:-build test lint}"; do
  for name in $group; do
    if [[ -z ${packages[$name]:-} ]]; then
      echo "setup: no such package group: $name (expected build, test or lint)" >&2
      exit 2
    fi
    if [[ $list ]]; then
      # shellcheck disable=SC2086  # the packages must be split
      printf '%s\n' ${packages[$name]}
      continue
    fi
    for package in ${packages[$name]}; do
      [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true) == installed ]] ||
        missing+=("$package")
    done
  done
done
if [[ $list ]]; then exit 0; fi
if [[ ${#missing[@]} -eq 0 ]]; then
  echo "== Setup: nothing is missing"
  exit 0
fi

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  # Without a terminal sudo can't ask for a password.
  if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; then
    as_root=(sudo)
    sudo true || as_root=()
  fi
  if [[ ${#as_root[@]} -eq 0 ]]; then
    echo "setup: these packages are missing, and installing them needs root: ${missing[*]}" >&2
    echo "setup: ask an administrator to run: apt-get update && apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 2
  fi
fi
if ! command -v apt-get >/dev/null; then
  echo "setup: apt-get not found; install the equivalents of Debian's ${missing[*]}" >&2
  exit 2
fi

apt() {
  ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 "$@"
}
step setup-update "Setup: reading the package lists" apt update
step setup-install "Setup: installing ${missing[*]}" apt install --yes --no-install-recommends "${missing[@]}"
