// Cross-entropy of rows of logits with the target classes, and its gradient.
//
// A block is a tile of rows with several threads per row, as in softmax.cu. Each row is read once, for its
// maximum and sum of exponentials; log-probabilities are never materialized. The losses are then reduced.
// Backward x is read and gx written, once each: memory-bound.
#include <metron/kernels/cuda/cuda_kernels.h>

#include <cmath>
#include <limits>
#include <metron/kernels/cuda/faults.cuh>
#include <metron/kernels/cuda/softmax/softmax.cuh>

namespace metron::cuda {
namespace {

struct Targets {
  const std::int64_t* data;
  std::int64_t stride;
  std::int64_t classes;
  FaultRecord* faults;

  explicit Targets(const Tensor& target, std::int64_t count)
      : data(target.data<std::int64_t>()),
        stride(target.strides()[0]),
        classes(count),
        faults(fault_record(target.device().index())) {}

  __device__ std::int64_t operator[](std::int64_t row) const { return data[row * stride]; }
  // Reports a target outside [0, classes).
  __device__ bool holds(std::int64_t target) const {
    if (target >= 0 && target < classes) return true;
    report_fault(faults, Fault::cross_entropy_target, target, classes);
    return false;
  }
};

template <typename T, typename Loss>
__global__ void __launch_bounds__(tile_threads, tile_blocks)
    cross_entropy_kernel(Tiling tiling, std::int64_t rows, std::int64_t row_stride, WideIndex<1> classes,
                         Targets targets, const T* __restrict__ x,
                         ExponentialSum<Real<T>>* __restrict__ statistics, Loss* __restrict__ losses,
                         std::int64_t loss_stride) {
  using Value = Real<T>;
  const TileCoordinates tile(tiling);
  const std::int64_t n = tile.result;
  const std::int64_t base[1] = {n * row_stride};
  ExponentialSum<Value> total = MergeExponentialSums<Value>::identity;
  if (n < rows) total = exponential_sum(tiling, tile.slice, classes, base, targets.classes, x);
  total = tile_reduce(tiling, total, MergeExponentialSums<Value>{});
  if (tile.slice != 0 || n >= rows) return;
  const Value log_sum = std::log(total.sum);
  const std::int64_t target = targets[n];
  Value loss = std::numeric_limits<Value>::quiet_NaN();
  if (targets.holds(target))
    loss = log_sum - (static_cast<Value>(x[base[0] + target * classes.stride(0)]) - total.largest);
  statistics[n] = {total.largest, log_sum};
  losses[n * loss_stride] = Loss(loss);
}

// Operands: x, gx.
template <typename T>
__global__ void __launch_bounds__(tile_threads, tile_blocks)
    cross_entropy_backward_kernel(Tiling tiling, std::int64_t rows, std::int64_t x_stride,
                                  std::int64_t gx_stride, WideIndex<2> classes, Targets targets,
                                  const T* __restrict__ g, std::int64_t g_stride, Real<T> divisor,
                                  const T* __restrict__ x,
                                  const ExponentialSum<Real<T>>* __restrict__ statistics,
                                  T* __restrict__ gx) {
  using Value = Real<T>;
  const TileCoordinates tile(tiling);
  const std::int64_t n = tile.result;
  if (n >= rows) return;
  const std::int64_t target = targets[n];
  if (tile.slice == 0) targets.holds(target);
  const ExponentialSum<Value> row = statistics[n];  // row.sum is the logarithm of the sum
  const Value scale = static_cast<Value>(g[n * g_stride]) / divisor;
  const std::int64_t base[2] = {n * x_stride, n * gx_stride};
  for_each_in_slice<pack_of<T>>(tiling, tile.slice, classes, base, 0, targets.classes,
                                [&]<int count>(const auto& offsets, std::int64_t position) {
                                  const auto in = load_pack<count>(x + offsets[0]);
                                  Pack<T, count> out;
                                  for (int j = 0; j < count; ++j) {
                                    const Value shifted = static_cast<Value>(in.values[j]) - row.largest;
                                    const Value probability = functor::exponential(shifted - row.sum);
                                    out.values[j] =
                                        T((probability - (position + j == target ? 1 : 0)) * scale);
                                  }
                                  store_pack(gx + offsets[1], out);
                                });
}

template <typename T, typename Loss>
void row_losses(const Tensor& x, const Tensor& target, Tensor& statistics, Loss* losses,
                std::int64_t stride) {
  const LoopNest rows = line_nest(x.shape()[0], {x.strides()[0]});
  const LoopNest classes = line_nest(x.shape()[1], {x.strides()[1]});
  const T* const in = x.data<T>();
  const void* const data[] = {in};
  const Tiling tiling = make_row_tiling(rows, classes, data, pack_of<T>, sizeof(T));
  // (N, 2), contiguous: (maximum, log-sum) pairs.
  auto* const pairs = reinterpret_cast<ExponentialSum<Real<T>>*>(statistics.mutable_data<Real<T>>());
  launch("cross_entropy", x.device(), {tiling.blocks(), tile_threads}, cross_entropy_kernel<T, Loss>, tiling,
         rows.numel, x.strides()[0], WideIndex<1>(classes), Targets(target, classes.numel), in, pairs, losses,
         stride);
}

}  // namespace

bool cross_entropy(const Tensor& x, const Tensor& target, Reduction reduction, Tensor& statistics,
                   Tensor& y) {
  return visit_floating(x.dtype(), [&]<typename T>() {
    if (reduction == Reduction::none)
      return row_losses<T>(x, target, statistics, y.mutable_data<T>(), y.strides()[0]);
    using Loss = Real<T>;
    Tensor losses = Tensor::empty({x.shape()[0]}, {dtype_of<Loss>, x.device()});
    row_losses<T>(x, target, statistics, losses.mutable_data<Loss>(), 1);
    Tensor result = y.reshape({1});
    reduce(reduction == Reduction::mean ? ReduceOp::mean : ReduceOp::sum, losses, result);
  });
}

bool cross_entropy_backward(const Tensor& g, const Tensor& x, const Tensor& target, const Tensor& statistics,
                            Reduction reduction, Tensor& gx) {
  const LoopNest rows = line_nest(x.shape()[0], {x.strides()[0], gx.strides()[0]});
  const LoopNest classes = line_nest(x.shape()[1], {x.strides()[1], gx.strides()[1]});
  return visit_floating(gx.dtype(), [&]<typename T>() {
    using Value = Real<T>;
    const T* const in = x.data<T>();
    T* const out = gx.mutable_data<T>();
    const void* const data[] = {in, out};
    const Tiling tiling = make_row_tiling(rows, classes, data, pack_of<T>, sizeof(T));
    const auto divisor = static_cast<Value>(reduction == Reduction::mean ? rows.numel : 1);
    const auto* const pairs = reinterpret_cast<const ExponentialSum<Value>*>(statistics.data<Value>());
    launch("cross_entropy_backward", gx.device(), {tiling.blocks(), tile_threads},
           cross_entropy_backward_kernel<T>, tiling, rows.numel, x.strides()[0], gx.strides()[0],
           WideIndex<2>(classes), Targets(target, classes.numel), g.data<T>(),
           reduction == Reduction::none ? g.strides()[0] : 0, divisor, in, pairs, out);
  });
}

}  // namespace metron::cuda
