#include <metron/kernels/cublas/product.h>
#include <metron/kernels/internal/tf32.h>

#include <algorithm>
#include <limits>

namespace metron::cublas {
namespace {

bool set_types(DType dtype, Product& product) {
  switch (dtype) {
    case DType::float32:
      product.type = CUDA_R_32F;
      product.compute = tf32_is_allowed() ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
      return true;
    case DType::float64:
      product.type = CUDA_R_64F;
      product.compute = CUBLAS_COMPUTE_64F;
      return true;
    case DType::float16:
      product.type = CUDA_R_16F;
      product.compute = CUBLAS_COMPUTE_32F;
      return true;
    case DType::bfloat16:
      product.type = CUDA_R_16BF;
      product.compute = CUBLAS_COMPUTE_32F;
      return true;
    case DType::int64:
    case DType::uint8:
      return false;
  }
  return false;
}

// The last two axes (rows, columns) of x. Row-major memory is a column-major (columns, rows) matrix with the
// row stride as leading dimension, used as is. Column-major memory is used transposed. An axis of size 1 may
// have any stride.
bool describe_operand(const Tensor& x, Operand& operand) {
  const int rank = x.rank();
  const std::int64_t rows = x.shape()[rank - 2], columns = x.shape()[rank - 1];
  const std::int64_t row_stride = x.strides()[rank - 2], column_stride = x.strides()[rank - 1];
  std::int64_t leading = 0;
  if ((column_stride == 1 || columns == 1) && (row_stride >= columns || rows == 1)) {
    operand.transposed = CUBLAS_OP_N;
    leading = rows == 1 ? columns : row_stride;
  } else if ((row_stride == 1 || rows == 1) && (column_stride >= rows || columns == 1)) {
    operand.transposed = CUBLAS_OP_T;
    leading = columns == 1 ? rows : column_stride;
  } else {
    return false;
  }
  if (leading > std::numeric_limits<int>::max()) return false;
  operand.leading_dimension = static_cast<int>(leading);
  operand.batch_stride = rank == 3 ? x.strides()[0] : 0;
  return operand.batch_stride >= 0;
}

}  // namespace

std::optional<Product> describe_product(const Tensor& a, const Tensor& b, const Tensor& y) {
  const int rank = y.rank();
  const std::int64_t rows = y.shape()[rank - 2], columns = y.shape()[rank - 1], inner = a.shape()[rank - 1];
  const std::int64_t batch = rank == 3 ? y.shape()[0] : 1;
  const auto [least, most] = std::minmax({rows, columns, inner, batch});
  Product product;
  if (least == 0 || most > std::numeric_limits<int>::max() || !set_types(y.dtype(), product))
    return std::nullopt;
  if (!describe_operand(b, product.left) || !describe_operand(a, product.right) ||
      !describe_operand(y, product.result))
    return std::nullopt;
  if (product.result.transposed != CUBLAS_OP_N) return std::nullopt;
  product.m = static_cast<int>(columns);
  product.n = static_cast<int>(rows);
  product.k = static_cast<int>(inner);
  product.batch = static_cast<int>(batch);
  return product;
}

const void* one(const Product& product) {
  static const float single = 1;
  static const double wide = 1;
  return product.compute == CUBLAS_COMPUTE_64F ? static_cast<const void*>(&wide) : &single;
}
const void* zero(const Product& product) {
  static const float single = 0;
  static const double wide = 0;
  return product.compute == CUBLAS_COMPUTE_64F ? static_cast<const void*>(&wide) : &single;
}

}  // namespace metron::cublas
