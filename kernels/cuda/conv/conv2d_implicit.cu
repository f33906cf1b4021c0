// Convolution as an implicit GEMM: weights (rows, depth) times the (depth, pixels) im2col matrix, whose tiles
// exist only in shared memory. Computes the forward pass, and the input gradient for one phase of the stride.
//
// A block computes 64 (or 32) rows of one group by 128 pixels. Thread t gathers pixel t of the tile, so lanes
// read adjacent elements of an image line. The tap of k is uniform across the block and advances
// incrementally, without division. The next tile is prefetched into registers during the multiplication; one
// barrier per tile. Chains of long sums go to global memory (chain_totals.cuh).
//
// The minimum traffic is the image, the weights and the result once. Compute-bound: 64 x 128 x 8 products per
// (64 + 128) x 8 elements of a tile, each read from memory once and from L2 for the other row tiles. Gathered
// lines are unaligned: 128 bytes touch five 32-byte sectors instead of four, and six across the end of a
// line, up to 1.5 times the minimum. For the input gradient the weights are read row by row, and a tile takes
// 8 of the 9 taps of a 3 x 3 kernel: twice the minimum, of a small operand.
//
// Occupancy is limited by registers: 128 per thread and 16 warps per multiprocessor for 64 rows; at most 96
// and 20 warps for 32 rows. The 64 (32) independent accumulators of a thread hide the latency of the
// arithmetic.
#include <metron/kernels/cuda/conv/convolution.h>
#include <metron/kernels/cuda/launch.h>

#include <bit>
#include <cstdint>
#include <metron/kernels/cuda/chain_totals.cuh>
#include <metron/kernels/cuda/conv/conv2d_gather.cuh>
#include <metron/kernels/cuda/conv/conv2d_tile.cuh>

