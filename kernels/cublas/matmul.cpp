// Matrix products by cuBLAS: GEMM, and cuBLASLt epilogues for a bias or its gradient. ReLU is our own kernel:
// the ReLU epilogues map NaN to 0.
#include <metron/core/cuda/runtime.h>
#include <metron/core/slots.h>
#include <metron/kernels/cublas/context.h>
#include <metron/kernels/cublas/fused.h>
#include <metron/kernels/cublas/product.h>
#include <metron/kernels/cuda/cuda_kernels.h>
#include <metron/kernels/internal/linear_backward.h>

namespace metron::cublas {
namespace {

bool plain_product(Context& context, const Product& p, const Tensor& a, const Tensor& b, Tensor& y) {
  const cublasStatus_t status = context.call().gemm(
      context.handle(), p.left.transposed, p.right.transposed, p.m, p.n, p.k, one(p), b.raw_data(), p.type,
      p.left.leading_dimension, p.left.batch_stride, a.raw_data(), p.type, p.right.leading_dimension,
      p.right.batch_stride, zero(p), y.raw_mutable_data(), p.type, p.result.leading_dimension,
      p.result.batch_stride, p.batch, p.compute, CUBLAS_GEMM_DEFAULT);
  return status == CUBLAS_STATUS_SUCCESS;
}

bool is_dense(const Tensor& vector) { return vector.numel() <= 1 || vector.strides()[0] == 1; }

}  // namespace

bool matmul(const Tensor& a, const Tensor& b, const Tensor& bias, Activation activation, Tensor& y) {
  const auto product = describe_product(a, b, y);
  if (!product || (bias.defined() && !is_dense(bias))) return false;
  Context* const library = context(y.device());
  if (library == nullptr) return false;
  const cuda::DeviceGuard guard(y.device().index());
  const bool done = bias.defined()
                        ? fused_product(*library, *product, a, b, CUBLASLT_EPILOGUE_BIAS, bias.raw_data(), y)
                        : plain_product(*library, *product, a, b, y);
  return done && (activation == Activation::none || cuda::unary({UnaryOp::relu}, y, y));
}

// gw = g^T x: cuBLAS computes its transpose with g as operand B, so that the epilogue BGRADB sums the rows of
// g. For a single row its sums were observed to be wrong; in that case, or without an algorithm, our own
// kernel computes them.
bool linear_backward_weight(const Tensor& g, const Tensor& x, Tensor& gw, Tensor& gb) {
  const Tensor transposed = transposed_matrix(g);
  const auto product = describe_product(transposed, x, gw);
  if (!product) return false;
  Context* const library = context(gw.device());
  if (library == nullptr) return false;
  const cuda::DeviceGuard guard(gw.device().index());
  if (product->k > 1 &&
      fused_product(*library, *product, transposed, x, CUBLASLT_EPILOGUE_BGRADB, gb.raw_mutable_data(), gw))
    return true;
  return linear_backward_weight_by(matmul, cuda::reduce, g, x, gw, gb);
}

}  // namespace metron::cublas
