// Direct convolution for one input channel, or few results per pixel: the first layer of a network, depthwise
// layers, and their input gradients. GEMM tiles would be mostly padding there.
//
// A thread computes 8 rows (or 1) of one group for 4 pixels, 128 apart, so that loads and stores are
// coalesced. Shared memory holds the weights of 64 products at a time, the rows of one product adjacent: all
// lanes read the same 16 bytes, a broadcast. Rows are padded by sixteen bytes to avoid bank conflicts between
// lanes that store to adjacent rows. Chains of long sums go to global memory (chain_totals.cuh).
//
// The minimum traffic is the image and the weights once (a warp's image lines overlap in L1) and the result
// once. With one channel, bound by the writes. Lines of the image and of the result are unaligned: 128
// unaligned bytes touch five 32-byte sectors instead of four, and one more across the end of a line. For
// float32 at most 94 registers per thread, 20 warps per multiprocessor.
#include <metron/kernels/cuda/conv/convolution.h>
#include <metron/kernels/cuda/launch.h>

#include <algorithm>
#include <metron/kernels/cuda/chain_totals.cuh>
#include <metron/kernels/cuda/conv/conv2d_gather.cuh>
#include <metron/kernels/cuda/map.cuh>

namespace metron::cuda {
namespace {

constexpr int threads = 128;
constexpr int thread_pixels = 4;
constexpr int depth_of_stage = 64;  // products per stage of weights in shared memory

template <typename T, int rows>
__global__ void __launch_bounds__(threads, sizeof(T) == 4 ? 5 : 3)
    direct_kernel(const Convolution<T> conv, int row_tiles, int pixel_tiles, T* totals) {
  constexpr int vector_width = std::min(rows, 16 / static_cast<int>(sizeof(T)));
  using Vector = Pack<T, vector_width>;
  struct alignas(16) Stage {
    T weights[depth_of_stage][rows == 1 ? 1 : rows + vector_width];
  };
  __shared__ Stage stage;

  const GatheredImage<T>& image = conv.image;
  const int thread = static_cast<int>(threadIdx.x);
  const int block = static_cast<int>(blockIdx.x);
  const int first_row = block % row_tiles * rows;
  const int first_pixel = block / row_tiles % pixel_tiles * (threads * thread_pixels) + thread;
  const int group = block / row_tiles / pixel_tiles;
  const T* const weights = conv.weights + group * conv.weight_group;
  WindowOrigin<T> origins[thread_pixels];
#pragma unroll
  for (int j = 0; j < thread_pixels; ++j) origins[j] = window_origin(image, group, first_pixel + j * threads);

  TapIterator iterator;
  T sums[rows][thread_pixels] = {};
  for (int first_k = 0; first_k < image.depth; first_k += depth_of_stage) {
    if (first_k > 0) __syncthreads();
    const int k = first_k + thread % depth_of_stage;
    for (int row = thread / depth_of_stage * vector_width; row < rows && k < image.depth;
         row += threads / depth_of_stage * vector_width) {
      Vector loaded;
#pragma unroll
      for (int p = 0; p < vector_width; ++p) {
        const int r = first_row + row + p;
        loaded.values[p] = r < conv.rows ? weights[r * conv.weight_row + weight_offset(conv, k)] : T{0};
      }
      *reinterpret_cast<Vector*>(&stage.weights[k - first_k][row]) = loaded;
    }
    __syncthreads();
    const int stage_depth = min(depth_of_stage, image.depth - first_k);
    for (int i = 0; i < stage_depth; ++i) {
      T values[thread_pixels];
#pragma unroll
      for (int j = 0; j < thread_pixels; ++j) values[j] = load_tap(image, origins[j], iterator);
#pragma unroll
      for (int row = 0; row < rows; row += vector_width) {
        const Vector loaded = *reinterpret_cast<const Vector*>(&stage.weights[i][row]);
#pragma unroll
        for (int p = 0; p < vector_width; ++p) {
#pragma unroll
          for (int j = 0; j < thread_pixels; ++j) sums[row + p][j] += loaded.values[p] * values[j];
        }
      }
      iterator.advance(image);
    }
    if constexpr (has_chains<T>) {
      static_assert(chain_length % depth_of_stage == 0);
      const int next_k = first_k + depth_of_stage;
      if (next_k < image.depth && next_k % static_cast<int>(chain_length) == 0)
        end_chain<threads>(totals, next_k == chain_length, sums);
    }
  }
  if (has_chains<T> && image.depth > chain_length) add_totals<threads>(totals, sums);

#pragma unroll
  for (int j = 0; j < thread_pixels; ++j) {
    const int pixel = first_pixel + j * threads;
    if (pixel >= image.pixels) continue;
    T* const result = conv.result + result_offset(conv, pixel);
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
    const std::int64_t blocks = row_tiles * pixel_tiles * conv.groups;
    const ChainTotals<T> totals(device, conv.image.depth, blocks * threads * rows * thread_pixels);
    launch("conv2d", device, {static_cast<unsigned>(blocks), threads}, direct_kernel<T, rows>, conv,
           static_cast<int>(row_tiles), static_cast<int>(pixel_tiles), totals.data());
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
