// The kernels of the provider `cuda` that others are made of, those of the vendors' providers too.
#pragma once

#include <metron/core/slots.h>

namespace metron::cuda {

kernel::FillFn fill;
kernel::CopyFn copy;
kernel::UnaryFn unary;
kernel::BinaryFn binary;
kernel::ReduceFn reduce;
kernel::MatmulFn matmul;

// Belongs to no slot: computes on all units for a while, for the sake of its time. Returns how many FLOPs that is.
double multiply_adds(Device device, std::int64_t rounds);

}  // namespace metron::cuda
