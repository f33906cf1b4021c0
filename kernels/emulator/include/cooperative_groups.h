// Cooperative groups: the thread block, tiles of a warp, coalesced threads and the grid.
#pragma once

#include <type_traits>

#include "cuda_runtime.h"
#include "emulated/group_algorithms.h"
