// Layer normalization and its gradients.
//
// Dense float32 rows of 64 to 1024 elements: one warp per row, which its lanes keep in registers. Lanes load
// adjacent elements, and shuffles reduce the mean, then the variance. x is read and y written once, the
// minimum: memory-bound. As everywhere, the mean is that of x - x[0], and a variance out of range is computed
// in double.
//
// All other rows, and the gradients: a block is a tile of rows with several threads per row: a power of two
// up to a warp for rows of at most 1024 elements, the whole block for longer ones. A row is read once for its
// statistics, by Welford's update, and again, from cache, for the result. The minimum traffic is x and y once
// (backward g, x and gx). The gradients of weight and bias are folds over the rows (fold.cuh), which read g
// and x once more. Memory-bound.
#include <metron/kernels/cuda/cuda_kernels.h>

#include <cmath>
#include <metron/kernels/cuda/norm/norm.cuh>
#include <metron/kernels/cuda/reduce/fold.cuh>

namespace metron::cuda {
namespace {

constexpr int row_warps = 8;   // per block: a row each
constexpr int row_blocks = 4;  // per multiprocessor, at least: 64 registers per thread

__global__ void __launch_bounds__(row_warps* warp_size, row_blocks)
    layer_norm_row_kernel(const float* __restrict__ x,  // (rows, columns), as y
                          const float* __restrict__ w,  // (columns), as b; null: 1
                          const float* __restrict__ b,  // null: 0
                          float eps, std::int64_t rows, int columns,
                          float* __restrict__ means,  // (rows), as variances
                          float* __restrict__ variances, float* __restrict__ y) {
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * row_warps + threadIdx.x / warp_size;
  if (row >= rows) return;  // uniform across the warp
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
  const float* const row_x = x + row * columns;
  const float first = *row_x;
  x = row_x + lane;
  y += row * columns + lane;
  const int end = columns - lane;

  constexpr int lane_elements = max_row_elements / warp_size;
  float values[lane_elements];  // x[0], x[32], x[64], ... of this lane, less x[0] of the row
  float sum = 0;
#pragma unroll
  for (int i = 0; i < lane_elements; ++i) {
    values[i] = i * warp_size < end ? x[i * warp_size] - first : 0;
    sum += values[i];
  }
  for (int mask = warp_size / 2; mask > 0; mask /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, mask);
  const float shifted_mean = sum / static_cast<float>(columns);

  float squares = 0;
#pragma unroll
  for (int i = 0; i < lane_elements; ++i) {
    values[i] -= shifted_mean;
    if (i * warp_size < end) squares += values[i] * values[i];
  }
  for (int mask = warp_size / 2; mask > 0; mask /= 2) squares += __shfl_xor_sync(0xffffffffu, squares, mask);
  const float variance = squares / static_cast<float>(columns);
  if (!is_in_range(variance, eps)) {  // uniform across the warp
    const RowStatistics<float> wide = wide_statistics(columns, eps, [&](std::int64_t i) { return row_x[i]; });
    if (lane == 0) {
      means[row] = wide.normal.mean;
      variances[row] = wide.variance;
    }
#pragma unroll 1
    for (int i = 0; i < end; i += warp_size) {
      const int column = i + lane;
      const float weight = w != nullptr ? w[column] : 1, bias = b != nullptr ? b[column] : 0;
      y[i] = wide.normal.normalized(x[i]) * weight + bias;
    }
    return;
  }

  if (lane == 0) {
    means[row] = first + shifted_mean;
    variances[row] = variance;
  }
  const float scale = inverse_deviation(variance, eps);
#pragma unroll
  for (int i = 0; i < lane_elements; ++i) {
    if (i * warp_size >= end) break;
    const int column = i * warp_size + lane;
    const float weight = w != nullptr ? w[column] : 1, bias = b != nullptr ? b[column] : 0;
    y[i * warp_size] = values[i] * scale * weight + bias;
  }
}

// Loads a vector of a parameter, or `fallback` for an undefined one.
template <int count, typename T>
__device__ Pack<T, count> parameters(const T* data, std::int64_t offset, T fallback) {
  return data != nullptr ? load_pack<count>(data + offset) : splat<count>(fallback);
}

// Operands: x, y, w, b.
template <typename T>
__global__ void __launch_bounds__(tile_threads, tile_blocks)
    layer_norm_kernel(Tiling tiling, WideIndex<4> rows, std::int64_t count, WideIndex<4> columns,
                      std::int64_t length, const T* __restrict__ x, const T* __restrict__ w,
                      const T* __restrict__ b, T eps, StridedOutput<T> means, StridedOutput<T> variances,
                      T* __restrict__ y) {
  constexpr int pack = pack_of<T>;
  const MergeMoments<T> merge;
  const TileCoordinates tile(tiling);
  const bool is_row = tile.result < count;
  std::int64_t base[4] = {};
  Moments<T> moments = merge.identity;
  T row_first = 0;
  if (is_row) {
    rows.offsets(tile.result, base);
    if (length > 0) row_first = x[base[0]];
    for_each_segment<pack>(tiling, length, [&](std::int64_t first, std::int64_t last) {
      Moments<T> part = merge.identity;
      for_each_in_slice<pack>(tiling, tile.slice, columns, base, first, last,
                              [&]<int elements>(const auto& offsets, std::int64_t) {
                                const auto in = load_pack<elements>(x + offsets[0]);
                                for (int j = 0; j < elements; ++j) part.add(in.values[j] - row_first);
                              });
      moments = merge(moments, part);
    });
  }
  moments = tile_reduce(tiling, moments, merge);
  if (!is_row) return;
  const auto load = [&](std::int64_t i) { return x[base[0] + i * columns.stride(0)]; };
  const RowStatistics<T> of_row = row_statistics(row_first, moments, eps, length, load);
  if (tile.slice == 0) {
    means.store(tile.result, of_row.normal.mean);
    variances.store(tile.result, of_row.variance);
  }
  for_each_in_slice<pack>(
      tiling, tile.slice, columns, base, 0, length, [&]<int elements>(const auto& offsets, std::int64_t) {
        auto values = load_pack<elements>(x + offsets[0]);
        const auto scales = parameters<elements>(w, offsets[2], T{1});
        const auto shifts = parameters<elements>(b, offsets[3], T{0});
        for (int j = 0; j < elements; ++j)
          values.values[j] = of_row.normal.normalized(values.values[j]) * scales.values[j] + shifts.values[j];
        store_pack(y + offsets[1], values);
      });
}

// Operands: g, x, gx, w. Stores the statistics of each row.
template <typename T>
__global__ void __launch_bounds__(tile_threads, tile_blocks)
    layer_norm_backward_kernel(Tiling tiling, WideIndex<4> rows, std::int64_t count, WideIndex<4> columns,
                               std::int64_t length, const T* __restrict__ g, const T* __restrict__ x,
                               const T* __restrict__ w, StridedInput<T> means, StridedInput<T> variances,
                               T eps, T* __restrict__ gx, Statistics<T>* __restrict__ statistics) {
  constexpr int pack = pack_of<T>;
  const TileCoordinates tile(tiling);
  const bool is_row = tile.result < count;
  std::int64_t base[4] = {};
  GradientSums<T> sums = AddGradientSums<T>::identity;
  Statistics<T> of_row{0, 0, 0};
  if (is_row) {
    rows.offsets(tile.result, base);
    of_row = stored_statistics(means[tile.result], variances[tile.result], eps, length,
                               [&](std::int64_t i) { return x[base[1] + i * columns.stride(1)]; });
    for_each_segment<pack>(tiling, length, [&](std::int64_t first, std::int64_t last) {
      GradientSums<T> part = AddGradientSums<T>::identity;
      for_each_in_slice<pack>(tiling, tile.slice, columns, base, first, last,
                              [&]<int elements>(const auto& offsets, std::int64_t) {
                                const auto gradient = load_pack<elements>(g + offsets[0]);
                                const auto in = load_pack<elements>(x + offsets[1]);
                                const auto scales = parameters<elements>(w, offsets[3], T{1});
                                for (int j = 0; j < elements; ++j)
                                  part.add(gradient.values[j] * scales.values[j],
                                           of_row.normalized(in.values[j]));
                              });
      sums = AddGradientSums<T>{}(sums, part);
    });
  }
  sums = tile_reduce(tiling, sums, AddGradientSums<T>{});
  if (!is_row) return;
  const T inverse_length = 1 / static_cast<T>(length);
  sums.correct(of_row, inverse_length);
  if (tile.slice == 0) statistics[tile.result] = of_row;
  const T offset = sums.g * inverse_length, slope = sums.projection * inverse_length;
  for_each_in_slice<pack>(
      tiling, tile.slice, columns, base, 0, length, [&]<int elements>(const auto& offsets, std::int64_t) {
        auto values = load_pack<elements>(g + offsets[0]);
        const auto in = load_pack<elements>(x + offsets[1]);
        const auto scales = parameters<elements>(w, offsets[3], T{1});
        for (int j = 0; j < elements; ++j)
          values.values[j] = of_row.inverse * (values.values[j] * scales.values[j] - offset -
                                               of_row.normalized(in.values[j]) * slope);
        store_pack(gx + offsets[2], values);
      });
}

// Gradients of weight and bias: the sums over the rows of g * (normalized x), and of g.
template <typename T>
struct ParameterSums {
  T g, projection;
};
template <typename T>
struct AddParameterSums {
  static constexpr ParameterSums<T> identity{0, 0};
  METRON_HOST_DEVICE ParameterSums<T> operator()(const ParameterSums<T>& a, const ParameterSums<T>& b) const {
    return {a.g + b.g, a.projection + b.projection};
  }
};
template <typename T>
struct FoldRows {
  using Value = ParameterSums<T>;
  static constexpr int operands = 2, pack = pack_of<T>;
  static constexpr std::size_t element_bytes = sizeof(T);
  AddParameterSums<T> op;
  const T* g;
  const T* x;
  const Statistics<T>* statistics;
  StridedOutput<T> gw, gb;

