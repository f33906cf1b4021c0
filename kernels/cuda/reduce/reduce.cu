// Sums, means, maxima and argmax over any axes of any strides.
//
// Sums, means and maxima of dense float32 rows of 64 to 1024 elements: one warp per row. Lanes load adjacent
// elements, and shuffles combine their results. x is read and y written once, the minimum: memory-bound.
//
// All other cases are folds (fold.cuh).
#include <metron/kernels/cuda/cuda_kernels.h>

#include <algorithm>
#include <limits>
#include <metron/kernels/cuda/reduce/fold.cuh>

namespace metron::cuda {
namespace {

constexpr int row_warps = 8;  // per block: a row each

// The maximum propagates NaN: a != a.
template <bool is_max>
__device__ float combine(float a, float b) {
  if constexpr (is_max) return a > b || a != a ? a : b;
  return a + b;
}

template <bool is_max>
__global__ void __launch_bounds__(row_warps* warp_size)
    reduce_row_kernel(const float* __restrict__ x,  // (rows, columns)
                      std::int64_t rows, int columns, float divisor,
                      float* __restrict__ y) {  // (rows)
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * row_warps + threadIdx.x / warp_size;
  if (row >= rows) return;  // uniform across the warp
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
  x += row * columns;

  float result = is_max ? -std::numeric_limits<float>::infinity() : 0;
#pragma unroll 4
  for (int column = lane; column < columns; column += warp_size) result = combine<is_max>(result, x[column]);
  for (int mask = warp_size / 2; mask > 0; mask /= 2)
    result = combine<is_max>(result, __shfl_xor_sync(0xffffffffu, result, mask));
  if (lane == 0) y[row] = result / divisor;
}

// A sum or a maximum. y has the dtype of In, or any floating dtype if In is float.
template <typename In, template <typename> typename Operator>
struct FoldElements {
  using Value = Real<In>;
  static constexpr int operands = 1, pack = pack_of<In>;
  static constexpr std::size_t element_bytes = sizeof(In);
  Operator<Value> op;
  const In* x;
  void* y;
  DType dtype;
  Value divisor;  // of a mean

  __device__ const FoldElements& of_result(std::int64_t) const { return *this; }
  template <int count>
  __device__ void add(Value* values, const std::int64_t* offsets, std::int64_t) const {
    const auto in = load_pack<count>(x + offsets[0]);
    for (int j = 0; j < count; ++j) values[j] = op(values[j], static_cast<Value>(in.values[j]));
  }
  __device__ void store(std::int64_t offset, Value value) const {
    if constexpr (std::is_floating_point_v<Value>) value /= divisor;
    if constexpr (std::is_same_v<Value, float>) {
      if (dtype == DType::float16) {
        static_cast<float16*>(y)[offset] = float16(value);
        return;
      }
      if (dtype == DType::bfloat16) {
        static_cast<bfloat16*>(y)[offset] = bfloat16(value);
        return;
      }
    }
    static_cast<Value*>(y)[offset] = value;
  }
  std::array<const void*, 1> addresses() const { return {x}; }
  FoldElements<Value, Operator> of_partials(const Value* values) const {
    return {op, values, y, dtype, divisor};
  }
};

// An element and its index.
template <typename T>
struct Indexed {
  std::int64_t index;
  T value;
};

// The maximum, and the first of equal elements. NaN compares larger than everything.
template <typename T>
struct FirstLargest {
  static constexpr Indexed<T> identity{std::numeric_limits<std::int64_t>::max(), Max<T>::identity};
  METRON_HOST_DEVICE Indexed<T> operator()(const Indexed<T>& a, const Indexed<T>& b) const {
    const bool a_is_nan = functor::is_nan(a.value), b_is_nan = functor::is_nan(b.value);
    const bool tie = a.value == b.value || (a_is_nan && b_is_nan);
    const bool a_wins = tie ? a.index < b.index : a_is_nan || a.value > b.value;
    return a_wins ? a : b;
  }
};

// Over elements, or over the Indexed partial results of chunks.
template <typename In, typename T>
struct FoldIndexed {
  using Value = Indexed<T>;
  static constexpr int operands = 1, pack = std::min(4, pack_of<In>);  // more would spill
  static constexpr std::size_t element_bytes = sizeof(In);
  FirstLargest<T> op;
  const In* x;
  std::int64_t* y;

  __device__ const FoldIndexed& of_result(std::int64_t) const { return *this; }
  template <int count>
  __device__ void add(Value* values, const std::int64_t* offsets, std::int64_t position) const {
    if constexpr (std::is_same_v<In, Value>) {
      values[0] = op(values[0], x[offsets[0]]);
    } else {
      const auto in = load_pack<count>(x + offsets[0]);
      for (int j = 0; j < count; ++j)
        values[j] = op(values[j], Value{position + j, static_cast<T>(in.values[j])});
    }
  }
  __device__ void store(std::int64_t offset, const Value& value) const { y[offset] = value.index; }
  std::array<const void*, 1> addresses() const { return {x}; }
  FoldIndexed<Value, T> of_partials(const Value* values) const { return {op, values, y}; }
};

// Whether reduce_row_kernel applies: x and y float32, y dense, and its rows those of x.
bool has_dense_rows(const ReductionNest& nest, const Tensor& x, const Tensor& y) {
  return x.dtype() == DType::float32 && y.dtype() == DType::float32 &&
         has_warp_rows(nest.kept, nest.reduced, 1) && (nest.kept.numel < 2 || nest.kept.strides[0][1] == 1);
}

template <template <typename> typename Operator>
bool reduce_with(ReduceOp op, const Tensor& x, Tensor& y) {
  const ReductionNest nest = reduction_nest(x, y);
  if (has_dense_rows(nest, x, y)) {
    const auto blocks = static_cast<unsigned>(ceil_div(nest.kept.numel, row_warps));
    const float divisor = op == ReduceOp::mean ? static_cast<float>(nest.reduced.numel) : 1;
    launch("reduce", y.device(), {blocks, row_warps * warp_size},
           op == ReduceOp::max ? reduce_row_kernel<true> : reduce_row_kernel<false>, x.data<float>(),
           nest.kept.numel, static_cast<int>(nest.reduced.numel), divisor, y.mutable_data<float>());
    return true;
  }
  return visit_dtype<float, double, float16, bfloat16, std::int64_t>(x.dtype(), [&]<typename T>() {
    using Value = Real<T>;
    const Value divisor = op == ReduceOp::mean ? static_cast<Value>(nest.reduced.numel) : Value{1};
    const FoldElements<T, Operator> f{{}, x.data<T>(), y.raw_mutable_data(), y.dtype(), divisor};
    fold("reduce", y.device(), f, nest.kept, nest.reduced);
  });
}

}  // namespace

bool reduce(ReduceOp op, const Tensor& x, Tensor& y) {
  if (op == ReduceOp::mean && x.dtype() == DType::int64) return false;
  return op == ReduceOp::max ? reduce_with<Max>(op, x, y) : reduce_with<Sum>(op, x, y);
}

bool argmax(const Tensor& x, Tensor& y) {
  const ReductionNest nest = ordered_reduction_nest(x, y);
  return visit_dtype<float, double, float16, bfloat16, std::int64_t>(x.dtype(), [&]<typename T>() {
    const FoldIndexed<T, Real<T>> f{{}, x.data<T>(), y.mutable_data<std::int64_t>()};
    fold("argmax", y.device(), f, nest.kept, nest.reduced);
  });
}

}  // namespace metron::cuda
