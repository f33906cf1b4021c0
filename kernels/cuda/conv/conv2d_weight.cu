// Weight gradient of a convolution as an implicit GEMM: g (rows, pixels) times the (pixels, depth) im2col
// matrix, which is gathered tile by tile. An extra column of ones yields the bias gradient.
//
// A block computes 64 (or 32) rows of one group by 128 columns over one split of the pixels (split-K): there
// are few weights and many pixels, so the splits are what fills the device. Sixteen lanes of a warp load
// adjacent pixels of g and of the image, the other sixteen the same pixels at the next tap. Each lane stores
// a vector of four rows, which transposes the tiles without bank conflicts. A table in shared memory holds
// each column's offset from a pixel's window origin. Shared memory is single-buffered and the next tile is
// prefetched into registers, with two barriers per tile of 16 pixels: double buffering would halve occupancy
// on devices with 64 KiB. A split is so short that its sums are chains (kernels/internal/long_sums.h): totals
// of several chains would take registers that there are not. A second kernel reduces the splits in a fixed
// order, so the result is the same in every run and on every device.
//
// The minimum traffic is g and the image once, and the weights once per split. Compute-bound; g is read from
// memory once and from L2 for the other column tiles. Gathered lines are unaligned: sixteen lanes touch three
// 32-byte sectors instead of two. If the next tap is adjacent, the other sixteen lanes touch the same three.
//
// Occupancy is limited by registers: at most 168 per thread, 12 warps per multiprocessor, with 64 independent
// accumulators each.
#include <metron/kernels/cuda/conv/convolution.h>
#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/indexing.h>

#include <metron/kernels/cuda/conv/conv2d_gather.cuh>
#include <metron/kernels/cuda/conv/conv2d_tile.cuh>

