// Marks functions that both host and device code may call.
#pragma once

#if defined(__CUDACC__)
#define METRON_HOST_DEVICE __host__ __device__
#else
#define METRON_HOST_DEVICE
#endif
