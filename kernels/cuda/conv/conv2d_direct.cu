// Direct convolution, for one input channel (or few results a pixel): the first layer of a network, depthwise
// layers, and the gradients of their inputs. There the tiles of a matrix product would be mostly empty.
//
// A thread computes 8 rows (or 1) of one group for 4 pixels, 128 apart, so that every load and store of a
// warp is of neighbours. The weights of 64 products at a time lie in shared memory, one row's next to the
// other's: all lanes read the same 16 bytes at once. Rows of them are sixteen bytes longer than they need be,
// for the lanes that store pieces of neighbouring rows.
//
// Must move the image and the weights once (a warp's lines overlap and meet in L1) and write the result once:
// with one channel bound by the writes. Lines of the image and of the result begin anywhere: where one of 128
// bytes begins askew it touches five sectors of 32 bytes instead of four, and one more where a line ends.
// At most 94 registers a thread, 20 warps a multiprocessor, for floats.
#include <metron/kernels/cuda/conv/convolution.h>
#include <metron/kernels/cuda/launch.h>

#include <algorithm>
#include <metron/kernels/cuda/conv/conv2d_gather.cuh>
#include <metron/kernels/cuda/map.cuh>

namespace metron::cuda {
namespace {

constexpr int threads = 128;
constexpr int thread_pixels = 4;
constexpr int depth_of_stage = 64;  // products whose weights are in shared memory

template <typename T, int rows>
__global__ void __launch_bounds__(threads, sizeof(T) == 4 ? 5 : 3)
    direct_kernel(const Convolution<T> conv, int row_tiles, int pixel_tiles) {
  constexpr int piece = std::min(rows, 16 / static_cast<int>(sizeof(T)));
  using Piece = Pack<T, piece>;
  struct alignas(16) Stage {
    T weights[depth_of_stage][rows == 1 ? 1 : rows + piece];
  };
  __shared__ Stage stage;

  const GatheredImage<T>& image = conv.image;
  const int thread = static_cast<int>(threadIdx.x);
  const int block = static_cast<int>(blockIdx.x);
  const int first_row = block % row_tiles * rows;
  const int first_pixel = block / row_tiles % pixel_tiles * (threads * thread_pixels) + thread;
  const int group = block / row_tiles / pixel_tiles;
  const T* const weights = conv.weights + group * conv.weight_group;
  Corner<T> corners[thread_pixels];
#pragma unroll
  for (int j = 0; j < thread_pixels; ++j) corners[j] = corner_of(image, group, first_pixel + j * threads);

  Walk walk;
  T sums[rows][thread_pixels] = {};
  for (int first_k = 0; first_k < image.depth; first_k += depth_of_stage) {
    if (first_k > 0) __syncthreads();
    const int k = first_k + thread % depth_of_stage;
    for (int row = thread / depth_of_stage * piece; row < rows && k < image.depth;
         row += threads / depth_of_stage * piece) {
      Piece loaded;
#pragma unroll
      for (int p = 0; p < piece; ++p) {
        const int r = first_row + row + p;
        loaded.values[p] = r < conv.rows ? weights[r * conv.weight_row + weight_offset(conv, k)] : T{0};
      }
      *reinterpret_cast<Piece*>(&stage.weights[k - first_k][row]) = loaded;
    }
    __syncthreads();
    const int stage_depth = min(depth_of_stage, image.depth - first_k);
    for (int i = 0; i < stage_depth; ++i) {
      T values[thread_pixels];
#pragma unroll
      for (int j = 0; j < thread_pixels; ++j) values[j] = gathered(image, corners[j], walk);
#pragma unroll
      for (int row = 0; row < rows; row += piece) {
        const Piece loaded = *reinterpret_cast<const Piece*>(&stage.weights[i][row]);
#pragma unroll
        for (int p = 0; p < piece; ++p) {
#pragma unroll
          for (int j = 0; j < thread_pixels; ++j) sums[row + p][j] += loaded.values[p] * values[j];
        }
      }
      walk.advance(image);
    }
  }

#pragma unroll
  for (int j = 0; j < thread_pixels; ++j) {
    const int pixel = first_pixel + j * threads;
    if (pixel >= image.pixels) continue;
    T* const result = conv.result + place_of(conv, pixel);
#pragma unroll
    for (int row = 0; row < rows; ++row) {
      if (first_row + row >= conv.rows) continue;
      const int channel = group * conv.rows + first_row + row;
      const T bias = conv.bias != nullptr ? conv.bias[channel] : T{0};
      result[std::int64_t{channel} * conv.result_channel] = epilogue(conv, bias, sums[row][j]);
    }
  }
}

}  // namespace

template <typename T>
void direct_convolution(Device device, const Convolution<T>& conv) {
  const auto run = [&]<int rows>() {
    const std::int64_t row_tiles = ceil_div(conv.rows, rows);
    const std::int64_t pixel_tiles = ceil_div(conv.image.pixels, threads * thread_pixels);
    launch("conv2d", device, {static_cast<unsigned>(row_tiles * pixel_tiles * conv.groups), threads},
           direct_kernel<T, rows>, conv, static_cast<int>(row_tiles), static_cast<int>(pixel_tiles));
  };
  if (conv.rows == 1) {
    run.template operator()<1>();
  } else {
    run.template operator()<8>();
  }
}

template void direct_convolution(Device, const Convolution<float>&);
template void direct_convolution(Device, const Convolution<double>&);

}  // namespace metron::cuda
