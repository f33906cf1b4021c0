// Launchers of the kernels in guide.cu.
#pragma once

#include "launch.h"

// y (columns, rows) = the transpose of x (rows, columns).
cudaError_t transpose_unguarded(float* y, const float* x, int rows, int columns);
cudaError_t transpose_naive(float* y, const float* x, int rows, int columns);
cudaError_t transpose_racing(float* y, const float* x, int rows, int columns);
cudaError_t transpose_tiled(float* y, const float* x, int rows, int columns, bool padded);
