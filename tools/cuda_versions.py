#!/usr/bin/env python3
"""Compiles Metron's CUDA sources against other versions of CUDA and cuDNN than the installed ones, without a GPU.

  tools/cuda_versions.py [host] [kernels] [newest] [configure] [--folder build/cuda_versions] [--jobs N]    (default: all)

Headers and compilers come from NVIDIA's packages in the Python package index for which pip is configured: the first run
downloads 4 GB into the folder and keeps 0.5 GB. A later one uses what is there; to look for newer versions, delete it.
  host       g++ compiles the code of the CUDA providers that runs on the host, with the headers of CUDA 12.4, 12.9 and the
             newest 13.x, and of the first and the newest cuDNN 9
  kernels    the newest nvcc compiles each kernel with the headers of CUDA 12.4 to PTX, which ptxas 12.4 and 12.9 assemble
  newest     the newest nvcc compiles each kernel file as the preset cuda does
  configure  CMake configures the preset cuda with the headers of cuDNN 8, with none of cuDNN, and without Python; so does
             CMake 3.22
Warnings are errors. Ends with status 1 if something fails, and 77 if the packages can't be had: nothing is checked then.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

SOURCE = pathlib.Path(__file__).resolve().parent.parent
ARCHITECTURE = 75  # kernels have no code for specific architectures

CUDA_12 = ["nvidia-cuda-nvcc-cu12=={0}.*", "nvidia-cuda-runtime-cu12=={0}.*", "nvidia-cublas-cu12=={0}.*"]
# The packages of each folder. {nvcc} is the version of the newest nvcc 13.
PACKAGES = {
    "cuda-12.4": [package.format("12.4") for package in CUDA_12],
    "cuda-12.9": [package.format("12.9") for package in CUDA_12],
    "cuda-13": ["nvidia-cuda-nvcc==13.*", "nvidia-nvvm=={nvcc}.*", "nvidia-cuda-crt=={nvcc}.*",
                "nvidia-cuda-runtime=={nvcc}.*", "nvidia-cuda-cccl==13.*", "nvidia-cublas==13.*"],
    "cudnn-8.9": ["nvidia-cudnn-cu12==8.9.*"],
    "cudnn-9.0": ["nvidia-cudnn-cu12==9.0.*"],
    "cudnn-9": ["nvidia-cudnn-cu12==9.*"],
    "cudnn-9-for-13": ["nvidia-cudnn-cu13==9.*"],
    "cmake-3.22": ["cmake==3.22.*"],
}
KEPT = re.compile(r"(?:nvidia/[^/]+|cmake/data)/((bin|include|nvvm|lib/libcudart_static|lib/libcudadevrt|share/cmake).*)")
HOST = [("cuda-12.4", "cudnn-9.0"), ("cuda-12.9", "cudnn-9"), ("cuda-13", "cudnn-9-for-13")]
PTXAS = {"cuda-12.4": "8.4", "cuda-12.9": "8.8"}  # the PTX version of each, from the PTX ISA's release notes
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]


def run(command, **options):
    """Status and output of a command."""
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, cwd=SOURCE, **options)
    return done.returncode, done.stdout


def fetch(root, name):
    """Unpacks headers and compilers of the packages of a folder, and notes their versions."""
    folder = root / name
    versions = folder / "versions.txt"
    if versions.exists():
        return
    print(f"== Downloading {name}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    found = []
    for package in PACKAGES[name]:
        package = package.format(nvcc=".".join(found[0].split()[1].split(".")[:2]) if found else "")
        with tempfile.TemporaryDirectory(dir=root) as wheels:
            status, output = run([sys.executable, "-m", "pip", "download", "--quiet", "--no-cache-dir", "--no-deps",
                                  "--only-binary=:all:", "--dest", wheels, package])
            if status != 0:
                print(output, file=sys.stderr)
                print(f"cuda_versions: nothing is checked: pip can't download {package}: is its package index reachable?",
                      file=sys.stderr)
                sys.exit(77)
            wheel, = pathlib.Path(wheels).glob("*.whl")
            found.append(" ".join(wheel.name.split("-")[:2]))
            with zipfile.ZipFile(wheel) as archive:
                for member in archive.namelist():
                    kept = KEPT.fullmatch(member)
                    if kept and not member.endswith("/"):
                        (folder / kept[1]).parent.mkdir(parents=True, exist_ok=True)
                        (folder / kept[1]).write_bytes(archive.read(member))
    for program in [*folder.glob("bin/*"), *folder.glob("nvvm/bin/*")]:
        program.chmod(0o755)
    versions.write_text("\n".join(found) + "\n")


def in_parallel(jobs, compile_one, files):
    """The files that fail, with their output."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        results = list(pool.map(compile_one, files))
    return [f"{file}:\n{output}" for file, (status, output) in zip(files, results) if status != 0]


