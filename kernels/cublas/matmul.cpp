// Products by cuBLAS: plain ones by its GEMM, those with a bias (and ReLU) by cuBLASLt, whose epilogues add
// it.
#include <metron/core/cuda/runtime.h>
#include <metron/kernels/cublas/context.h>
#include <metron/kernels/cublas/cublas_kernels.h>
#include <metron/kernels/cublas/fused.h>
#include <metron/kernels/cublas/product.h>

namespace metron::cublas {

bool matmul(const Tensor& a, const Tensor& b, const Tensor& bias, Activation activation, Tensor& y) {
  const auto product = describe_product(a, b, y);
  if (!product) return false;
  Context* const library = context(y.device());
  if (library == nullptr) return false;
  const cuda::DeviceGuard guard(y.device().index());
  if (bias.defined()) return fused_product(*library, *product, a, b, bias, activation, y);
  if (activation != Activation::none) return false;
  const Product& p = *product;
  const cublasStatus_t status = library->call().gemm(
      library->handle(), p.left.transposed, p.right.transposed, p.m, p.n, p.k, one(p), b.raw_data(), p.type,
      p.left.leading_dimension, p.left.batch_stride, a.raw_data(), p.type, p.right.leading_dimension,
      p.right.batch_stride, zero(p), y.raw_mutable_data(), p.type, p.result.leading_dimension,
      p.result.batch_stride, p.batch, p.compute, CUBLAS_GEMM_DEFAULT);
  return status == CUBLAS_STATUS_SUCCESS;
}

}  // namespace metron::cublas
