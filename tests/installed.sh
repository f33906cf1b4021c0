#!/usr/bin/env bash
# Installs Metron and uses it as a dependent project does: with find_package, with pkg-config, header by header.
#   installed.sh BUILD_FOLDER SOURCE_FOLDER CXX
set -euo pipefail
build=$1 source=$2 cxx=$3
work=$build/installed
prefix=$work/prefix
rm -rf "$work"
mkdir -p "$work"

# Moved after installation: an installed tree must be relocatable.
cmake --install "$build" --prefix "$work/stage" >"$work/install.log"
mv "$work/stage" "$prefix"
if grep -rl --include=*.cmake --include=*.pc -e "$build" -e "$source" "$prefix"; then
  echo "these installed files contain the path of the build or source folder"
  exit 1
fi

echo "-- with find_package"
for app in linked_app custom_op; do
  cmake -S "$source/examples/$app" -B "$work/$app" -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_CXX_COMPILER="$cxx" >"$work/$app.log"
  cmake --build "$work/$app" >>"$work/$app.log" || { cat "$work/$app.log"; exit 1; }
done
"$work/linked_app/spirals"
"$work/custom_op/custom_op"

echo "-- with pkg-config"
pc=$(find "$prefix" -name metron.pc -printf '%h')
export PKG_CONFIG_PATH=$pc
warnings=(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
for mode in "" --static; do
  # shellcheck disable=SC2046,SC2086  # flags must be split
  "$cxx" -std=c++20 -O2 "${warnings[@]}" "$source/examples/linked_app/spirals.cpp" \
    $(pkg-config $mode --cflags --libs metron) -o "$work/spirals${mode#--}"
  LD_LIBRARY_PATH=${pc%/pkgconfig} "$work/spirals${mode#--}"
done

echo "-- C++17 gets one clear error"
errors=$("$cxx" -std=c++17 -I "$prefix/include" -fsyntax-only -x c++ -include metron/metron.h /dev/null 2>&1 | grep error: || true)
if [[ $(grep -c . <<<"$errors") -ne 1 || $errors != *"Metron needs C++20"* ]]; then
  echo "$errors"
  exit 1
fi

# The emulator is a component of its own: its programs and its CMake function, without CUDA and without the library.
if [[ -x $prefix/bin/metron-nvcc ]]; then
  echo "-- metron-nvcc"
  (cd "$work" && "$prefix/bin/metron-nvcc" -O2 -o readme "$source/tests/nvcc/readme.cu")
  found=$(METRON_EMULATOR_EXIT=86 "$work/readme" 2>&1) && exit 1
  [[ $found == *"race in total at "*"readme.cu:3"* ]] || { echo "$found"; exit 1; }
  echo "-- metron_emulate"
  cmake -S "$source/examples/kernel_library" -B "$work/kernel_library" -DCMAKE_BUILD_TYPE=Release -DUSE_NVCC=OFF \
    -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$cxx" >"$work/kernel_library.log"
  cmake --build "$work/kernel_library" >>"$work/kernel_library.log" || { cat "$work/kernel_library.log"; exit 1; }
  METRON_EMULATOR_EXIT=86 "$work/kernel_library/test_sums" --gtest_brief=1
  if command -v nvcc >/dev/null; then  # the same files, for a GPU
    cmake -S "$source/examples/kernel_library" -B "$work/kernel_library_nvcc" -DUSE_NVCC=ON \
      -DCMAKE_CXX_COMPILER="$cxx" >"$work/kernel_library.log"
    cmake --build "$work/kernel_library_nvcc" >>"$work/kernel_library.log" || { cat "$work/kernel_library.log"; exit 1; }
  fi
fi

# Not as system headers, so that warnings are visible as they are to users. tools/lint.sh compiles each on its own.
echo "-- every header"
cd "$prefix/include"
(cd "$source/core/deprecated" && find metron -name '*.h') | sort >"$work/deprecated"
find metron -name '*.h' | grep -vxFf "$work/deprecated" | sort | sed 's/.*/#include <&>/' >"$work/headers.cpp"
[[ $(wc -l <"$work/headers.cpp") -ge 50 ]]
"$cxx" -std=c++20 "${warnings[@]}" -I . -fsyntax-only "$work/headers.cpp"
if command -v clang++ >/dev/null; then
  clang++ -std=c++20 "${warnings[@]}" -I . -fsyntax-only -x c++ -include metron/metron.h -include metron/core/slots.h /dev/null
fi

# As system headers, which find_package makes them: a deprecated one names the header to include instead.
echo "-- every deprecated header"
while read -r header; do
  said=$("$cxx" -std=c++20 -isystem . -fsyntax-only -x c++ -include "$header" /dev/null 2>&1)
  if [[ $said != *"$header is deprecated: include <metron/"* ]]; then
    echo "$header does not warn that it is deprecated: $said"
    exit 1
  fi
done <"$work/deprecated"
