// Split-K over the pixels of a weight gradient: blocks accumulate partial sums, and one kernel reduces them
// in a fixed order. The result is the same in every run and on every device.
//
// A thread reduces one weight over all splits, lanes take adjacent weights. Each partial sum is read once,
// the minimum: memory-bound.
#include <metron/kernels/cuda/conv/convolution.h>
#include <metron/kernels/cuda/launch.h>

#include <algorithm>

namespace metron::cuda {
namespace {

constexpr int threads = 256;

template <typename T>
__global__ void __launch_bounds__(threads)
    reduce_splits_kernel(const T* partial, int splits, int size, Divisor row_stride, int columns, int depth,
                         T* gw, T* gb) {
  const int i = static_cast<int>(blockIdx.x) * threads + static_cast<int>(threadIdx.x);
  const int row = row_stride.quotient(i);
  const int column = i - row * row_stride.value();
  if (i >= size || column >= columns) return;
  T sum = 0;
#pragma unroll 8
  for (int split = 0; split < splits; ++split) sum += partial[std::int64_t{split} * size + i];
  if (column < depth) {
    gw[std::int64_t{row} * depth + column] = sum;
  } else {
    gb[row] = sum;
  }
}

}  // namespace

PixelSplit make_pixel_split(std::int64_t pixels, std::int64_t unit, std::int64_t blocks, std::int64_t bytes) {
  constexpr std::int64_t target_blocks = 256;
  constexpr std::int64_t units_per_split = 16;  // at least
  constexpr std::int64_t max_bytes = std::int64_t{64} << 20;
  const std::int64_t units = ceil_div(pixels, unit);
  const std::int64_t max_count =
      std::min(units / units_per_split, max_bytes / std::max<std::int64_t>(bytes, 1));
  const std::int64_t count = std::max<std::int64_t>(std::min(target_blocks / blocks, max_count), 1);
  const std::int64_t split = std::max<std::int64_t>(ceil_div(units, count), 1) * unit;
  return {static_cast<int>(std::max<std::int64_t>(ceil_div(pixels, split), 1)), static_cast<int>(split)};
}

template <typename T>
void reduce_splits(Device device, const WeightGradient<T>& gradient, const PixelSplit& split,
                   const T* partial, T* gw, T* gb) {
  const int size = static_cast<int>(gradient.size());
  launch("conv2d_backward_weight", device, {static_cast<unsigned>(ceil_div(size, threads)), threads},
         reduce_splits_kernel<T>, partial, split.count, size, Divisor(gradient.row_stride),
         gradient.columns(), gradient.image.depth, gw, gb);
}

template void reduce_splits(Device, const WeightGradient<float>&, const PixelSplit&, const float*, float*,
                            float*);
template void reduce_splits(Device, const WeightGradient<double>&, const PixelSplit&, const double*, double*,
                            double*);

}  // namespace metron::cuda