def check_host(root, jobs, cuda, cudnn):
    files = [*SOURCE.glob("core/cuda/*.cpp"), *SOURCE.glob("kernels/cuda/*.cpp"), *SOURCE.glob("kernels/cuda/*/*.cpp"),
             *SOURCE.glob("kernels/cublas/*.cpp"), *SOURCE.glob("kernels/cudnn/*.cpp"), SOURCE / "kernels/providers.cpp",
             SOURCE / "kernels/fakes/real/declarations.cpp", SOURCE / "tests/test_cuda_device.cpp"]
    files = [file for file in files if file.name != "on_emulator.cpp"]
    release = "13" if cuda == "cuda-13" else cuda.removeprefix("cuda-")
    probe = root / f"is_{cuda}.h"
    cuda_version = "CUDART_VERSION / 1000 == 13" if release == "13" else f"CUDART_VERSION == {release.replace('.', '0')}0"
    probe.write_text(f"#include <cuda_runtime.h>\n#include <cudnn.h>\nstatic_assert({cuda_version} && CUDNN_MAJOR == 9);\n")
    flags = [*WARNINGS, "-I", root / "include", "-isystem", root / cuda / "include", "-isystem", root / cudnn / "include",
             "-DMETRON_HAVE_CUDA", "-DMETRON_HAVE_CUBLAS", "-DMETRON_HAVE_CUDNN", "-include", probe]

    def compile_one(file):
        return run([os.environ.get("CXX", "g++"), "-std=c++20", "-fsyntax-only", *flags, file])

    return len(files), in_parallel(jobs, compile_one, files)


def check_kernels(root, jobs):
    """The device code of all kernels. The newest compiler makes the PTX, since the index has no other front end; the label
    of an older version makes an older assembler read it, which refuses instructions that it does not know."""
    probe = root / "is_12.4.h"
    probe.write_text("#include <cuda_runtime.h>\nstatic_assert(CUDART_VERSION == 12040);\n")
    flags = ["-std=c++20", "-O3", "--expt-relaxed-constexpr", "--Werror=all-warnings", f"-arch=compute_{ARCHITECTURE}",
             "-I", root / "cuda-12.4/include", "-I", root / "include", "-include", probe]

    def compile_one(file):
        with tempfile.TemporaryDirectory(dir=root) as folder:
            ptx = pathlib.Path(folder) / "kernels.ptx"
            result = run([root / "cuda-13/bin/nvcc", *flags, "-ptx", file, "-o", ptx])
            for toolkit, ptx_version in PTXAS.items():
                if result[0] == 0:
                    ptx.write_text(re.sub(r"(?m)^\.version .*$", f".version {ptx_version}", ptx.read_text(), count=1))
                    result = run([root / toolkit / "bin/ptxas", "-warn-spills", "-Werror", f"-arch=sm_{ARCHITECTURE}", ptx,
                                  "-o", ptx.with_suffix(".cubin")])
        return result

    files = sorted(SOURCE.glob("kernels/cuda/**/*.cu"))
    return len(files), in_parallel(jobs, compile_one, files)


