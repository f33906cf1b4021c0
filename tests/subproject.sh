#!/usr/bin/env bash
# Metron inside another project: nothing of its tests, tools, install rules, CUDA build or build type leaks into the parent.
#   subproject.sh BUILD_FOLDER SOURCE_FOLDER CXX
set -euo pipefail
work=$1/subproject source=$2 cxx=$3
rm -rf "$work"
mkdir -p "$work/parent"
cat >"$work/parent/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.22)
project(parent LANGUAGES C CXX)
include(CTest)
set(CMAKE_UNITY_BUILD ON)
add_subdirectory($source metron)
file(WRITE \${CMAKE_BINARY_DIR}/build_type "\${CMAKE_BUILD_TYPE}")
get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
file(WRITE \${CMAKE_BINARY_DIR}/languages "\${languages}")
add_executable(app app.cpp)
target_link_libraries(app PRIVATE metron::metron)
install(TARGETS app)
add_test(NAME mine COMMAND app)
END
echo '#include <metron/metron.h>
int main() { return metron::Tensor::ones({2}).numel() == 2 ? 0 : 1; }' >"$work/parent/app.cpp"
status=0
expect() {  # WHAT GOT WANTED
  if [[ $2 != "$3" ]]; then
    echo "$1: got '$2', wanted '$3'"
    status=1
  fi
}
for shared in OFF ON; do
  build=$work/$shared
  cmake -S "$work/parent" -B "$build" -DCMAKE_CXX_COMPILER="$cxx" -DBUILD_SHARED_LIBS=$shared >"$work/configure.log" 2>&1 || {
    cat "$work/configure.log"
    exit 1
  }
  expect "the parent's build type" "$(cat "$build/build_type")" ""
  expect "its languages" "$(cat "$build/languages")" "C;CXX"
  expect "its tests" "$(ctest --test-dir "$build" -N | grep -c 'Test *#')" 1
  expect "install rules of Metron" "$(grep -c 'file(INSTALL' "$build/metron/cmake_install.cmake" || true)" 0
  expect "Metron's programs" "$(cmake --build "$build" --target help | grep -cE '(^|[ /])(mnist|mnist_cnn|metron_command|test_tensor)(:|$)' || true)" 0
done
exit $status
