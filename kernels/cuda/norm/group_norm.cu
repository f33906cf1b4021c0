// Group normalization and its gradients.
//
// A row is a group of a sample: C / groups channels of L elements. Forward, a block per row: its threads load
// adjacent elements, once for the statistics by Welford's update of x - x[0], and again, from cache, for the
// result. Minimum traffic: x and y once. Backward, a warp per channel and sample sums g, g * (normalized x)
// and normalized x; a block per row combines and corrects the sums of its channels and writes gx; a thread
// per channel adds the sums of all samples to the gradients of weight and bias. Minimum traffic: g, x and gx
// once; g and x are read twice. Memory-bound.
#include <metron/kernels/cuda/cuda_kernels.h>
#include <metron/kernels/cuda/divisor.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <metron/kernels/cuda/norm/norm.cuh>
#include <metron/kernels/cuda/reductions.cuh>

namespace metron::cuda {
namespace {

constexpr int group_threads = 256;
constexpr int group_blocks = 3;  // per multiprocessor, at least: 80 registers per thread
constexpr std::int64_t max_blocks = 65535;

// A row's elements are counted in 32 bits; longer rows are declined.
struct GroupSizes {
  std::int64_t samples, channels, plane, groups, channels_per_row, columns;
  Divisor by_plane;

