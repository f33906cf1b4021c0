// Negative log-likelihood of the target classes, and its gradient.
//
// Forward: one thread per row reads one element. With eight or more classes each element is in a sector of
// its own, so a warp reads 32 sectors where dense elements would fill four. The losses are then reduced: by a
// second kernel, or, if there are few, by the one warp that computes them.
// Backward: a block is a tile of rows, several threads per row, and writes every element once: memory-bound.
#include <metron/kernels/cuda/cuda_kernels.h>

#include <limits>
#include <metron/kernels/cuda/faults.cuh>
#include <metron/kernels/cuda/reduce/tile.cuh>

namespace metron::cuda {
namespace {

constexpr int loss_threads = 256;
constexpr std::int64_t max_warp_rows = 512;

// NaN for a target out of range.
template <typename T>
__device__ Real<T> loss_of_row(std::int64_t target, std::int64_t classes, const T* x,
                               std::int64_t class_stride, FaultRecord* faults) {
  if (target >= 0 && target < classes) return -static_cast<Real<T>>(x[target * class_stride]);
  report_fault(faults, Fault::nll_loss_target, target, classes);
  return std::numeric_limits<Real<T>>::quiet_NaN();
}

// Adds in the order of reduce_row_kernel.
__global__ void __launch_bounds__(warp_size)
    nll_loss_warp_kernel(int rows, std::int64_t classes, const float* __restrict__ x, std::int64_t row_stride,
                         std::int64_t class_stride, const std::int64_t* __restrict__ targets,
                         std::int64_t target_stride, float divisor, FaultRecord* faults,
                         float* __restrict__ y) {
  const int lane = static_cast<int>(threadIdx.x);
  float sum = 0;
#pragma unroll 4
  for (int n = lane; n < rows; n += warp_size)
    sum += loss_of_row(targets[n * target_stride], classes, x + n * row_stride, class_stride, faults);
  for (int mask = warp_size / 2; mask > 0; mask /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, mask);
  if (lane == 0) *y = sum / divisor;
}

template <typename T, typename Loss>
__global__ void __launch_bounds__(loss_threads)
    nll_loss_kernel(std::int64_t rows, std::int64_t classes, const T* __restrict__ x, std::int64_t row_stride,
                    std::int64_t class_stride, const std::int64_t* __restrict__ targets,
                    std::int64_t target_stride, FaultRecord* faults, Loss* __restrict__ y,
                    std::int64_t y_stride) {
  const std::int64_t n = static_cast<std::int64_t>(blockIdx.x) * loss_threads + threadIdx.x;
  if (n >= rows) return;
  y[n * y_stride] =
      Loss(loss_of_row(targets[n * target_stride], classes, x + n * row_stride, class_stride, faults));
}

template <typename T>
__global__ void __launch_bounds__(tile_threads, tile_blocks)
    nll_loss_backward_kernel(Tiling tiling, std::int64_t rows, std::int64_t row_stride, WideIndex<1> classes,
                             std::int64_t count, const T* __restrict__ g, std::int64_t g_stride,
                             Real<T> divisor, const std::int64_t* __restrict__ targets,
                             std::int64_t target_stride, FaultRecord* faults, T* __restrict__ gx) {
  const TileCoordinates tile(tiling);
  if (tile.result >= rows) return;
  const std::int64_t target = targets[tile.result * target_stride];
  if (tile.slice == 0 && (target < 0 || target >= count))
    report_fault(faults, Fault::nll_loss_target, target, count);
  const T gradient = T(-static_cast<Real<T>>(g[tile.result * g_stride]) / divisor);
  const std::int64_t base[1] = {tile.result * row_stride};
  for_each_in_slice<pack_of<T>>(tiling, tile.slice, classes, base, 0, count,
                                [&]<int elements>(const auto& offsets, std::int64_t position) {
                                  Pack<T, elements> out;
                                  for (int j = 0; j < elements; ++j)
                                    out.values[j] = position + j == target ? gradient : T(0);
                                  store_pack(gx + offsets[0], out);
                                });
}

template <typename T, typename Loss>
void row_losses(const Tensor& x, const Tensor& target, Loss* losses, std::int64_t stride) {
  const std::int64_t rows = x.shape()[0];
  launch("nll_loss", x.device(), {static_cast<unsigned>(ceil_div(rows, loss_threads)), loss_threads},
         nll_loss_kernel<T, Loss>, rows, x.shape()[1], x.data<T>(), x.strides()[0], x.strides()[1],
         target.data<std::int64_t>(), target.strides()[0], fault_record(x.device().index()), losses, stride);
}

}  // namespace

bool nll_loss(const Tensor& x, const Tensor& target, Reduction reduction, Tensor& y) {
  const std::int64_t rows = x.shape()[0];
  if (x.dtype() == DType::float32 && reduction != Reduction::none && rows > 0 && rows <= max_warp_rows) {
    launch("nll_loss", x.device(), {1, warp_size}, nll_loss_warp_kernel, static_cast<int>(rows), x.shape()[1],
           x.data<float>(), x.strides()[0], x.strides()[1], target.data<std::int64_t>(), target.strides()[0],
           reduction == Reduction::mean ? static_cast<float>(rows) : 1.f, fault_record(x.device().index()),
           y.mutable_data<float>());
    return true;
  }
  return visit_floating(x.dtype(), [&]<typename T>() {
    if (reduction == Reduction::none) return row_losses<T>(x, target, y.mutable_data<T>(), y.strides()[0]);
    using Loss = Real<T>;
    Tensor losses = Tensor::empty({x.shape()[0]}, {dtype_of<Loss>, x.device()});
    row_losses<T>(x, target, losses.mutable_data<Loss>(), 1);
    Tensor result = y.reshape({1});
    reduce(reduction == Reduction::mean ? ReduceOp::mean : ReduceOp::sum, losses, result);
  });
}

bool nll_loss_backward(const Tensor& g, const Tensor& target, Reduction reduction, Tensor& gx) {
  const std::int64_t rows = gx.shape()[0];
  const LoopNest each = line_nest(rows, {gx.strides()[0]});
  const LoopNest classes = line_nest(gx.shape()[1], {gx.strides()[1]});
  return visit_floating(gx.dtype(), [&]<typename T>() {
    T* const out = gx.mutable_data<T>();
    const void* const data[] = {out};
    const Tiling tiling = make_row_tiling(each, classes, data, pack_of<T>, sizeof(T));
    const auto divisor = static_cast<Real<T>>(reduction == Reduction::mean ? rows : 1);
    launch("nll_loss_backward", gx.device(), {tiling.blocks(), tile_threads}, nll_loss_backward_kernel<T>,
           tiling, rows, gx.strides()[0], WideIndex<1>(classes), classes.numel, g.data<T>(),
           reduction == Reduction::none ? g.strides()[0] : 0, divisor, target.data<std::int64_t>(),
           target.strides()[0], fault_record(gx.device().index()), out);
  });
}

}  // namespace metron::cuda
