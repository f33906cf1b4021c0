#include <metron/kernels/internal/linear_backward.h>

namespace metron {

Tensor transposed_matrix(const Tensor& matrix) {
  const Strides& strides = matrix.strides();
  return matrix.as_strided({matrix.size(1), matrix.size(0)}, {strides[1], strides[0]},
                           matrix.storage_offset());
}

bool linear_backward_weight_by(MatmulFunction matmul, ReduceFunction reduce, const Tensor& g, const Tensor& x,
                               Tensor& gw, Tensor& gb) {
  Tensor sums = gb.as_strided({1, gb.size(0)}, {gb.size(0), 1}, gb.storage_offset());
  return matmul(transposed_matrix(g), x, Tensor(), Activation::none, gw) && reduce(ReduceOp::sum, g, sums);
}

}  // namespace metron
