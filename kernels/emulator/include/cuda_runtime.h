// The emulator's replacement of NVIDIA's CUDA runtime: a GPU made of host threads and fibers.
#pragma once

#if defined(METRON_NVCC)  // nvcc's own header brings these along
#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <new>
#endif

#include "emulated/atomics.h"
#include "emulated/device.h"
#include "emulated/intrinsics.h"
#include "emulated/launching.h"
#include "emulated/qualifiers.h"
#include "emulated/runtime_api.h"
#include "emulated/runtime_device.h"
#include "emulated/runtime_memory.h"
#include "emulated/synchronization.h"
#include "emulated/vector_types.h"

// By these, other headers find out that the runtime API is there.
#define __CUDA_RUNTIME_H__
#define __CUDA_RUNTIME_API_H__
#define __DRIVER_TYPES_H__
#define __VECTOR_TYPES_H__

#if defined(METRON_NVCC)
#include "emulated/more_intrinsics.h"
#include "emulated/scoped_atomics.h"
#endif
