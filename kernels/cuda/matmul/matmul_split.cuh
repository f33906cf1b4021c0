// Split-K reduction: y = activation(sum of partials + bias), with the partial products in a workspace
// (splits, batches, m, n). Zero splits (k = 0) are allowed.
//
// A block covers 32 positions with up to eight threads each, which divide the splits between them and reduce
// through shared memory in a fixed order, each by chains of 64. A position is sixteen bytes of sums if rows
// are aligned. Reads the partials and writes y once: memory-bound.
#pragma once

#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/cuda/matmul/matmul_product.h>
#include <metron/kernels/internal/long_sums.h>

#include <metron/kernels/cuda/matmul/matmul_store.cuh>

namespace metron::cuda {

inline constexpr int max_slices = 8;

template <int count, typename Acc, typename Out>
__global__ void __launch_bounds__(warp_size* max_slices)
    reduce_split_k_kernel(const Product<Out, Out> p, const Acc* partials, int splits) {
  using Sums = Pack<Acc, count>;
  __shared__ Sums shared[max_slices][warp_size];
  const std::int64_t matrix = p.size.m * p.size.n;
  const std::int64_t partial_size = p.size.batches * matrix;
  const std::int64_t first = (static_cast<std::int64_t>(blockIdx.x) * warp_size + threadIdx.x) * count;
  const int slice = static_cast<int>(threadIdx.y), slices = static_cast<int>(blockDim.y);
  Sums sums;
#pragma unroll
  for (int i = 0; i < count; ++i) sums.values[i] = 0;
  if (first < partial_size) {
    for (int begin = slice; begin < splits; begin += static_cast<int>(chain_count) * slices) {
      const int end = min(splits, begin + static_cast<int>(chain_count) * slices);
      Sums chain = load_pack<count>(partials + begin * partial_size + first);
      for (int split = begin + slices; split < end; split += slices) {
        const Sums more = load_pack<count>(partials + split * partial_size + first);
#pragma unroll
        for (int i = 0; i < count; ++i) chain.values[i] += more.values[i];
      }
#pragma unroll
      for (int i = 0; i < count; ++i) sums.values[i] += chain.values[i];
    }
  }
  shared[slice][threadIdx.x] = sums;
  __syncthreads();
  if (slice != 0 || first >= partial_size) return;
  for (int s = 1; s < slices; ++s) {
    const Sums more = shared[s][threadIdx.x];
#pragma unroll
    for (int i = 0; i < count; ++i) sums.values[i] += more.values[i];
  }

  const std::int64_t batch = first / matrix, row = first % matrix / p.size.n, column = first % p.size.n;
  Out* const to = p.y.data + p.y.offset(batch, 0, row, column);
  Pack<Out, count> results;
#pragma unroll
  for (int i = 0; i < count; ++i) {
    Acc sum = sums.values[i];
    if (p.bias.data != nullptr)
      sum += functor::convert<Acc>(p.bias.data[row * p.bias.row + (column + i) * p.bias.column]);
    results.values[i] = finished<Out>(sum, p.relu);
  }
  store_pack(to, results);
}

// Only the sizes, y and its bias of p are used. `partials` are aligned.
template <typename Acc, typename Out>
void reduce_split_k(Device device, const Product<Out, Out>& p, const Acc* partials, int splits) {
  constexpr int width = 16 / static_cast<int>(sizeof(Acc));
  const bool vectors = p.y.vectors && p.size.n % width == 0;
  const std::int64_t positions = p.size.batches * p.size.m * p.size.n / (vectors ? width : 1);
  const LaunchShape shape{static_cast<unsigned>(ceil_div(positions, warp_size)),
                          {warp_size, static_cast<unsigned>(std::clamp(splits, 1, max_slices))}};
  if (vectors) {
    launch("matmul", device, shape, reduce_split_k_kernel<width, Acc, Out>, p, partials, splits);
  } else {
    launch("matmul", device, shape, reduce_split_k_kernel<1, Acc, Out>, p, partials, splits);
  }
}

}  // namespace metron::cuda
