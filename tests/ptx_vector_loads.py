#!/usr/bin/env python3
"""Checks that the element-wise kernels of a training step use 128-bit loads and stores, and that each kernel file of
the library has PTX.

  tests/ptx_vector_loads.py FOLDER

FOLDER holds the PTX of each kernel file, as the target `ptx` of the preset `cuda` writes it.
"""
import pathlib
import re
import subprocess
import sys

# File, kernel, and the minimum number of 128-bit loads and stores in its PTX: one per operand.
KERNELS = [
    ("elementwise", r"map_kernel<4, .*forward::relu<float>, float, float>", 1, 1),
    ("elementwise", r"map_kernel<4, .*backward::relu<float>, float, float, float>", 2, 1),
    ("elementwise", r"map_kernel<4, .*binary::add<float>, float, float, float>", 2, 1),
    ("elementwise", r"map_kernel<4, .*binary::mul<float>, float, float, float>", 2, 1),
    ("elementwise", r"map_kernel<8, .*AnyWidened<.*AnyBinary<float>, .*float16>.*", 2, 1),
    ("copy", r"map_kernel<4, .*Constant<unsigned int>, unsigned int>", 0, 1),
    ("copy", r"map_kernel<4, .*Convert<unsigned int>, unsigned int, unsigned int>", 1, 1),
    ("copy", r"map_kernel<16, .*Convert<unsigned char>, unsigned char, unsigned char>", 1, 1),
    ("random", r"philox_map_kernel<4, .*Drop<float>, float, float>", 1, 1),
    ("pool2d", r"pool_tiles_kernel<.*Largest<float>, float>", 2, 0),
    ("pool2d_backward", r"pool_tiles_backward_kernel<.*MaxGradient<float>, float>", 0, 2),
    ("optimizer", r"step_kernel<.*AdadeltaStep<float>, float, 3>", 4, 3),
    ("optimizer", r"step_kernel<.*AdamStep<float>, float, 3>", 4, 3),
]
WIDE = r"\.global(?:\.\w+)*\.v(?:4\.[bfsu]32|2\.[bfsu]64)"


def kernels_of(ptx):
    """The PTX of each kernel by its demangled name, without the casts around numbers."""
    entries = re.findall(r"\.entry\s+(\S+?)\(.*?\n\{(.*?)\n\}", ptx, re.S)
    names = subprocess.run(["c++filt"], input="\n".join(name for name, _ in entries), capture_output=True, text=True,
                           check=True).stdout.splitlines()
    return {name.replace("(int)", ""): body for name, (_, body) in zip(names, entries)}


def main():
    folder = pathlib.Path(sys.argv[1])
    files = {name: kernels_of((folder / f"{name}.ptx").read_text()) for name in {row[0] for row in KERNELS}}
    kernels = pathlib.Path(__file__).parent.parent / "kernels" / "cuda"
    missing = [path for path in kernels.rglob("*.cu")
               if path.parent.name != "lab" and not (folder / f"{path.stem}.ptx").exists()]
    for path in missing:
        print(f"{path} has no PTX in {folder}")
    failures = len(missing)
    for file, pattern, loads, stores in KERNELS:
        found = [body for name, body in files[file].items() if re.search(r"\b" + pattern + r"\(", name)]
        if not found:
            print(f"{file}.ptx has no kernel {pattern}")
            failures += 1
        for body in found:
            wide = [len(re.findall(rf"\b{kind}{WIDE}", body)) for kind in ("ld", "st")]
            if wide[0] < loads or wide[1] < stores:
                print(f"{file}.ptx, {pattern}: {wide[0]} loads and {wide[1]} stores of 128 bits instead of {loads} and "
                      f"{stores}")
                failures += 1
    print(f"{len(KERNELS)} kernels, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
