// Included by features.cu, from the folder of the file as nvcc does.
#pragma once

#include <cstdio>
#include <cstring>
#include <vector>

#if !defined(__CUDACC__) || (defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800)
#error "expected CUDA C++ for compute capability 8.0 at least"
#endif
