// Marks what kernels on a device may call too.
#pragma once

#if defined(__CUDACC__)
#define METRON_HOST_DEVICE __host__ __device__
#else
#define METRON_HOST_DEVICE
#endif
