// Instantiates the bfloat16 products: thread mapping and traffic are described in matmul_tile.cuh,
// matmul_skinny.cuh and matmul_split.cuh.
#include <metron/kernels/cuda/matmul/matmul_multiply.cuh>

namespace metron::cuda {

template void multiply<bfloat16>(const Tensor& a, const Tensor& b, const Tensor& bias, bool relu, Tensor& y);

}  // namespace metron::cuda
