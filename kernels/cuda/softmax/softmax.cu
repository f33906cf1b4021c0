// Softmax and its gradient along one axis, for any strides.
//
// Dense float32 rows of 64 to 1024 elements: one warp per row, which its lanes keep in registers. Lanes load
// adjacent elements, and shuffles reduce the maximum and the sum. x is read and y written once, the minimum:
// memory-bound.
//
// All other rows, and the gradient: a block is a tile of rows with several threads per row: a power of two up
// to a warp for rows of at most 1024 elements, the whole block for longer ones. If the axis is not the
// innermost one, adjacent threads take adjacent rows. A row is read once for its maximum and sum of
// exponentials, and again, from cache, for the result. The minimum traffic is x and y once (backward g, y and
// gx): memory-bound.
#include <metron/kernels/cuda/cuda_kernels.h>

#include <cmath>
#include <limits>
#include <metron/kernels/cuda/softmax/softmax.cuh>

namespace metron::cuda {
namespace {

constexpr int row_warps = 8;   // per block: a row each
constexpr int row_blocks = 4;  // per multiprocessor, at least: 64 registers per thread

template <bool log>
__global__ void __launch_bounds__(row_warps* warp_size, row_blocks)
    softmax_row_kernel(const float* __restrict__ x,  // (rows, columns), as y
                       std::int64_t rows, int columns, float* __restrict__ y) {
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * row_warps + threadIdx.x / warp_size;
  if (row >= rows) return;  // uniform across the warp
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
  x += row * columns + lane;
  y += row * columns + lane;
  const int end = columns - lane;

  constexpr int lane_elements = max_row_elements / warp_size;
  float values[lane_elements];  // x[0], x[32], x[64], ... of this lane
  float maximum = -std::numeric_limits<float>::infinity();
#pragma unroll
  for (int i = 0; i < lane_elements; ++i) {
    values[i] = i * warp_size < end ? x[i * warp_size] : -std::numeric_limits<float>::infinity();
    maximum = fmaxf(maximum, values[i]);
  }
  for (int mask = warp_size / 2; mask > 0; mask /= 2)
    maximum = fmaxf(maximum, __shfl_xor_sync(0xffffffffu, maximum, mask));

  float sum = 0;
#pragma unroll
  for (int i = 0; i < lane_elements; ++i) {
    if (i * warp_size >= columns) break;
    values[i] -= maximum;
    const float exponential = expf(values[i]);
    sum += exponential;
    if (!log) values[i] = exponential;
  }
  for (int mask = warp_size / 2; mask > 0; mask /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, mask);

  const float normalizer = log ? logf(sum) : 1 / sum;
#pragma unroll
  for (int i = 0; i < lane_elements; ++i) {
    if (i * warp_size < end) y[i * warp_size] = log ? values[i] - normalizer : values[i] * normalizer;
  }
}

// Operands: x, y.
template <typename T>
__global__ void __launch_bounds__(tile_threads, tile_blocks)
    softmax_kernel(bool log, Tiling tiling, WideIndex<2> rows, std::int64_t count, WideIndex<2> axis,
                   std::int64_t length, const T* __restrict__ x, T* __restrict__ y) {
  using Value = Real<T>;
  const TileCoordinates tile(tiling);
  const bool is_row = tile.result < count;
  std::int64_t base[2] = {};
  ExponentialSum<Value> total = MergeExponentialSums<Value>::identity;
  if (is_row) {
    rows.offsets(tile.result, base);
    total = exponential_sum(tiling, tile.slice, axis, base, length, x);
  }
  total = tile_reduce(tiling, total, MergeExponentialSums<Value>{});
  if (!is_row) return;
  const Value normalizer = log ? std::log(total.sum) : 1 / total.sum;
  for_each_in_slice<pack_of<T>>(
      tiling, tile.slice, axis, base, 0, length, [&]<int elements>(const auto& offsets, std::int64_t) {
        const auto in = load_pack<elements>(x + offsets[0]);
        Pack<T, elements> out;
        for (int j = 0; j < elements; ++j) {
          const Value shifted = static_cast<Value>(in.values[j]) - total.largest;
          out.values[j] = T(log ? shifted - normalizer : functor::exponential(shifted) * normalizer);
        }
        store_pack(y + offsets[1], out);
      });
}

// Operands: g, y, gx.
template <typename T>
__global__ void __launch_bounds__(tile_threads, tile_blocks)
    softmax_backward_kernel(bool log, Tiling tiling, WideIndex<3> rows, std::int64_t count, WideIndex<3> axis,
                            std::int64_t length, const T* __restrict__ g, const T* __restrict__ y,
                            T* __restrict__ gx) {
  using Value = Real<T>;
  constexpr int pack = pack_of<T>;
  const TileCoordinates tile(tiling);
  const bool is_row = tile.result < count;
  std::int64_t base[3] = {};
  double segments = 0;
  if (is_row) {
    rows.offsets(tile.result, base);
    for_each_segment<pack>(tiling, length, [&](std::int64_t first, std::int64_t last) {
      Value part = 0;
      for_each_in_slice<pack>(
          tiling, tile.slice, axis, base, first, last, [&]<int elements>(const auto& offsets, std::int64_t) {
            const auto gradient = load_pack<elements>(g + offsets[0]);
            if (log) {
              for (int j = 0; j < elements; ++j) part += static_cast<Value>(gradient.values[j]);
              return;
            }
            const auto output = load_pack<elements>(y + offsets[1]);
            for (int j = 0; j < elements; ++j)
              part += static_cast<Value>(gradient.values[j]) * static_cast<Value>(output.values[j]);
          });
      segments += static_cast<double>(part);
    });
  }
  const Value sum = tile_reduce(tiling, static_cast<Value>(segments), Sum<Value>{});
  if (!is_row) return;
  for_each_in_slice<pack>(tiling, tile.slice, axis, base, 0, length,
                          [&]<int elements>(const auto& offsets, std::int64_t) {
                            const auto gradient = load_pack<elements>(g + offsets[0]);
                            const auto output = load_pack<elements>(y + offsets[1]);
                            Pack<T, elements> out;
                            for (int j = 0; j < elements; ++j) {
                              const Value gj = static_cast<Value>(gradient.values[j]);
                              const Value yj = static_cast<Value>(output.values[j]);
                              out.values[j] = T(log ? gj - functor::exponential(yj) * sum : yj * (gj - sum));
                            }
                            store_pack(gx + offsets[2], out);
                          });
}

}  // namespace

bool softmax(const Tensor& x, int axis, bool log, Tensor& y) {
  const LoopNest rows = loop_nest_without(axis, {&x, &y});
  const LoopNest along = line_nest(x.shape()[axis], {x.strides()[axis], y.strides()[axis]});
  if (x.dtype() == DType::float32 && has_warp_rows(rows, along, 2)) {
    const auto blocks = static_cast<unsigned>(ceil_div(rows.numel, row_warps));
    launch(log ? "log_softmax" : "softmax", y.device(), {blocks, row_warps * warp_size},
           log ? softmax_row_kernel<true> : softmax_row_kernel<false>, x.data<float>(), rows.numel,
           static_cast<int>(along.numel), y.mutable_data<float>());
    return true;
  }
  return visit_floating(x.dtype(), [&]<typename T>() {
    const T* const in = x.data<T>();
    T* const out = y.mutable_data<T>();
    const void* const data[] = {in, out};
    const Tiling tiling = make_row_tiling(rows, along, data, pack_of<T>, sizeof(T));
    launch(log ? "log_softmax" : "softmax", y.device(), {tiling.blocks(), tile_threads}, softmax_kernel<T>,
           log, tiling, WideIndex<2>(rows), rows.numel, WideIndex<2>(along), along.numel, in, out);
  });
}

bool softmax_backward(const Tensor& g, const Tensor& y, int axis, bool log, Tensor& gx) {
  const LoopNest rows = loop_nest_without(axis, {&g, &y, &gx});
  const LoopNest along =
      line_nest(gx.shape()[axis], {g.strides()[axis], y.strides()[axis], gx.strides()[axis]});
  return visit_floating(gx.dtype(), [&]<typename T>() {
    const T* const gradient = g.data<T>();
    const T* const output = y.data<T>();
    T* const out = gx.mutable_data<T>();
    const void* const data[] = {gradient, output, out};
    const Tiling tiling = make_row_tiling(rows, along, data, pack_of<T>, sizeof(T));
    launch(log ? "log_softmax" : "softmax", gx.device(), {tiling.blocks(), tile_threads},
           softmax_backward_kernel<T>, log, tiling, WideIndex<3>(rows), rows.numel, WideIndex<3>(along),
           along.numel, gradient, output, out);
  });
}

}  // namespace metron::cuda
