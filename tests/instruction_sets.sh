#!/usr/bin/env bash
# Object files compiled for a wider instruction set must not define weak inline functions that portable code shares:
# the linker keeps one copy of each, possibly the one with wider instructions.
#   instruction_sets.sh NAMESPACE OBJECT...
set -euo pipefail
export LC_ALL=C
namespace=${#1}$1  # mangled: 4avx2
shift
[[ $# -gt 0 ]]
status=0
for object in "$@"; do
  found=$(
    {
      nm --defined-only "$object" | awk '$2 == "W" {print "weak", $3}'
      objdump --disassemble --no-show-raw-insn "$object"
    } | awk -v namespace="$namespace" '
      $1 == "weak" {if (index($2, namespace) == 0) weak["<" $2 ">:"] = 1; next}
      $2 ~ /^<.*>:$/ {name = $2; next}
      (name in weak) && $2 ~ /^(v[a-z]+[0-9a-z]*|shlx|shrx|sarx|rorx|mulx|pdep|pext|bzhi|andn|bextr|bls[ir]|blsmsk)$/ {
        print name, $2; delete weak[name]
      }' | c++filt
  )
  if [[ -n $found ]]; then
    echo "$object: weak functions with instructions of $namespace:"
    echo "$found"
    status=1
  fi
done
exit $status