def configure(root, build, cudnn_headers, *options, cmake="cmake"):
    return run([cmake, "--preset", "cuda", "-B", build, f"-DCUDNN_INCLUDE_DIR={cudnn_headers}", "-DMETRON_WERROR=ON",
                f"-DMETRON_CUDA_ARCHITECTURES={ARCHITECTURE}-real", *options],
               env={**os.environ, "CUDACXX": str(root / "cuda-13/bin/nvcc")})


def check_newest(root, jobs):
    build = root / "build"
    status, output = configure(root, build, root / "cudnn-9-for-13/include")
    if status != 0:
        return 0, [output]
    targets = run(["ninja", "-C", build, "-t", "targets", "all"])[1]
    objects = re.findall(r"(?m)^(\S+\.cu\.o):", targets)
    status, output = run(["ninja", "-C", build, "-k", "0", f"-j{jobs}", *objects])
    return len(objects), [] if status == 0 and objects else [output]


def check_configure(root):
    failures = []
    headers_and_message = [(root / "cudnn-8.9/include", "are 8, not 9"), ("OFF", "No usable headers of CUDNN")]
    cases = [(cmake, *case) for cmake in ["cmake", root / "cmake-3.22/bin/cmake"] for case in headers_and_message]
    for cmake, headers, expected in cases:
        build = root / "configured"
        shutil.rmtree(build, ignore_errors=True)
        status, output = configure(root, build, headers, "-DCMAKE_DISABLE_FIND_PACKAGE_Python3=ON", cmake=cmake)
        providers = (build / "build.ninja").read_text() if status == 0 else ""
        if expected not in output or "METRON_HAVE_CUDNN" in providers or "METRON_HAVE_CUBLAS" not in providers:
            failures.append(f"{cmake} with CUDNN_INCLUDE_DIR={headers}:\n{output}")
    return len(cases), failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checks", nargs="*", metavar="CHECK", help="host, kernels, newest or configure")
    parser.add_argument("--folder", type=pathlib.Path, default=SOURCE / "build/cuda_versions")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    known = ["host", "kernels", "newest", "configure"]
    if unknown := set(arguments.checks) - set(known):
        parser.error(f"no such check: {', '.join(unknown)} (there are {', '.join(known)})")
    checks = arguments.checks or known
    root, jobs = arguments.folder.resolve(), arguments.jobs
    (root / "include").mkdir(parents=True, exist_ok=True)
    (root / "include/metron").unlink(missing_ok=True)
    (root / "include/metron").symlink_to(SOURCE)
    for name in PACKAGES:
        fetch(root, name)

    steps = []
    if "host" in checks:
        steps += [(f"host code with {cuda} and {cudnn}", lambda c=cuda, d=cudnn: check_host(root, jobs, c, d))
                  for cuda, cudnn in HOST]
    if "kernels" in checks:
        steps.append(("kernels with the headers of cuda-12.4, ptxas 12.4 and 12.9", lambda: check_kernels(root, jobs)))
    if "newest" in checks:
        steps.append(("kernels with nvcc of cuda-13", lambda: check_newest(root, jobs)))
    if "configure" in checks:
        steps.append(("CMake, installed and 3.22, with the headers of cuDNN 8 and with none, without Python",
                      lambda: check_configure(root)))
    summary, failed = [], False
    for title, check in steps:
        print(f"== {title} ...", flush=True)
        count, failures = check()
        for failure in failures:
            print(failure)
        failed = failed or bool(failures)
        summary.append(f"{title}: {len(failures)} of {count} failed" if failures else f"{title}: all {count} pass")
    print("== Versions")
    for name in PACKAGES:
        print(f"   {name}: " + ", ".join((root / name / "versions.txt").read_text().splitlines()))
    print("== Summary", *summary, sep="\n   ")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