namespace metron::cuda {
namespace {

constexpr int depth_of_tile = 16;  // pixels
// Of a split: 3/8 u of each of its additions and of the 8 of reduce_splits' chains is within 1e-5.
constexpr std::int64_t max_pixels = 27 * depth_of_tile;

// A column of the im2col matrix: its offset from a pixel's window origin, and its value outside the image.
template <typename T>
struct alignas(16) Column {
  int offset, x, y;
  float outside;
};

template <typename T>
__device__ __forceinline__ Column<T> column_of(const WeightGradient<T>& gradient, int k) {
  const GatheredImage<T>& image = gradient.image;
  if (k >= image.depth) return {0, outside_image, outside_image, k < gradient.columns() ? 1.f : 0.f};
  const int channel = image.taps.quotient(k);
  const TapIterator iterator = tap_iterator_at(image, channel, k - channel * image.taps.value());
  return {iterator.offset, iterator.x, iterator.y, 0};
}

// The stride between the columns of a vector. Adjacent vectors hold adjacent columns, so that the lanes that
// load one component of each touch the same sectors.
constexpr int vector_step = 8;

template <typename T, int thread_rows>
__global__ void __launch_bounds__(128, sizeof(T) == 8 ? 2 : 3)
    weight_gradient_kernel(const WeightGradient<T> gradient, int row_tiles, int column_tiles,
                           int split_pixels, int first_split, T* partial) {
  using Tile = ConvTile<T, thread_rows>;
  using Vector = typename Tile::Vector;
  constexpr int vector_width = Tile::vector_width;
  constexpr int step = Tile::threads / depth_of_tile * vector_width;  // rows loaded per step
  static_assert(Tile::rows % step == 0 && Tile::columns % step == 0 && step == vector_step * vector_width);
  constexpr int a_vectors = Tile::rows / step, b_vectors = Tile::columns / step;
  __shared__ typename Tile::template Operands<depth_of_tile> operands;
  __shared__ Column<T> columns[Tile::columns];

  const GatheredImage<T>& image = gradient.image;
  const int thread = static_cast<int>(threadIdx.x);
  const int block = static_cast<int>(blockIdx.x);
  const int first_row = block % row_tiles * Tile::rows;
  const int first_column = block / row_tiles % column_tiles * Tile::columns;
  const int group = block / row_tiles / column_tiles % gradient.groups;
  const int split = block / row_tiles / column_tiles / gradient.groups;
  columns[thread] = column_of(gradient, first_column + thread);
  __syncthreads();

  const int lane = thread % depth_of_tile;
  const int own_vector = thread / depth_of_tile, row = own_vector * vector_width;
  const int first = (first_split + split) * split_pixels;
  const int last = image.pixels - first < split_pixels ? image.pixels : first + split_pixels;
  const int plane = image.plane.value();
  Vector next_a[a_vectors], next_b[b_vectors];
  T sums[thread_rows][Tile::thread_columns] = {};
  for (int begin = first - depth_of_tile; begin < last; begin += depth_of_tile) {
    const int next = begin + depth_of_tile;
    const bool has_next = next < last;
    if (has_next) {
      const int pixel = next + lane;
      const WindowOrigin<T> origin = window_origin(image, group, pixel);
      const int n = image.plane.quotient(pixel);
      const T* const g = gradient.g + (std::int64_t{n} * gradient.groups + group) * gradient.rows * plane +
                         (pixel - n * plane);
#pragma unroll
      for (int i = 0; i < a_vectors; ++i) {
#pragma unroll
        for (int p = 0; p < vector_width; ++p) {
          const int r = first_row + i * step + row + p;
          next_a[i].values[p] = r < gradient.rows && pixel < image.pixels ? g[r * plane] : T{0};
        }
      }
#pragma unroll
      for (int i = 0; i < b_vectors; ++i) {
#pragma unroll
        for (int p = 0; p < vector_width; ++p) {
          const Column<T> column = columns[i * step + p * vector_step + own_vector];
          const int x = origin.x + column.x, y = origin.y + column.y;
          const bool inside = x >= 0 && x < image.w.inputs && y >= 0 && y < image.h.inputs;
          next_b[i].values[p] = inside ? origin.data[origin.offset + column.offset] : T(column.outside);
        }
      }
    }
    if (begin >= first) {
      Tile::multiply(operands, sums);
      __syncthreads();
    }
    if (has_next) {
#pragma unroll
      for (int i = 0; i < a_vectors; ++i)
        *reinterpret_cast<Vector*>(&operands.a[lane][i * step + row]) = next_a[i];
#pragma unroll
      for (int i = 0; i < b_vectors; ++i)
        *reinterpret_cast<Vector*>(&operands.b[lane][i * step + row]) = next_b[i];
      __syncthreads();
    }
  }

  partial += (std::int64_t{split} * gradient.groups + group) * gradient.rows * gradient.row_stride;
  const int tile_column = Tile::first_column();
  static_assert(Tile::column_step == vector_step * vector_width);
  const int column = first_column + tile_column / step * step + tile_column % step / vector_width;
#pragma unroll
  for (int i = 0; i < thread_rows; ++i) {
    const int r = first_row + Tile::first_row() + i / vector_width * Tile::row_step + i % vector_width;
    if (r >= gradient.rows) continue;
    T* const to = partial + r * gradient.row_stride + column;
#pragma unroll
    for (int j = 0; j < Tile::thread_columns; ++j) {
      if (column + j * vector_step < gradient.columns()) to[j * vector_step] = sums[i][j];
    }
  }
}

}  // namespace

template <typename T>
void implicit_weight_gradient(Device device, const WeightGradient<T>& gradient, T* gw, T* gb,
                              std::int64_t limit) {
  const auto run = [&]<int thread_rows>() {
    using Tile = ConvTile<T, thread_rows>;
    const std::int64_t row_tiles = ceil_div(gradient.rows, Tile::rows);
    const std::int64_t column_tiles = ceil_div(gradient.columns(), Tile::columns);
    const std::int64_t blocks = row_tiles * column_tiles * gradient.groups;
    const PixelSplit split =
        make_pixel_split(gradient.image.pixels, depth_of_tile, sizeof(T) == 4 ? max_pixels : unlimited_pixels,
                         blocks, gradient.size() * static_cast<std::int64_t>(sizeof(T)));
    sum_splits(device, gradient, split, gw, gb, limit, [&](const SplitRange& splits, T* partial) {
      launch("conv2d_backward_weight", device, {static_cast<unsigned>(blocks * splits.count), Tile::threads},
             weight_gradient_kernel<T, thread_rows>, gradient, static_cast<int>(row_tiles),
             static_cast<int>(column_tiles), split.pixels, splits.first, partial);
    });
  };
  // float64 accumulators take twice the registers.
  if constexpr (sizeof(T) == 4) {
    if (gradient.rows > 32) return run.template operator()<8>();
  }
  run.template operator()<4>();
}

template void implicit_weight_gradient(Device, const WeightGradient<float>&, float*, float*, std::int64_t);
template void implicit_weight_gradient(Device, const WeightGradient<double>&, double*, double*, std::int64_t);

}  // namespace metron::cuda
