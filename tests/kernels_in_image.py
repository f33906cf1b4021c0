#!/usr/bin/env python3
"""Checks that every kernel that host code can launch is in the device code of every architecture.

  tests/kernels_in_image.py BUILD_FOLDER

Reads the objects of all kernel files in a build folder of the preset `cuda`: the host's functions, and the cubins beside
them. A kernel that nvcc instantiates on the host's side alone fails on a GPU with "invalid device function".
"""
import pathlib
import re
import struct
import subprocess
import sys

GLOBAL = re.compile(r"__global__\s+void\s+(?:__launch_bounds__\((?:[^()]|\([^()]*\))*\)\s*)?(\w+)\(")
ELF = b"\x7fELF"
EM_CUDA = 190


def names_of_kernels(folder):
    """The names of all __global__ functions in the sources."""
    names = set()
    for path in folder.rglob("*.cu*"):
        text = path.read_text()
        found = GLOBAL.findall(text)
        if len(found) != len(re.findall(r"^[^/\n]*__global__", text, re.M)):
            sys.exit(f"{path}: a __global__ function whose name this test can't read")
        names.update(found)
    return names


def sections(image):
    """Name, offset and size of each section of a 64-bit ELF image."""
    table, = struct.unpack_from("<Q", image, 40)
    entry_bytes, count, names_index = struct.unpack_from("<HHH", image, 58)
    headers = [struct.unpack_from("<IIQQQQ", image, table + i * entry_bytes) for i in range(count)]
    names = headers[names_index][4]
    for name, _, _, _, offset, size in headers:
        start = names + name
        yield image[start:image.index(b"\0", start)].decode(), offset, size


def cubins(object_bytes):
    """The architecture and the kernels' mangled names of each cubin in a host object."""
    fat_binary = next((object_bytes[offset:offset + size] for name, offset, size in sections(object_bytes)
                       if name == ".nv_fatbin"), b"")
    start = fat_binary.find(ELF)
    while start >= 0:
        image = fat_binary[start:]
        machine, = struct.unpack_from("<H", image, 18)
        if machine == EM_CUDA:
            flags, = struct.unpack_from("<I", image, 48)
            architecture = flags >> 8 & 0xff if image[8] >= 8 else flags & 0xff  # by version of the ABI
            yield architecture, {name[len(".text."):] for name, _, _ in sections(image) if name.startswith(".text.")}
        start = fat_binary.find(ELF, start + 1)


def without_parameters(name):
    depth = 0
    for i, letter in enumerate(name):  # the first parenthesis outside of template arguments that opens no namespace
        depth += (letter == "<") - (letter == ">")
        if letter == "(" and depth == 0 and not name.startswith("(anonymous", i):
            return name[:i]
    return name


def demangled(names):
    """Names and template arguments: the two sides mangle dependent types of parameters differently."""
    text = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=True).stdout
    return [without_parameters(line) for line in text.splitlines()]


def host_kernels(path, kernels):
    """The demangled names of the kernels that an object's host code defines."""
    lines = subprocess.run(["nm", "--defined-only", path], capture_output=True, text=True, check=True).stdout.splitlines()
    symbols = [line.split()[2] for line in lines if line.split()[1] in "tTwW" and "." not in line.split()[2]]
    return {name for name in demangled(symbols)
            if (base := re.search(r"(\w+)(?:<.*>)?$", name)) and base[1] in kernels}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build = pathlib.Path(sys.argv[1])
    cache = (build / "CMakeCache.txt").read_text()
    compiled = re.search(r"^METRON_COMPILED_ARCHITECTURES:INTERNAL=(.*)$", cache, re.M)[1]
    architectures = {int(a) for a in re.findall(r"\d+", compiled)}
    kernels = names_of_kernels(pathlib.Path(__file__).parent.parent / "kernels" / "cuda")
    objects = sorted(path for path in build.rglob("*.cu.o") if "kernels/cuda" in path.as_posix())
    if not objects:
        sys.exit(f"{build} has no objects of kernel files")
    failures = 0
    seen = 0
    for path in objects:
        launched = host_kernels(path, kernels)
        images = dict(cubins(path.read_bytes()))
        if set(images) != architectures:
            print(f"{path.name}: device code for {sorted(images)} instead of {sorted(architectures)}")
            failures += 1
        for architecture, mangled in sorted(images.items()):
            for name in sorted(launched - set(demangled(mangled))):
                print(f"{path.name}, sm_{architecture}: the host launches a kernel that is not in the device code: {name}")
                failures += 1
        seen += len(launched)
    print(f"{len(objects)} objects, {seen} kernels, {len(architectures)} architectures, {failures} failures")
    sys.exit(1 if failures or not seen else 0)


if __name__ == "__main__":
    main()