  __device__ const FoldRows& of_result(std::int64_t) const { return *this; }
  template <int count>
  __device__ void add(Value* values, const std::int64_t* offsets, std::int64_t row) const {
    const auto gradient = load_pack<count>(g + offsets[0]);
    const auto in = load_pack<count>(x + offsets[1]);
    for (int j = 0; j < count; ++j) {
      values[j].g += gradient.values[j];
      values[j].projection += gradient.values[j] * statistics[row + j].normalized(in.values[j]);
    }
  }
  __device__ void store(std::int64_t column, const Value& value) const {
    gw.store(column, value.projection);
    gb.store(column, value.g);
  }
  std::array<const void*, 2> addresses() const { return {g, x}; }
  PartialFold<FoldRows> of_partials(const Value* values) const { return {op, values, *this}; }
};

std::int64_t stride_of(const Tensor& parameter) { return parameter.defined() ? parameter.strides()[0] : 1; }

}  // namespace

bool layer_norm(const Tensor& x, const Tensor& w, const Tensor& b, double eps, Tensor& mean, Tensor& variance,
                Tensor& y) {
  const LoopNest rows = line_nest(x.size(0), {x.strides()[0], y.strides()[0], 0, 0});
  const LoopNest columns = line_nest(x.size(1), {x.strides()[1], y.strides()[1], stride_of(w), stride_of(b)});
  const bool dense_parameters = stride_of(w) == 1 && stride_of(b) == 1;
  const bool dense_statistics = mean.strides()[0] == 1 && variance.strides()[0] == 1;
  if (y.dtype() == DType::float32 && has_warp_rows(rows, columns, 2) && dense_parameters &&
      dense_statistics) {
    const auto blocks = static_cast<unsigned>(ceil_div(rows.numel, row_warps));
    launch("layer_norm", y.device(), {blocks, row_warps * warp_size}, layer_norm_row_kernel, x.data<float>(),
           data_of<float>(w), data_of<float>(b), static_cast<float>(eps), rows.numel,
           static_cast<int>(columns.numel), mean.mutable_data<float>(), variance.mutable_data<float>(),
           y.mutable_data<float>());
    return true;
  }
  return visit_dtype<float, double>(y.dtype(), [&]<typename T>() {
    const T* const in = x.data<T>();
    const T* const scales = data_of<T>(w);
    const T* const shifts = data_of<T>(b);
    T* const out = y.mutable_data<T>();
    const void* const data[] = {in, out, scales, shifts};
    const Tiling tiling = make_row_tiling(rows, columns, data, pack_of<T>, sizeof(T));
    launch("layer_norm", y.device(), {tiling.blocks(), tile_threads}, layer_norm_kernel<T>, tiling,
           WideIndex<4>(rows), rows.numel, WideIndex<4>(columns), columns.numel, in, scales, shifts,
           static_cast<T>(eps), StridedOutput<T>(mean), StridedOutput<T>(variance), out);
  });
}

bool layer_norm_backward(const Tensor& g, const Tensor& x, const Tensor& w, const Tensor& mean,
                         const Tensor& variance, double eps, Tensor& gx, Tensor& gw, Tensor& gb) {
  const LoopNest rows = line_nest(x.size(0), {g.strides()[0], x.strides()[0], gx.strides()[0], 0});
  const LoopNest columns =
      line_nest(x.size(1), {g.strides()[1], x.strides()[1], gx.strides()[1], stride_of(w)});
  return visit_dtype<float, double>(gx.dtype(), [&]<typename T>() {
    const StridedInput<T> means(mean, 0), variances(variance, 1);
    const T epsilon = static_cast<T>(eps);
    const T* const gradient = g.data<T>();
    const T* const in = x.data<T>();
    const T* const scales = data_of<T>(w);
    T* const out = gx.mutable_data<T>();
    const void* const data[] = {gradient, in, out, scales};
    const Tiling tiling = make_row_tiling(rows, columns, data, pack_of<T>, sizeof(T));
    const Scratch memory(rows.numel * static_cast<std::int64_t>(sizeof(Statistics<T>)), DType::uint8,
                         gx.device());
    auto* const statistics = memory.data<Statistics<T>>();
    launch("layer_norm_backward", gx.device(), {tiling.blocks(), tile_threads}, layer_norm_backward_kernel<T>,
           tiling, WideIndex<4>(rows), rows.numel, WideIndex<4>(columns), columns.numel, gradient, in, scales,
           means, variances, epsilon, out, statistics);
    if (!gw.defined() && !gb.defined()) return;
    const FoldRows<T> weights{{}, gradient, in, statistics, StridedOutput<T>(gw), StridedOutput<T>(gb)};
    fold("layer_norm_backward", gx.device(), weights,
         line_nest(x.size(1), {g.strides()[1], x.strides()[1], 1}),
         line_nest(x.size(0), {g.strides()[0], x.strides()[0]}));
  });
}

}  // namespace metron::cuda