  GroupSizes(const Tensor& x, std::int64_t group_count)
      : samples(x.size(0)),
        channels(x.size(1)),
        plane(x.size(2)),
        groups(group_count),
        channels_per_row(channels / groups),
        columns(channels_per_row * plane) {
    if (fits() && plane > 0) by_plane = Divisor(plane);
  }
  bool fits() const { return columns <= std::numeric_limits<std::int32_t>::max() - group_threads; }
};

// Every `step`-th of the values [first, count), in segments: the rounding error does not grow with the count.
template <typename T, typename Load>
__device__ GradientSums<T> sum_segments(std::int64_t first, std::int64_t count, std::int64_t step,
                                        const Load& load) {
  constexpr int segment = 64;
  const AddGradientSums<T> add;
  GradientSums<T> sums = add.identity;
  for (std::int64_t begin = first; begin < count; begin += segment * step) {
    GradientSums<T> part = add.identity;
    for (int i = 0; i < segment && begin + i * step < count; ++i) part = add(part, load(begin + i * step));
    sums = add(sums, part);
  }
  return sums;
}

template <typename T>
__global__ void __launch_bounds__(group_threads, sizeof(T) == 8 ? 2 : group_blocks)
    group_norm_kernel(GroupSizes sizes, const T* __restrict__ x,  // (N, C, L), as y
                      const T* __restrict__ w,                    // (C), as b; null: 1
                      const T* __restrict__ b,                    // null: 0
                      T eps, T* __restrict__ means,               // (N, groups), as variances
                      T* __restrict__ variances, T* __restrict__ y) {
  const MergeMoments<T> merge;
  const std::int64_t group = blockIdx.x, first_channel = group * sizes.channels_per_row;
  const int columns = static_cast<int>(sizes.columns);
  for (std::int64_t sample = blockIdx.y; sample < sizes.samples; sample += gridDim.y) {
    const std::int64_t row = sample * sizes.groups + group;
    const T* const values = x + row * columns;
    T* const results = y + row * columns;
    const T first = columns > 0 ? *values : T{0};
    Moments<T> moments = merge.identity;
    constexpr int segment = 64 * group_threads;
    for (int begin = static_cast<int>(threadIdx.x); begin < columns; begin += segment) {
      Moments<T> part = merge.identity;
      const int end = columns - begin < segment ? columns : begin + segment;
      for (int i = begin; i < end; i += group_threads) part.add(values[i] - first);
      moments = merge(moments, part);
    }
    moments = block_reduce<group_threads>(moments, merge);
    const RowStatistics<T> of_row =
        row_statistics(first, moments, eps, columns, [&](std::int64_t i) { return values[i]; });
    if (threadIdx.x == 0) {
      means[row] = of_row.normal.mean;
      variances[row] = of_row.variance;
    }
    for (int i = static_cast<int>(threadIdx.x); i < columns; i += group_threads) {
      const std::int64_t channel = first_channel + sizes.by_plane.quotient(i);
      const T weight = w != nullptr ? w[channel] : 1, bias = b != nullptr ? b[channel] : 0;
      results[i] = of_row.normal.normalized(values[i]) * weight + bias;
    }
  }
}

template <typename T>
__global__ void __launch_bounds__(group_threads, group_blocks)
    group_norm_sums_kernel(GroupSizes sizes, const T* __restrict__ g, const T* __restrict__ x,
                           const T* __restrict__ means, const T* __restrict__ variances, T eps,
                           GradientSums<T>* __restrict__ sums) {  // (N, C)
  constexpr int warps = group_threads / warp_size;
  const std::int64_t lines = sizes.samples * sizes.channels;
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
  for (std::int64_t line = std::int64_t{blockIdx.x} * warps + threadIdx.x / warp_size; line < lines;
       line += std::int64_t{gridDim.x} * warps) {
    const std::int64_t row = line / sizes.channels_per_row;
    const T* const row_x = x + row * sizes.columns;
    const Statistics<T> of_row = stored_statistics(means[row], variances[row], eps, sizes.columns,
                                                   [&](std::int64_t i) { return row_x[i]; });
    const T* const line_g = g + line * sizes.plane;
    const T* const line_x = x + line * sizes.plane;
    const GradientSums<T> of_lane = sum_segments<T>(lane, sizes.plane, warp_size, [&](std::int64_t i) {
      const T input = of_row.normalized(line_x[i]);
      return GradientSums<T>{line_g[i], line_g[i] * input, input};
    });
    const GradientSums<T> of_line = warp_reduce(of_lane, AddGradientSums<T>{});
    if (lane == 0) sums[line] = of_line;
  }
}

template <typename T>
__global__ void __launch_bounds__(group_threads, group_blocks)
    group_norm_backward_kernel(GroupSizes sizes, const T* __restrict__ g, const T* __restrict__ x,
                               const T* __restrict__ w, const T* __restrict__ means,
                               const T* __restrict__ variances, T eps, T inverse_columns,
                               GradientSums<T>* __restrict__ sums, T* __restrict__ gx) {
  const std::int64_t group = blockIdx.x, first_channel = group * sizes.channels_per_row;
  const int columns = static_cast<int>(sizes.columns);
  for (std::int64_t sample = blockIdx.y; sample < sizes.samples; sample += gridDim.y) {
    const std::int64_t row = sample * sizes.groups + group;
    const T* const row_x = x + row * columns;
    Statistics<T> of_row =
        stored_statistics(means[row], variances[row], eps, columns, [&](std::int64_t i) { return row_x[i]; });
    GradientSums<T>* const row_sums = sums + row * sizes.channels_per_row;
    const GradientSums<T> of_thread = sum_segments<
        T>(threadIdx.x, sizes.channels_per_row, group_threads, [&](std::int64_t c) {
      const T weight = w != nullptr ? w[first_channel + c] : 1;
      const GradientSums<T> of_channel = row_sums[c];
      return GradientSums<T>{weight * of_channel.g, weight * of_channel.projection, of_channel.normalized};
    });
    GradientSums<T> total = block_reduce<group_threads>(of_thread, AddGradientSums<T>{});
    const T correction = total.normalized * inverse_columns;
    total.correct(of_row, inverse_columns);
    // For the gradient of the weight. All threads have read their sums before block_reduce returns.
    for (std::int64_t c = threadIdx.x; c < sizes.channels_per_row; c += group_threads)
      row_sums[c].projection -= correction * row_sums[c].g;
    const T offset = total.g * inverse_columns, slope = total.projection * inverse_columns;
    const T* const row_g = g + row * columns;
    T* const row_gx = gx + row * columns;
    for (int i = static_cast<int>(threadIdx.x); i < columns; i += group_threads) {
      const T weight = w != nullptr ? w[first_channel + sizes.by_plane.quotient(i)] : 1;
      row_gx[i] = of_row.inverse * (row_g[i] * weight - offset - of_row.normalized(row_x[i]) * slope);
    }
  }
}

template <typename T>
__global__ void __launch_bounds__(group_threads, group_blocks)
    group_norm_weight_kernel(GroupSizes sizes, const GradientSums<T>* __restrict__ sums,  // (N, C)
                             T* __restrict__ gw, T* __restrict__ gb) {
  for (std::int64_t channel = std::int64_t{blockIdx.x} * group_threads + threadIdx.x;
       channel < sizes.channels; channel += std::int64_t{gridDim.x} * group_threads) {
    const GradientSums<T> total = sum_segments<T>(
        0, sizes.samples, 1, [&](std::int64_t n) { return sums[n * sizes.channels + channel]; });
    gw[channel] = total.projection;
    gb[channel] = total.g;
  }
}

LaunchShape blocks_of(std::int64_t blocks) {
  return {static_cast<unsigned>(std::min(blocks, max_blocks)), group_threads};
}
// A block per row: the group in x, the sample in y.
LaunchShape row_blocks(const GroupSizes& sizes) {
  return {
      dim3(static_cast<unsigned>(sizes.groups), static_cast<unsigned>(std::min(sizes.samples, max_blocks))),
      group_threads};
}

}  // namespace

bool group_norm(const Tensor& x, const Tensor& w, const Tensor& b, std::int64_t groups, double eps,
                Tensor& mean, Tensor& variance, Tensor& y) {
  const GroupSizes sizes(x, groups);
  if (!sizes.fits()) return false;
  return visit_dtype<float, double>(y.dtype(), [&]<typename T>() {
    launch("group_norm", y.device(), row_blocks(sizes), group_norm_kernel<T>, sizes, x.data<T>(),
           data_of<T>(w), data_of<T>(b), static_cast<T>(eps), mean.mutable_data<T>(),
           variance.mutable_data<T>(), y.mutable_data<T>());
  });
}

bool group_norm_backward(const Tensor& g, const Tensor& x, const Tensor& w, const Tensor& mean,
                         const Tensor& variance, std::int64_t groups, double eps, Tensor& gx, Tensor& gw,
                         Tensor& gb) {
  const GroupSizes sizes(x, groups);
  if (!sizes.fits()) return false;
  return visit_dtype<float, double>(gx.dtype(), [&]<typename T>() {
    constexpr const char* op = "group_norm_backward";
    const std::int64_t lines = sizes.samples * sizes.channels;
    const Scratch memory(lines * static_cast<std::int64_t>(sizeof(GradientSums<T>)), DType::uint8,
                         gx.device());
    auto* const sums = memory.data<GradientSums<T>>();
    const T epsilon = static_cast<T>(eps);
    const T inverse_columns = sizes.columns > 0 ? 1 / static_cast<T>(sizes.columns) : T{0};
    launch(op, gx.device(), blocks_of(ceil_div(lines, group_threads / warp_size)), group_norm_sums_kernel<T>,
           sizes, g.data<T>(), x.data<T>(), mean.data<T>(), variance.data<T>(), epsilon, sums);
    launch(op, gx.device(), row_blocks(sizes), group_norm_backward_kernel<T>, sizes, g.data<T>(), x.data<T>(),
           data_of<T>(w), mean.data<T>(), variance.data<T>(), epsilon, inverse_columns, sums,
           gx.mutable_data<T>());
    if (!gw.defined()) return;
    launch(op, gx.device(), blocks_of(ceil_div(sizes.channels, group_threads)), group_norm_weight_kernel<T>,
           sizes, sums, gw.mutable_data<T>(), gb.mutable_data<T>());
  });
}

}  // namespace metron::cuda
