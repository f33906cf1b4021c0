// Split-K over the pixels of a weight gradient: blocks accumulate partial sums, and one kernel reduces them
// in a fixed order. The result is the same in every run and on every device.
//
// A thread reduces one weight over all splits: eight partial sums at a time in float, these in double, which
// is slow on some devices. Lanes take adjacent weights. Each partial sum is read once, the minimum:
// memory-bound. If the partial sums of all splits would take too much memory, passes over some of the splits
// add to totals.
#include <metron/kernels/cuda/conv/convolution.h>
#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/indexing.h>

#include <algorithm>

namespace metron::cuda {
namespace {

constexpr int threads = 256;

template <typename T>
__global__ void __launch_bounds__(threads)
    reduce_splits_kernel(const T* partial, int splits, int size, Divisor row_stride, int columns, int depth,
                         double* totals, bool is_first, T* gw, T* gb) {
  const int i = static_cast<int>(blockIdx.x) * threads + static_cast<int>(threadIdx.x);
  const int row = row_stride.quotient(i);
  const int column = i - row * row_stride.value();
  if (i >= size || column >= columns) return;
  double sum = is_first ? 0 : totals[i];
  int split = 0;
  for (; split + 8 <= splits; split += 8) {
    T chain = 0;
#pragma unroll
    for (int j = 0; j < 8; ++j) chain += partial[std::int64_t{split + j} * size + i];
    sum += static_cast<double>(chain);
  }
  for (; split < splits; ++split) sum += static_cast<double>(partial[std::int64_t{split} * size + i]);
  if (totals != nullptr) totals[i] = sum;
  if (column < depth) {
    gw[std::int64_t{row} * depth + column] = static_cast<T>(sum);
  } else {
    gb[row] = static_cast<T>(sum);
  }
}

}  // namespace

PixelSplit make_pixel_split(std::int64_t pixels, std::int64_t unit, std::int64_t max_pixels,
                            std::int64_t blocks, std::int64_t bytes) {
  constexpr std::int64_t target_blocks = 256;
  constexpr std::int64_t units_per_split = 16;  // at least
  const std::int64_t units = ceil_div(pixels, unit);
  const std::int64_t max_count =
      std::min(units / units_per_split, default_column_bytes / std::max<std::int64_t>(bytes, 1));
  const std::int64_t required = std::max<std::int64_t>(ceil_div(pixels, max_pixels), 1);
  const std::int64_t count = std::max(std::min(target_blocks / blocks, max_count), required);
  const std::int64_t split = std::max<std::int64_t>(ceil_div(units, count), 1) * unit;
  return {static_cast<int>(std::max<std::int64_t>(ceil_div(pixels, split), 1)), static_cast<int>(split)};
}

template <typename T>
void sum_splits(Device device, const WeightGradient<T>& gradient, const PixelSplit& split, T* gw, T* gb,
                std::int64_t limit, const std::type_identity_t<ComputeSplits<T>>& compute) {
  const std::int64_t size = gradient.size(),
                     bytes = std::max<std::int64_t>(size * static_cast<std::int64_t>(sizeof(T)), 1);
  const int per_pass = static_cast<int>(std::clamp<std::int64_t>(limit / bytes, 1, split.count));
  const Scratch partial(per_pass * size, dtype_of<T>, device);
  const bool has_passes = per_pass < split.count;
  const Scratch totals(has_passes ? size : 0, DType::float64, device);
  for (int first = 0; first < split.count; first += per_pass) {
    const SplitRange splits{first, std::min(per_pass, split.count - first)};
    compute(splits, partial.template data<T>());
    launch("conv2d_backward_weight", device, {static_cast<unsigned>(ceil_div(size, threads)), threads},
           reduce_splits_kernel<T>, static_cast<const T*>(partial.template data<T>()), splits.count,
           static_cast<int>(size), Divisor(gradient.row_stride), gradient.columns(), gradient.image.depth,
           has_passes ? totals.template data<double>() : nullptr, first == 0, gw, gb);
  }
}

template void sum_splits(Device, const WeightGradient<float>&, const PixelSplit&, float*, float*,
                         std::int64_t, const ComputeSplits<float>&);
template void sum_splits(Device, const WeightGradient<double>&, const PixelSplit&, double*, double*,
                         std::int64_t, const ComputeSplits<double>&);

}  // namespace metron::cuda
