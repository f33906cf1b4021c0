// The gradient of a convolution's weights as an implicit matrix product: (rows, pixels) of g by the (pixels,
// depth) column matrix, which is gathered tile by tile. An extra column of ones makes the gradient of the
// bias.
//
// A block computes 64 (or 32) rows of one group by 128 columns for a share of the pixels: there are few
// weights and many pixels, so the shares are what fills a device. Sixteen lanes read neighbouring pixels of g
// and of the image, the other sixteen of a warp the same of the next tap of the image; each stores a piece of
// four rows at once, so that the tiles are transposed on the way without bank conflicts. Where a column
// reads, relative to a pixel's corner, lies in a table in shared memory. One buffer of shared memory, the
// next tile in registers, two barriers a tile of 16 pixels: a second buffer would halve the blocks of a
// multiprocessor with 64 KiB. A second kernel adds the shares in order: the result is the same each time, and
// on each device.
//
// Must move g and the image once, the weights once a share. Bound by arithmetic; g comes from memory once and
// from L2 for the other tiles of columns. Gathered lines begin anywhere: sixteen lanes touch three sectors of
// 32 bytes where two would do, but where the next tap is the neighbour the other sixteen touch the same
// three.
//
// Registers bound occupancy: at most 168 a thread, 12 warps a multiprocessor, for 64 independent floats each.
#include <metron/kernels/cuda/conv/convolution.h>
#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/indexing.h>

#include <metron/kernels/cuda/conv/conv2d_gather.cuh>
#include <metron/kernels/cuda/conv/conv2d_tile.cuh>

