// What Metron uses of cuDNN, declared for builds without NVIDIA's headers: fakes stand in for the library.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

#include "vendor/cudnn_types.h"
// After the types:
#include "vendor/cudnn_functions.h"
