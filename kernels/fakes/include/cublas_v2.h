// What Metron uses of cuBLAS, declared for builds without NVIDIA's headers: fakes stand in for the library.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "vendor/cublas_types.h"
// After the types:
#include "vendor/cublas_functions.h"
