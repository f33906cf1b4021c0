#!/usr/bin/env python3
"""Registers, spills, shared memory and theoretical occupancy of every kernel on every architecture, as nvcc compiles them.

  tools/kernel_report.py --include DIR --output FILE.md [--ptx DIR] [--architectures 75,80,...] FILE.cu...

Run by the target `kernel_report` of the preset `cuda`. Ends with status 1 if a kernel spills registers.
"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

# Per multiprocessor: warps, blocks, shared memory in KiB, and KiB of it that the system keeps for each block. From the
# CUDA C++ Programming Guide, "Compute Capabilities".
Limits = collections.namedtuple("Limits", "warps blocks shared_kib reserved_kib")
LIMITS = {
    75: Limits(32, 16, 64, 0),
    80: Limits(64, 32, 164, 1),
    86: Limits(48, 16, 100, 1),
    89: Limits(48, 24, 100, 1),
    90: Limits(64, 32, 228, 1),
    100: Limits(64, 32, 228, 1),
    120: Limits(48, 24, 100, 1),
}
REGISTERS = 65536  # per multiprocessor, on all architectures
REGISTER_UNIT = 256  # allocation granularity of a warp's registers
SHARED_UNIT = 128  # allocation granularity of shared memory, in bytes

Kernel = collections.namedtuple("Kernel", "file name threads registers spill_bytes stack_bytes shared_bytes")


def occupancy(kernel, architecture):
    """Resident warps per multiprocessor, as a fraction of the maximum."""
    limits = LIMITS[architecture]
    warps = -(-kernel.threads // 32)
    registers = -(-kernel.registers * 32 // REGISTER_UNIT) * REGISTER_UNIT * warps
    shared = -(-kernel.shared_bytes // SHARED_UNIT) * SHARED_UNIT + limits.reserved_kib * 1024
    blocks = min(limits.blocks, limits.warps // warps, REGISTERS // max(registers, 1))
    if shared > 0:
        blocks = min(blocks, limits.shared_kib * 1024 // shared)
    return blocks * warps / limits.warps


def block_sizes(ptx):
    """The launch bound of each kernel: the maximum threads per block."""
    sizes = {}
    for name, head in re.findall(r"\.entry\s+(\S+?)\((.*?)\n\{", ptx, re.S):
        bound = re.search(r"\.maxntid\s+(\d+)(?:,\s*(\d+),\s*(\d+))?", head)
        sizes[name] = int(bound[1]) * int(bound[2] or 1) * int(bound[3] or 1) if bound else None
    return sizes


def without_process(name):
    """nvcc mangles its process id into the names of anonymous namespaces, which also changes the length prefix."""
    return re.sub(r"\d+(_GLOBAL__N__\w*?_cu_[0-9a-f]{8}_)\d+", r"\1", name)


def compile_kernels(nvcc, flags, file, architecture, ptx_folder):
    """The kernels of one file for one architecture, keyed by reproducible names."""
    with tempfile.TemporaryDirectory() as folder:
        ptx = pathlib.Path(ptx_folder or folder) / (pathlib.Path(file).stem + ".ptx")
        if ptx_folder is None or architecture != 75:
            ptx = pathlib.Path(folder) / "kernels.ptx"
        subprocess.run([nvcc, *flags, f"-arch=compute_{architecture}", "-ptx", file, "-o", ptx], check=True)
        command = ["ptxas", "-v", f"-arch=sm_{architecture}", ptx, "-o", os.path.join(folder, "kernels.cubin")]
        log = subprocess.run(command, check=True, capture_output=True, text=True).stderr
        threads = block_sizes(ptx.read_text())
    kernels = {}
    pattern = (r"Compiling entry function '(\S+)' for.*?(\d+) bytes stack frame, (\d+) bytes spill stores, "
               r"(\d+) bytes spill loads.*?Used (\d+) registers(.*?)\n")
    for name, stack, stores, loads, registers, rest in re.findall(pattern, log, re.S):
        shared = re.search(r"(\d+) bytes smem", rest)
        kernels[without_process(name)] = Kernel(
            pathlib.Path(file).name, name, threads.get(name), int(registers), int(stores) + int(loads), int(stack),
            int(shared[1]) if shared else 0)
    return kernels


def readable(names):
    """Demangled names without the return type, our namespaces and the parameters, which all kernels share."""
    text = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=True).stdout
    result = {}
    for name, line in zip(names, text.splitlines()):
        line = re.sub(r"metron::|cuda::|functor::|\(anonymous namespace\)::|_NV_ANON_NAMESPACE::|^void ", "", line)
        depth, end = 0, len(line)
        for i, letter in enumerate(line):  # the parameter list starts at the first parenthesis outside template arguments
            depth += (letter == "<") - (letter == ">")
            if letter == "(" and depth == 0:
                end = i
                break
        result[name] = re.sub(r"\((int|unsigned int|bool|long)\)", "", line[:end])
    return result


def write_report(output, version, architectures, table):
    rows = sorted(table.items(), key=lambda item: (item[1][architectures[0]].file, item[0]))
    names = readable([kernels[architectures[0]].name for _, kernels in rows])
    lines = [
        "# Kernels as compiled", "",
        f"Made by `cmake --build --preset cuda --target kernel_report` with {version}. For each architecture: registers",
        "per thread / theoretical occupancy in percent, counting only static shared memory. `spills` and `stack` are bytes",
        "per thread, the maximum over all architectures. Kernels without a launch bound have no occupancy.", "",
        "| file | kernel | threads | shared | spills | stack | " + " | ".join(f"sm_{a}" for a in architectures) + " |",
        "|---|---|--:|--:|--:|--:|" + "--:|" * len(architectures),
    ]
    for _, by_architecture in rows:
        first = by_architecture[architectures[0]]
        cells = []
        for architecture in architectures:
            kernel = by_architecture[architecture]
            share = f"{100 * occupancy(kernel, architecture):.0f}" if kernel.threads else "–"
            cells.append(f"{kernel.registers} / {share}")
        spills = max(k.spill_bytes for k in by_architecture.values())
        stack = max(k.stack_bytes for k in by_architecture.values())
        shared = max(k.shared_bytes for k in by_architecture.values())
        lines.append(f"| {first.file} | `{names[first.name]}` | {first.threads or '–'} | {shared} | {spills} | {stack} | "
                     + " | ".join(cells) + " |")
    pathlib.Path(output).write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--include", action="append", default=[])
    parser.add_argument("--output", required=True)
    parser.add_argument("--ptx", help="keep the PTX for sm_75 in this folder")
    parser.add_argument("--architectures", default=",".join(map(str, LIMITS)))
    parser.add_argument("--nvcc", default="nvcc")
    arguments = parser.parse_args()
    architectures = [int(a) for a in arguments.architectures.split(",")]
    flags = ["-std=c++20", "-O3", "--expt-relaxed-constexpr"] + [f"-I{folder}" for folder in arguments.include]
    stems = collections.Counter(pathlib.Path(file).stem for file in arguments.files)
    if ambiguous := [stem for stem, count in stems.items() if count > 1]:
        parser.error(f"several files are called {', '.join(ambiguous)}: file names must be unique in the report and the PTX folder")
    if arguments.ptx:
        pathlib.Path(arguments.ptx).mkdir(parents=True, exist_ok=True)

    table = collections.defaultdict(dict)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {pool.submit(compile_kernels, arguments.nvcc, flags, file, a, arguments.ptx): (file, a)
                for file in arguments.files for a in architectures}
        for job in concurrent.futures.as_completed(jobs):
            for name, kernel in job.result().items():
                table[name][jobs[job][1]] = kernel
    version = subprocess.run([arguments.nvcc, "--version"], capture_output=True, text=True, check=True).stdout
    write_report(arguments.output, "nvcc " + re.search(r"V([\d.]+)", version)[1], architectures, table)
    spilling = [name for name, kernels in table.items() if any(k.spill_bytes for k in kernels.values())]
    print(f"{len(table)} kernels, {len(spilling)} of them spill: {arguments.output}")
    return 1 if spilling else 0


if __name__ == "__main__":
    sys.exit(main())
