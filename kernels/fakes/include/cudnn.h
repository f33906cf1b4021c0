// The part of cuDNN that Metron uses, for builds without NVIDIA's headers. Implemented by a fake.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

#include "vendor/cudnn_types.h"
// Requires the types above:
#include "vendor/cudnn_functions.h"
