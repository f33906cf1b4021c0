// y = activation(a @ b + bias), for all strides, by the kernels of matmul_tile.cuh, matmul_skinny.cuh and
// matmul_split.cuh.
#include <metron/kernels/cuda/cuda_kernels.h>
#include <metron/kernels/cuda/floating.h>
#include <metron/kernels/cuda/matmul/matmul_multiply.h>
#include <metron/kernels/internal/linear_backward.h>

namespace metron::cuda {

bool matmul(const Tensor& a, const Tensor& b, const Tensor& bias, Activation activation, Tensor& y) {
  return visit_floating(y.dtype(),
                        [&]<typename T>() { multiply<T>(a, b, bias, activation == Activation::relu, y); });
}

bool linear_backward_weight(const Tensor& g, const Tensor& x, Tensor& gw, Tensor& gb) {
  return linear_backward_weight_by(matmul, reduce, g, x, gw, gb);
}

}  // namespace metron::cuda
