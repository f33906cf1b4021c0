// Direct weight gradient of a convolution with one input channel, where the im2col matrix is so narrow that
// GEMM tiles would be mostly padding.
//
// A block computes 8 rows (or 1) x up to 9 taps of one channel over one split of the pixels. Its 128 threads
// take adjacent pixels, and each accumulates all 72 products: 17 loads per 72 multiply-adds (and the sum of g
// for the bias). At the end the lanes of a warp reduce-scatter their sums by recursive halving: lane l ends
// up with the totals of sums l, l + 32 and l + 64, in a fifth of the shuffles of separate reductions.
// conv2d_split.cu reduces the splits in a fixed order, so the result is deterministic.
//
// The minimum traffic is g once (for 9 taps and one channel) and the image once: memory-bound. Unaligned
// lines touch five 32-byte sectors instead of four. Up to 154 registers per thread, 12 warps per
// multiprocessor, with 80 independent accumulators each.
#include <metron/kernels/cuda/conv/convolution.h>
#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/indexing.h>
#include <metron/kernels/internal/long_sums.h>

#include <metron/kernels/cuda/conv/conv2d_gather.cuh>
#include <metron/kernels/cuda/reductions.cuh>

namespace metron::cuda {
namespace {

constexpr int threads = 128;
constexpr int max_taps = 9;  // per block

// Reduce-scatter of `count` values over the lanes of a warp: values[i] becomes the total of value 32 i +
// lane. At each step a lane keeps every other value and sends the others to its partner.
template <int count, int distance = 1, int size, typename T>
__device__ __forceinline__ void add_up_halves(T (&values)[size]) {
  constexpr int half = (count + 1) / 2;
  const bool keeps_odd = (threadIdx.x & distance) != 0;
#pragma unroll
  for (int i = 0; i < half; ++i) {
    const T even = values[2 * i];
    const T odd = 2 * i + 1 < count ? values[2 * i + 1] : T{0};
    values[i] = (keeps_odd ? odd : even) + shuffle_xor(keeps_odd ? even : odd, distance);
  }
  if constexpr (2 * distance < warp_size) add_up_halves<half, 2 * distance>(values);
}

template <typename T, int rows>
__global__ void __launch_bounds__(threads, sizeof(T) == 4 ? 3 : 2)
    direct_weight_kernel(const WeightGradient<T> gradient, int row_tiles, int tap_tiles, int split_pixels,
                         int first_split, T* partial) {
  constexpr int row_values = max_taps + 1;  // and the sum of g
  constexpr int count = rows * row_values;
  constexpr int lane_totals = (count + warp_size - 1) / warp_size;
  constexpr int warps = threads / warp_size;
  static_assert(lane_totals <= warps);
  __shared__ T totals[warps][lane_totals][warp_size];

  const GatheredImage<T>& image = gradient.image;
  const int thread = static_cast<int>(threadIdx.x);
  const int warp = thread / warp_size, lane = thread % warp_size;
  int block = static_cast<int>(blockIdx.x);
  const int first_tap = block % tap_tiles * max_taps;
  block /= tap_tiles;
  const int first_row = block % row_tiles * rows;
  block /= row_tiles;
  const int channel = block % image.channels;
  block /= image.channels;
  const int group = block % gradient.groups;
  const int split = block / gradient.groups;

  const int first = (first_split + split) * split_pixels;
  const int last = image.pixels - first < split_pixels ? image.pixels : first + split_pixels;
  const int plane = image.plane.value();
  const int taps = min(max_taps, image.taps.value() - first_tap);
  const TapIterator start = tap_iterator_at(image, channel, first_tap);
  T values[count] = {};
  for (int pixel = first + thread; pixel < last; pixel += threads) {
    const int n = image.plane.quotient(pixel);
    const T* const g = gradient.g +
                       ((std::int64_t{n} * gradient.groups + group) * gradient.rows + first_row) * plane +
                       (pixel - n * plane);
    T gradients[rows];
#pragma unroll
    for (int row = 0; row < rows; ++row)
      gradients[row] = first_row + row < gradient.rows ? g[row * plane] : T{0};
    const WindowOrigin<T> origin = window_origin(image, group, pixel);
    TapIterator iterator = start;
#pragma unroll
    for (int tap = 0; tap < max_taps; ++tap) {
      const T value = tap < taps ? load_tap(image, origin, iterator) : T{0};
      iterator.advance(image);
#pragma unroll
      for (int row = 0; row < rows; ++row) values[row * row_values + tap] += gradients[row] * value;
    }
#pragma unroll
    for (int row = 0; row < rows; ++row) values[row * row_values + max_taps] += gradients[row];
  }

  add_up_halves<count>(values);
#pragma unroll
  for (int i = 0; i < lane_totals; ++i) totals[warp][i][lane] = values[i];
  __syncthreads();
  if (thread >= count) return;
  T total = 0;
  for (int i = 0; i < warps; ++i) total += totals[i][warp][lane];
  const int row = first_row + thread / row_values;
  const int tap = thread % row_values;
  if (row >= gradient.rows) return;
  partial += ((std::int64_t{split} * gradient.groups + group) * gradient.rows + row) * gradient.row_stride;
  if (tap < taps) partial[channel * image.taps.value() + first_tap + tap] = total;
  if (tap == max_taps && gradient.with_bias && channel == 0 && first_tap == 0) partial[image.depth] = total;
}

}  // namespace

template <typename T>
void direct_weight_gradient(Device device, const WeightGradient<T>& gradient, T* gw, T* gb,
                            std::int64_t limit) {
  const auto run = [&]<int rows>() {
    const GatheredImage<T>& image = gradient.image;
    const std::int64_t row_tiles = ceil_div(gradient.rows, rows);
    const std::int64_t tap_tiles = ceil_div(image.taps.value(), max_taps);
    const std::int64_t blocks = row_tiles * tap_tiles * image.channels * gradient.groups;
    const PixelSplit split =
        make_pixel_split(image.pixels, threads, chain_length * threads, blocks,  // a chain per thread
                         gradient.size() * static_cast<std::int64_t>(sizeof(T)));
    sum_splits(device, gradient, split, gw, gb, limit, [&](const SplitRange& splits, T* partial) {
      launch("conv2d_backward_weight", device, {static_cast<unsigned>(blocks * splits.count), threads},
             direct_weight_kernel<T, rows>, gradient, static_cast<int>(row_tiles),
             static_cast<int>(tap_tiles), split.pixels, splits.first, partial);
    });
  };
  if (gradient.rows == 1) {
    run.template operator()<1>();
  } else {
    run.template operator()<8>();
  }
}

template void direct_weight_gradient(Device, const WeightGradient<float>&, float*, float*, std::int64_t);
template void direct_weight_gradient(Device, const WeightGradient<double>&, double*, double*, std::int64_t);

}  // namespace metron::cuda