namespace metron::cuda {
namespace {

constexpr int depth_of_tile = 8;

// The row of the weights stored at a row of the tile. The rows of a vector are far apart, so that lanes that
// load one component each take adjacent rows, which are contiguous in memory for the input gradient.
template <typename Tile>
__device__ __forceinline__ int row_at(int tile_row) {
  return tile_row / Tile::vector_width + tile_row % Tile::vector_width * (Tile::rows / Tile::vector_width);
}

// `is_packed`: a plane of the result is contiguous and made of whole 16-byte vectors.
template <typename T, int thread_rows>
__global__ void __launch_bounds__(128, sizeof(T) == 8     ? 3
                                       : thread_rows == 8 ? 4
                                                          : 5)
    implicit_gemm_kernel(const Convolution<T> conv, int row_tiles, int pixel_tiles, bool is_packed,
                         T* totals) {
  using Tile = ConvTile<T, thread_rows>;
  using Vector = typename Tile::Vector;
  constexpr int vector_width = Tile::vector_width;
  __shared__ typename Tile::template Operands<depth_of_tile> operands[2];

  const GatheredImage<T>& image = conv.image;
  const int thread = static_cast<int>(threadIdx.x);
  const int block = static_cast<int>(blockIdx.x);
  const int first_row = block % row_tiles * Tile::rows;
  const int first_pixel = block / row_tiles % pixel_tiles * Tile::columns;
  const int group = block / row_tiles / pixel_tiles;

  // This thread loads the elements of one pixel, and for one k a vector of rows of the weights.
  const WindowOrigin<T> origin = window_origin(image, group, first_pixel + thread);
  const int weight_k = thread % depth_of_tile;
  const int weight_row = thread / depth_of_tile * vector_width;
  const T* const weights = conv.weights + group * conv.weight_group;
  T next_pixel[depth_of_tile];
  Vector next_weights;
  TapIterator iterator;

  T sums[thread_rows][Tile::thread_columns] = {};
  for (int first_k = -depth_of_tile; first_k < image.depth; first_k += depth_of_tile) {
    const int next_k = first_k + depth_of_tile;
    const bool has_next = next_k < image.depth;
    if (has_next) {
#pragma unroll
      for (int i = 0; i < depth_of_tile; ++i) {
        next_pixel[i] = next_k + i < image.depth ? load_tap(image, origin, iterator) : T{0};
        iterator.advance(image);
      }
      if (weight_row < Tile::rows) {
        const int k = next_k + weight_k;
        const int offset = weight_offset(conv, k);
#pragma unroll
        for (int i = 0; i < vector_width; ++i) {
          const int row = first_row + row_at<Tile>(weight_row + i);
          next_weights.values[i] =
              row < conv.rows && k < image.depth ? weights[row * conv.weight_row + offset] : T{0};
        }
      }
    }
    if (first_k >= 0) Tile::multiply(operands[first_k / depth_of_tile % 2], sums);
    if constexpr (has_chains<T>) {
      if (has_next && next_k > 0 && next_k % static_cast<int>(chain_length) == 0)
        end_chain<Tile::threads>(totals, next_k == chain_length, sums);
    }
    if (has_next) {
      auto& next = operands[next_k / depth_of_tile % 2];
#pragma unroll
      for (int i = 0; i < depth_of_tile; ++i) next.b[i][thread] = next_pixel[i];
      if (weight_row < Tile::rows) *reinterpret_cast<Vector*>(&next.a[weight_k][weight_row]) = next_weights;
      __syncthreads();
    }
  }

  if (has_chains<T> && image.depth > chain_length) add_totals<Tile::threads>(totals, sums);
#pragma unroll
  for (int j = 0; j < Tile::thread_columns; j += vector_width) {
    const int first = first_pixel + Tile::first_column() + j / vector_width * Tile::column_step;
    std::int64_t offsets[vector_width];
#pragma unroll
    for (int p = 0; p < vector_width; ++p) offsets[p] = result_offset(conv, first + p);
#pragma unroll
    for (int i = 0; i < thread_rows; ++i) {
      const int row =
          first_row + row_at<Tile>(Tile::first_row() + i / vector_width * Tile::row_step + i % vector_width);
      if (row >= conv.rows) continue;
      const int channel = group * conv.rows + row;
      const T bias = conv.bias != nullptr ? conv.bias[channel] : T{0};
      T* const result = conv.result + std::int64_t{channel} * conv.result_channel;
      Vector values;
#pragma unroll
      for (int p = 0; p < vector_width; ++p) values.values[p] = epilogue(conv, bias, sums[i][j + p]);
      if (is_packed) {
        if (first < image.pixels) *reinterpret_cast<Vector*>(result + offsets[0]) = values;
      } else {
#pragma unroll
        for (int p = 0; p < vector_width; ++p) {
          if (first + p < image.pixels) result[offsets[p]] = values.values[p];
        }
      }
    }
  }
}

}  // namespace

template <typename T>
void implicit_gemm(Device device, const Convolution<T>& conv) {
  const auto run = [&]<int thread_rows>() {
    using Tile = ConvTile<T, thread_rows>;
    const GatheredImage<T>& image = conv.image;
    const std::int64_t row_tiles = ceil_div(conv.rows, Tile::rows);
    const std::int64_t pixel_tiles = ceil_div(image.pixels, Tile::columns);
    const bool is_packed = conv.result_pixel == 1 && conv.result_line == image.width.value() &&
                           image.plane.value() % Tile::vector_width == 0 &&
                           std::bit_cast<std::uintptr_t>(conv.result) % 16 == 0;
    const std::int64_t blocks = row_tiles * pixel_tiles * conv.groups;
    const ChainTotals<T> totals(device, image.depth, blocks * Tile::rows * Tile::columns);
    launch("conv2d", device, {static_cast<unsigned>(blocks), Tile::threads},
           implicit_gemm_kernel<T, thread_rows>, conv, static_cast<int>(row_tiles),
           static_cast<int>(pixel_tiles), is_packed, totals.data());
  };
  // float64 accumulators take twice the registers.
  if constexpr (sizeof(T) == 4) {
    if (conv.rows > 32) return run.template operator()<8>();
  }
  run.template operator()<4>();
}

template void implicit_gemm(Device, const Convolution<float>&);
template void implicit_gemm(Device, const Convolution<double>&);

}  // namespace metron::cuda
