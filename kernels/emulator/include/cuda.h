// The emulator has no driver API: its names are undeclared. Programs often include this header all the same.
#pragma once

#include "cuda_runtime.h"

#define CUDA_VERSION CUDART_VERSION
