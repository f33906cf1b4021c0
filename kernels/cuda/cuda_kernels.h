// Kernels of the provider `cuda` that other kernels build on, including those of the cuBLAS and cuDNN
// providers.
#pragma once

#include <metron/core/slots.h>

namespace metron::cuda {

kernel::FillFn fill;
kernel::CopyFn copy;
kernel::UnaryFn unary;
kernel::BinaryFn binary;
kernel::ReduceFn reduce;
kernel::MatmulFn matmul;

// Not a slot: keeps all multiprocessors busy to measure peak throughput. Returns the number of FLOPs.
double multiply_adds(Device device, std::int64_t rounds);

}  // namespace metron::cuda
