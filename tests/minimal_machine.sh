#!/usr/bin/env bash
# Runs tools/verify_gpu.sh --emulated on a machine like someone else's:
#   tests/minimal_machine.sh FOLDER      by hand, as root on Debian with debootstrap and pip; 20 CPU minutes, 3 GB
# FOLDER becomes a Debian 12 with what tools/setup.sh names for a build and nothing else: no browser, no qemu, no CUDA.
# Compiler and CMake are those of Ubuntu 22.04 (GCC 11, CMake 3.22). The last commit is verified there by a user who is
# not root and has neither sudo nor network. A second run reuses the folder. Ends with the status of verify_gpu.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
if [[ $# -ne 1 || $(id -u) -ne 0 ]] || ! { [[ -e $1/complete ]] || command -v debootstrap >/dev/null; }; then
  echo "usage, as root, with debootstrap installed: tests/minimal_machine.sh FOLDER" >&2
  exit 2
fi
mkdir -p "$1"
root=$(cd "$1" && pwd)
user=1234

if [[ ! -e $root/complete ]]; then
  packages=$(bash tools/setup.sh --list build | sed 's/^g++$/g++-11/; /^cmake$/d')
  # shellcheck disable=SC2016  # apt-get expands
  mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -m 1 '/debian/*$')
  # shellcheck disable=SC2086  # the packages must be split
  debootstrap --variant=minbase --include="$(printf '%s,' $packages git ca-certificates)" bookworm "$root" "$mirror"
  for name in gcc g++; do ln -sf $name-11 "$root/usr/bin/$name"; done
  ln -sf gcc-11 "$root/usr/bin/cc"
  ln -sf g++-11 "$root/usr/bin/c++"
  wheels=$(mktemp -d)
  python3 -m pip download --quiet --no-deps --dest "$wheels" cmake==3.22.1
  python3 -m zipfile -e "$wheels"/cmake-*.whl "$wheels"
  cp -r "$wheels"/cmake/data/{bin,share} "$root/usr/local/"
  chmod +x "$root"/usr/local/bin/*
  rm -r "$wheels"
  touch "$root/complete"
fi

home=/home/visitor
rm -rf "${root:?}$home/metron"
mkdir -p "$root$home"
git clone --quiet --no-hardlinks . "$root$home/metron"
chown -R "$user:$user" "$root$home"

# In namespaces of its own: nothing stays mounted or running, and there is no network.
# shellcheck disable=SC2016  # the inner shells expand
unshare --mount --pid --net --fork bash -euo pipefail -c '
  mount -t proc proc "$1/proc"
  mount --rbind /dev "$1/dev"
  exec chroot --userspec="$2:$2" "$1" env -i HOME="$3" PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 bash -euo pipefail -c "
    for program in chromium qemu-x86_64 sudo nvcc nvidia-smi clang-format; do
      if command -v \$program; then echo \"minimal_machine: \$program is installed\" >&2; exit 2; fi
    done
    g++ --version | head -n 1
    cmake --version | head -n 1
    cd ~/metron
    tools/verify_gpu.sh --emulated"
' bash "$root" "$user" "$home"
