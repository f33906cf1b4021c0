// What metron nvcc knows of nvcc's options and libraries, besides those that it handles.
#pragma once

#include <array>
#include <string_view>

namespace metron::nvcc {

using std::string_view_literals::operator""sv;

// Options that say how to compile for a device: the emulator's results do not depend on them.
inline constexpr std::array ignored = {"--expt-relaxed-constexpr"sv,
                                       "-expt-relaxed-constexpr"sv,
                                       "--extended-lambda"sv,
                                       "-extended-lambda"sv,
                                       "--expt-extended-lambda"sv,
                                       "-expt-extended-lambda"sv,
                                       "-use_fast_math"sv,
                                       "--use_fast_math"sv,
                                       "-m64"sv,
                                       "-G"sv,
                                       "--device-debug"sv,
                                       "-lineinfo"sv,
                                       "--generate-line-info"sv,
                                       "-restrict"sv,
                                       "--restrict"sv,
                                       "-Wno-deprecated-gpu-targets"sv,
                                       "--resource-usage"sv,
                                       "-keep"sv,
                                       "--keep"sv,
                                       "-src-in-ptx"sv,
                                       "-extra-device-vectorization"sv,
                                       "--extra-device-vectorization"sv,
                                       "-dlto"sv,
                                       "-lto"sv,
                                       "-Wreorder"sv,
                                       "-Wno-deprecated-declarations"sv,
                                       "-forward-unknown-to-host-compiler"sv,
                                       "--forward-unknown-to-host-compiler"sv,
                                       "-allow-unsupported-compiler"sv,
                                       "--allow-unsupported-compiler"sv,
                                       "-rdynamic"sv,
                                       "--no-device-link"sv,
                                       "-noeh"sv,
                                       "-cuda"sv};
// The same with a value: "-maxrregcount 32" or "-maxrregcount=32".
inline constexpr std::array ignored_with_value = {"-maxrregcount"sv,
                                                  "--maxrregcount"sv,
                                                  "-ftz"sv,
                                                  "--ftz"sv,
                                                  "-prec-div"sv,
                                                  "--prec-div"sv,
                                                  "-prec-sqrt"sv,
                                                  "--prec-sqrt"sv,
                                                  "-fmad"sv,
                                                  "--fmad"sv,
                                                  "-Xptxas"sv,
                                                  "--ptxas-options"sv,
                                                  "-Xcudafe"sv,
                                                  "-Xnvlink"sv,
                                                  "--nvlink-options"sv,
                                                  "-cudart"sv,
                                                  "--cudart"sv,
                                                  "-cudadevrt"sv,
                                                  "-diag-suppress"sv,
                                                  "--diag-suppress"sv,
                                                  "-diag_suppress"sv,
                                                  "--diag_suppress"sv,
                                                  "-code"sv,
                                                  "--gpu-code"sv,
                                                  "-gencode-code"sv,
                                                  "-rdc"sv,
                                                  "--relocatable-device-code"sv,
                                                  "-t"sv,
                                                  "--threads"sv,
                                                  "-default-stream"sv,
                                                  "--default-stream"sv,
                                                  "-split-compile"sv,
                                                  "--split-compile"sv,
                                                  "-odir"sv,
                                                  "--keep-dir"sv,
                                                  "-Werror"sv,
                                                  "--Werror"sv,
                                                  "-res-usage"sv,
                                                  "-Xfatbin"sv,
                                                  "-target-dir"sv};
inline constexpr std::array device_products = {"-ptx"sv,    "--ptx"sv,         "-cubin"sv,
                                               "--cubin"sv, "-fatbin"sv,       "--fatbin"sv,
                                               "-dlink"sv,  "--device-link"sv, "-optix-ir"sv};
// Libraries of CUDA that are part of the emulator, and those that it does not have.
inline constexpr std::array included_libraries = {"cudart"sv, "cudart_static"sv, "cudadevrt"sv, "curand"sv,
                                                  "curand_static"sv};
inline constexpr std::array missing_libraries = {
    "cuda"sv,     "cublas"sv,     "cublasLt"sv, "cudnn"sv,          "cufft"sv,      "cufftw"sv, "cusolver"sv,
    "cusparse"sv, "cusolverMg"sv, "nvrtc"sv,    "nccl"sv,           "nvToolsExt"sv, "cupti"sv,  "nppc"sv,
    "nppi"sv,     "cutensor"sv,   "nvjpeg"sv,   "nvrtc-builtins"sv, "nvJitLink"sv};

}  // namespace metron::nvcc
