// Matrix products by cuBLAS: GEMM, and cuBLASLt epilogues for a bias or its gradient. ReLU is our own kernel:
// the ReLU epilogues map NaN to 0. A large product with a k longer than a library may sum is cut: each slice
// adds its sums to y. Others are declined, as our kernel computes them in one or two launches.
#include <metron/core/cuda/runtime.h>
#include <metron/core/slots.h>
#include <metron/kernels/cublas/context.h>
#include <metron/kernels/cublas/fused.h>
#include <metron/kernels/cublas/product.h>
#include <metron/kernels/cuda/cuda_kernels.h>
#include <metron/kernels/internal/linear_backward.h>
#include <metron/kernels/internal/long_sums.h>

#include <algorithm>

namespace metron::cublas {
namespace {

// y = a b, or y + a b.
bool plain_product(Context& context, const Product& p, const Tensor& a, const Tensor& b, bool accumulate,
                   Tensor& y) {
  const cublasStatus_t status = context.call().gemm(
      context.handle(), p.left.transposed, p.right.transposed, p.m, p.n, p.k, one(p), b.raw_data(), p.type,
      p.left.leading_dimension, p.left.batch_stride, a.raw_data(), p.type, p.right.leading_dimension,
      p.right.batch_stride, accumulate ? one(p) : zero(p), y.raw_mutable_data(), p.type,
      p.result.leading_dimension, p.result.batch_stride, p.batch, p.compute, CUBLAS_GEMM_DEFAULT);
  return status == CUBLAS_STATUS_SUCCESS;
}

// Slice [first, first + count) of an axis.
Tensor slice(const Tensor& x, int axis, std::int64_t first, std::int64_t count) {
  Shape shape = x.shape();
  shape[axis] = count;
  return x.as_strided(shape, x.strides(), x.storage_offset() + first * x.strides()[axis]);
}

constexpr std::int64_t max_slices = chain_count;

// Whether a slice's work hides its launch.
bool is_large(const Product& p) { return static_cast<double>(p.m) * p.n * p.batch >= 0x1p16; }

// y = a b in slices of k.
bool sliced_product(Context& context, const Tensor& a, const Tensor& b, Tensor& y) {
  const int inner = a.rank() - 1;
  const std::int64_t k = a.size(inner);
  for (std::int64_t first = 0; first < k; first += max_gpu_library_terms) {
    const std::int64_t count = std::min(max_gpu_library_terms, k - first);
    const Tensor left = slice(a, inner, first, count), right = slice(b, inner - 1, first, count);
    const auto product = describe_product(left, right, y);
    if (!product || !plain_product(context, *product, left, right, first > 0, y)) return false;
  }
  return true;
}

bool is_dense(const Tensor& vector) { return vector.numel() <= 1 || vector.strides()[0] == 1; }

}  // namespace

bool matmul(const Tensor& a, const Tensor& b, const Tensor& bias, Activation activation, Tensor& y) {
  const auto product = describe_product(a, b, y);
  if (!product || (bias.defined() && !is_dense(bias))) return false;
  const bool is_long = !gpu_library_may_sum(product->k, y.dtype());
  if (is_long && (bias.defined() || y.dtype() != DType::float32 ||
                  product->k > max_slices * max_gpu_library_terms || !is_large(*product)))
    return false;
  Context* const library = context(y.device());
  if (library == nullptr) return false;
  const cuda::DeviceGuard guard(y.device().index());
  const bool done = bias.defined()
                        ? fused_product(*library, *product, a, b, CUBLASLT_EPILOGUE_BIAS, bias.raw_data(), y)
                    : is_long ? sliced_product(*library, a, b, y)
                              : plain_product(*library, *product, a, b, false, y);
  return done && (activation == Activation::none || cuda::unary({UnaryOp::relu}, y, y));
}

// gw = g^T x: cuBLAS computes its transpose with g as operand B, so that the epilogue BGRADB sums the rows of
// g. For a single row its sums were observed to be wrong; in that case, or without an algorithm, our own
// kernel computes them.
bool linear_backward_weight(const Tensor& g, const Tensor& x, Tensor& gw, Tensor& gb) {
  const Tensor transposed = transposed_matrix(g);
  const auto product = describe_product(transposed, x, gw);
  if (!product || !gpu_library_may_sum_gradient(product->k, gw.dtype())) return false;
  Context* const library = context(gw.device());
  if (library == nullptr) return false;
  const cuda::DeviceGuard guard(gw.device().index());
  if (product->k > 1 &&
      fused_product(*library, *product, transposed, x, CUBLASLT_EPILOGUE_BGRADB, gb.raw_mutable_data(), gw))
    return true;
  return linear_backward_weight_by(matmul, cuda::reduce, g, x, gw, gb);
}

}  // namespace metron::cublas
