// The part of cuBLAS that Metron uses, for builds without NVIDIA's headers. Implemented by a fake.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "vendor/cublas_types.h"
// Requires the types above:
#include "vendor/cublas_functions.h"
