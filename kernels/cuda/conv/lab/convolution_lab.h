// The naive convolution, as a reference point. Only a test calls it. The provider's kernels are in
// ../conv2d_*.cu.
#pragma once

#include <metron/core/options.h>
#include <metron/core/tensor.h>

namespace metron::cuda::lab {

// y = conv2d(x, w): x (N, C, H, W), w (O, C / groups, KH, KW), y (N, O, OH, OW), float32, contiguous.
void convolution_naive(const Tensor& x, const Tensor& w, const Conv2dOptions& options, Tensor& y);

}  // namespace metron::cuda::lab
