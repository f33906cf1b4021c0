// The emulator's replacement of NVIDIA's CUDA runtime: a GPU made of host threads and fibers.
#pragma once

#include "emulated/atomics.h"
#include "emulated/device.h"
#include "emulated/intrinsics.h"
#include "emulated/qualifiers.h"
#include "emulated/runtime_api.h"
#include "emulated/synchronization.h"
#include "emulated/vector_types.h"
