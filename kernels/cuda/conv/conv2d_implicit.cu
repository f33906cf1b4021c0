// Convolution as an implicit matrix product: (rows, depth) weights by the (depth, pixels) column matrix,
// tiles of which are gathered into shared memory and never exist elsewhere. Computes the forward pass, and
// the gradient of the input for one phase of the stride.
//
// A block computes 64 (or 32) rows of one group by 128 pixels. Thread t gathers pixel t of the tile, so lanes
// read neighbours along an image's line; the place of k in the window is the same for all threads and is
// walked step by step, without a division. While a tile is multiplied the next one is on its way to
// registers; one barrier a tile.
//
// Must move the image, the weights and the result once. Bound by arithmetic: 64 x 128 x 8 products for the
// (64 + 128) x 8 elements of a tile, each of which comes from memory once and from L2 for the other rows of
// tiles. Gathered lines begin anywhere, so 128 bytes of lanes touch five sectors of 32 bytes where four would
// do, and six where a line of the result ends between them: up to 1.5 times the fewest transactions. The
// weights of the input's gradient lie row after row, 9 taps for 3 by 3, of which a tile takes 8: twice the
// fewest, of what is read once a block.
//
// Registers bound occupancy: 128 a thread for 64 rows, 16 warps a multiprocessor; at most 96 and 20 warps for
// 32 rows. The 64 (32) independent floats of each thread cover the latency of the arithmetic.
#include <metron/kernels/cuda/conv/convolution.h>
#include <metron/kernels/cuda/launch.h>

#include <bit>
#include <cstdint>
#include <metron/kernels/cuda/conv/conv2d_gather.cuh>
#include <metron/kernels/cuda/conv/conv2d_tile.cuh>

namespace metron::cuda {
namespace {

constexpr int depth_of_tile = 8;

// The row at a place of the weights' tile. The rows of a piece are far apart, so that the lanes that load a
// part of each take neighbouring rows, which the gradient of the input finds next to each other in memory.
template <typename Tile>
__device__ __forceinline__ int row_at(int place) {
  return place / Tile::piece + place % Tile::piece * (Tile::rows / Tile::piece);
}

// `is_packed`: the pixels of a plane of the result are neighbours, in whole pieces of sixteen bytes.
template <typename T, int thread_rows>
__global__ void __launch_bounds__(128, sizeof(T) == 8     ? 3
                                       : thread_rows == 8 ? 4
                                                          : 5)
    implicit_gemm_kernel(const Convolution<T> conv, int row_tiles, int pixel_tiles, bool is_packed) {
  using Tile = ConvTile<T, thread_rows>;
  using Piece = typename Tile::Piece;
  constexpr int piece = Tile::piece;
  __shared__ typename Tile::template Operands<depth_of_tile> operands[2];

  const GatheredImage<T>& image = conv.image;
  const int thread = static_cast<int>(threadIdx.x);
  const int block = static_cast<int>(blockIdx.x);
  const int first_row = block % row_tiles * Tile::rows;
  const int first_pixel = block / row_tiles % pixel_tiles * Tile::columns;
  const int group = block / row_tiles / pixel_tiles;

  // What this thread loads: the elements of its pixel, and for one k a piece of the weights' rows.
  const Corner<T> corner = corner_of(image, group, first_pixel + thread);
  const int weight_k = thread % depth_of_tile;
  const int weight_row = thread / depth_of_tile * piece;
  const T* const weights = conv.weights + group * conv.weight_group;
  T next_pixel[depth_of_tile];
  Piece next_weights;
  Walk walk;

  T sums[thread_rows][Tile::thread_columns] = {};
  for (int first_k = -depth_of_tile; first_k < image.depth; first_k += depth_of_tile) {
    const int next_k = first_k + depth_of_tile;
    const bool has_next = next_k < image.depth;
    if (has_next) {
#pragma unroll
      for (int i = 0; i < depth_of_tile; ++i) {
        next_pixel[i] = next_k + i < image.depth ? gathered(image, corner, walk) : T{0};
        walk.advance(image);
      }
      if (weight_row < Tile::rows) {
        const int k = next_k + weight_k;
        const int offset = weight_offset(conv, k);
#pragma unroll
        for (int i = 0; i < piece; ++i) {
          const int row = first_row + row_at<Tile>(weight_row + i);
          next_weights.values[i] =
              row < conv.rows && k < image.depth ? weights[row * conv.weight_row + offset] : T{0};
        }
      }
    }
    if (first_k >= 0) Tile::multiply(operands[first_k / depth_of_tile % 2], sums);
    if (has_next) {
      auto& next = operands[next_k / depth_of_tile % 2];
#pragma unroll
      for (int i = 0; i < depth_of_tile; ++i) next.b[i][thread] = next_pixel[i];
      if (weight_row < Tile::rows) *reinterpret_cast<Piece*>(&next.a[weight_k][weight_row]) = next_weights;
      __syncthreads();
    }
  }

#pragma unroll
  for (int j = 0; j < Tile::thread_columns; j += piece) {
    const int first = first_pixel + Tile::first_column() + j / piece * Tile::column_step;
    std::int64_t places[piece];
#pragma unroll
    for (int p = 0; p < piece; ++p) places[p] = place_of(conv, first + p);
#pragma unroll
    for (int i = 0; i < thread_rows; ++i) {
      const int row = first_row + row_at<Tile>(Tile::first_row() + i / piece * Tile::row_step + i % piece);
      if (row >= conv.rows) continue;
      const int channel = group * conv.rows + row;
      const T bias = conv.bias != nullptr ? conv.bias[channel] : T{0};
      T* const result = conv.result + std::int64_t{channel} * conv.result_channel;
      Piece values;
#pragma unroll
      for (int p = 0; p < piece; ++p) values.values[p] = epilogue(conv, bias, sums[i][j + p]);
      if (is_packed) {
        if (first < image.pixels) *reinterpret_cast<Piece*>(result + places[0]) = values;
      } else {
#pragma unroll
        for (int p = 0; p < piece; ++p) {
          if (first + p < image.pixels) result[places[p]] = values.values[p];
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
                           image.plane.value() % Tile::piece == 0 &&
                           std::bit_cast<std::uintptr_t>(conv.result) % 16 == 0;
    launch("conv2d", device, {static_cast<unsigned>(row_tiles * pixel_tiles * conv.groups), Tile::threads},
           implicit_gemm_kernel<T, thread_rows>, conv, static_cast<int>(row_tiles),
           static_cast<int>(pixel_tiles), is_packed);
  };
  // Doubles fill twice the registers.
  if constexpr (sizeof(T) == 4) {
    if (conv.rows > 32) return run.template operator()<8>();
  }
  run.template operator()<4>();
}

template void implicit_gemm(Device, const Convolution<float>&);
template void implicit_gemm(Device, const Convolution<double>&);

}  // namespace metron::cuda