namespace metron::cuda {
namespace {

constexpr int depth_of_tile = 16;  // pixels

// A column of the column matrix: its place relative to a pixel's corner, and what is outside of the image.
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
  const Walk walk = walk_to(image, channel, k - channel * image.taps.value());
  return {walk.offset, walk.x, walk.y, 0};
}

// The columns of a piece are so many apart, and pieces next to each other have neighbouring columns: so the
// lanes that load a part of each meet in the same sectors.
constexpr int piece_step = 8;

template <typename T, int thread_rows>
__global__ void __launch_bounds__(128, sizeof(T) == 8 ? 2 : 3)
    weight_gradient_kernel(const WeightGradient<T> gradient, int row_tiles, int column_tiles,
                           int share_pixels, T* partial) {
  using Tile = ConvTile<T, thread_rows>;
  using Piece = typename Tile::Piece;
  constexpr int piece = Tile::piece;
  constexpr int step = Tile::threads / depth_of_tile * piece;  // rows that are loaded at once
  static_assert(Tile::rows % step == 0 && Tile::columns % step == 0 && step == piece_step * piece);
  constexpr int a_pieces = Tile::rows / step, b_pieces = Tile::columns / step;
  __shared__ typename Tile::template Operands<depth_of_tile> operands;
  __shared__ Column<T> columns[Tile::columns];

  const GatheredImage<T>& image = gradient.image;
  const int thread = static_cast<int>(threadIdx.x);
  const int block = static_cast<int>(blockIdx.x);
  const int first_row = block % row_tiles * Tile::rows;
  const int first_column = block / row_tiles % column_tiles * Tile::columns;
  const int group = block / row_tiles / column_tiles % gradient.groups;
  const int share = block / row_tiles / column_tiles / gradient.groups;
  columns[thread] = column_of(gradient, first_column + thread);
  __syncthreads();

  const int lane = thread % depth_of_tile;
  const int own_piece = thread / depth_of_tile, row = own_piece * piece;
  const int first = share * share_pixels;
  const int last = image.pixels - first < share_pixels ? image.pixels : first + share_pixels;
  const int plane = image.plane.value();
  Piece next_a[a_pieces], next_b[b_pieces];
  T sums[thread_rows][Tile::thread_columns] = {};
  for (int begin = first - depth_of_tile; begin < last; begin += depth_of_tile) {
    const int next = begin + depth_of_tile;
    const bool has_next = next < last;
    if (has_next) {
      const int pixel = next + lane;
      const Corner<T> corner = corner_of(image, group, pixel);
      const int n = image.plane.quotient(pixel);
      const T* const g = gradient.g + (std::int64_t{n} * gradient.groups + group) * gradient.rows * plane +
                         (pixel - n * plane);
#pragma unroll
      for (int i = 0; i < a_pieces; ++i) {
#pragma unroll
        for (int p = 0; p < piece; ++p) {
          const int r = first_row + i * step + row + p;
          next_a[i].values[p] = r < gradient.rows && pixel < image.pixels ? g[r * plane] : T{0};
        }
      }
#pragma unroll
      for (int i = 0; i < b_pieces; ++i) {
#pragma unroll
        for (int p = 0; p < piece; ++p) {
          const Column<T> column = columns[i * step + p * piece_step + own_piece];
          const int x = corner.x + column.x, y = corner.y + column.y;
          const bool inside = x >= 0 && x < image.w.inputs && y >= 0 && y < image.h.inputs;
          next_b[i].values[p] = inside ? corner.data[corner.offset + column.offset] : T(column.outside);
        }
      }
    }
    if (begin >= first) {
      Tile::multiply(operands, sums);
      __syncthreads();
    }
    if (has_next) {
#pragma unroll
      for (int i = 0; i < a_pieces; ++i)
        *reinterpret_cast<Piece*>(&operands.a[lane][i * step + row]) = next_a[i];
#pragma unroll
      for (int i = 0; i < b_pieces; ++i)
        *reinterpret_cast<Piece*>(&operands.b[lane][i * step + row]) = next_b[i];
      __syncthreads();
    }
  }

  partial += (std::int64_t{share} * gradient.groups + group) * gradient.rows * gradient.row_stride;
  const int tile_column = Tile::first_column();
  static_assert(Tile::column_step == piece_step * piece);
  const int column = first_column + tile_column / step * step + tile_column % step / piece;
#pragma unroll
  for (int i = 0; i < thread_rows; ++i) {
    const int r = first_row + Tile::first_row() + i / piece * Tile::row_step + i % piece;
    if (r >= gradient.rows) continue;
    T* const to = partial + r * gradient.row_stride + column;
#pragma unroll
    for (int j = 0; j < Tile::thread_columns; ++j) {
      if (column + j * piece_step < gradient.columns()) to[j * piece_step] = sums[i][j];
    }
  }
}

}  // namespace

template <typename T>
void implicit_weight_gradient(Device device, const WeightGradient<T>& gradient, T* gw, T* gb) {
  const auto run = [&]<int thread_rows>() {
    using Tile = ConvTile<T, thread_rows>;
    const std::int64_t row_tiles = ceil_div(gradient.rows, Tile::rows);
    const std::int64_t column_tiles = ceil_div(gradient.columns(), Tile::columns);
    const std::int64_t blocks = row_tiles * column_tiles * gradient.groups;
    const std::int64_t size = gradient.size();
    const Shares shares =
        shares_of(gradient.image.pixels, depth_of_tile, blocks, size * static_cast<std::int64_t>(sizeof(T)));
    const Scratch partial(shares.count * size, dtype_of<T>, device);
    launch("conv2d_backward_weight", device, {static_cast<unsigned>(blocks * shares.count), Tile::threads},
           weight_gradient_kernel<T, thread_rows>, gradient, static_cast<int>(row_tiles),
           static_cast<int>(column_tiles), shares.pixels, partial.template data<T>());
    add_shares(device, gradient, shares, static_cast<const T*>(partial.template data<T>()), gw, gb);
  };
  // Doubles fill twice the registers.
  if constexpr (sizeof(T) == 4) {
    if (gradient.rows > 32) return run.template operator()<8>();
  }
  run.template operator()<4>();
}

template void implicit_weight_gradient(Device, const WeightGradient<float>&, float*, float*);
template void implicit_weight_gradient(Device, const WeightGradient<double>&, double*, double*);

}  // namespace metron::cuda
