// y = activation(sum of parts + bias), where the parts are products over pieces of k, in the workspace
// (parts, batches, m, n). Of no parts, for k = 0, too.
//
// A block has 32 positions and up to eight threads for each, which share its parts and add up through shared
// memory, in a fixed order. A position is sixteen bytes of sums where rows are aligned. Reads the parts and
// writes y, once: bound by memory.
#pragma once

#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/cuda/matmul/matmul_product.h>

#include <metron/kernels/cuda/matmul/matmul_store.cuh>

namespace metron::cuda {

inline constexpr int most_part_threads = 8;

template <int count, typename Acc, typename Out>
__global__ void __launch_bounds__(warp_size* most_part_threads)
    sum_parts_kernel(const Product<Out, Out> p, const Acc* parts, int part_count) {
  using Sums = Pack<Acc, count>;
  __shared__ Sums shared[most_part_threads][warp_size];
  const std::int64_t matrix = p.size.m * p.size.n;
  const std::int64_t part_size = p.size.batches * matrix;
  const std::int64_t first = (static_cast<std::int64_t>(blockIdx.x) * warp_size + threadIdx.x) * count;
  const int slice = static_cast<int>(threadIdx.y), slices = static_cast<int>(blockDim.y);
  Sums sums;
#pragma unroll
  for (int i = 0; i < count; ++i) sums.values[i] = 0;
  if (first < part_size) {
    for (int part = slice; part < part_count; part += slices) {
      const Sums more = load_pack<count>(parts + part * part_size + first);
#pragma unroll
      for (int i = 0; i < count; ++i) sums.values[i] += more.values[i];
    }
  }
  shared[slice][threadIdx.x] = sums;
  __syncthreads();
  if (slice != 0 || first >= part_size) return;
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

// p has the operands of the product, but only y, its bias and its sizes are looked at. `parts` are aligned.
template <typename Acc, typename Out>
void sum_parts(Device device, const Product<Out, Out>& p, const Acc* parts, int part_count) {
  constexpr int width = 16 / static_cast<int>(sizeof(Acc));
  const bool vectors = p.y.vectors && p.size.n % width == 0;
  const std::int64_t positions = p.size.batches * p.size.m * p.size.n / (vectors ? width : 1);
  const LaunchShape shape{static_cast<unsigned>(ceil_div(positions, warp_size)),
                          {warp_size, static_cast<unsigned>(std::clamp(part_count, 1, most_part_threads))}};
  if (vectors) {
    launch("matmul", device, shape, sum_parts_kernel<width, Acc, Out>, p, parts, part_count);
  } else {
    launch("matmul", device, shape, sum_parts_kernel<1, Acc, Out>, p, parts, part_count);
  }
}

}  // namespace metron::cuda
