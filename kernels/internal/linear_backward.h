// linear_backward_weight in terms of a provider's own matmul and sum. Out of line, as the files of cpu/ own
// no tensors.
#pragma once

#include <metron/core/options.h>
#include <metron/core/tensor.h>

namespace metron {

using MatmulFunction = bool (*)(const Tensor& a, const Tensor& b, const Tensor& bias, Activation activation,
                                Tensor& y);
using ReduceFunction = bool (*)(ReduceOp op, const Tensor& x, Tensor& y);

Tensor transposed_matrix(const Tensor& matrix);

bool linear_backward_weight_by(MatmulFunction matmul, ReduceFunction reduce, const Tensor& g, const Tensor& x,
                               Tensor& gw, Tensor& gb);

}  // namespace metron
