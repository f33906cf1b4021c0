// Pooling gradients as a gather: no atomics, and the order of each sum is fixed.
//
// A thread computes one element of gx, or a pack of adjacent channels, from the windows that contain it: for
// max pooling, those whose maximum it was. Non-overlapping 2 x 2 windows on contiguous planes have a
// specialized kernel, in which a thread reads two adjacent windows and writes two lines of four elements. The
// minimum traffic is g, the indices and gx once: memory-bound. Overlapping windows hit in cache.
#include <metron/kernels/arithmetic.h>
#include <metron/kernels/cuda/cuda_kernels.h>

#include <metron/kernels/cuda/pool/pool2d.cuh>

namespace metron::cuda {
namespace {

// The gradient of an element of x: the sum of its windows' contributions, then finish().
template <typename T>
struct MaxGradient {
  ConstPoolIndices indices;

  template <int count, typename Offset>
  __device__ Pack<std::int64_t, count> elements(Offset at) const {
    Pack<std::int64_t, count> result;
    const auto load = [&](const auto* from) {
      const auto pack = load_pack<count>(from + at);
#pragma unroll
      for (int lane = 0; lane < count; ++lane) result.values[lane] = pack.values[lane];
    };
    if (indices.small != nullptr) {
      load(indices.small);
    } else {
      load(indices.large);
    }
    return result;
  }
  METRON_HOST_DEVICE Real<T> contribution(T g, std::int64_t argmax, std::int64_t element) const {
    return argmax == element ? functor::convert<Real<T>>(g) : Real<T>{0};
  }
  METRON_HOST_DEVICE T finish(Real<T> sum) const { return functor::convert<T>(sum); }
};
template <typename T>
struct MeanGradient {
  Real<T> window_size;

  template <int count, typename Offset>
  __device__ Pack<std::int64_t, count> elements(Offset) const {
    return {};
  }
  METRON_HOST_DEVICE Real<T> contribution(T g, std::int64_t, std::int64_t) const {
    return functor::convert<Real<T>>(g);
  }
  METRON_HOST_DEVICE T finish(Real<T> sum) const { return functor::convert<T>(sum / window_size); }
};

template <int pack, typename Formula, typename Index, typename T>
__global__ void __launch_bounds__(pool_threads)
    pool_backward_kernel(const __grid_constant__ Formula formula, const __grid_constant__ Pool<Index> pool,
                         Index count, const T* g, T* gx) {
  using Count = std::make_unsigned_t<Index>;
  const Count threads = Count{gridDim.x} * blockDim.x;
  for (Count i = Count{blockIdx.x} * blockDim.x + threadIdx.x; i < static_cast<Count>(count); i += threads) {
    const PoolPosition<Index> position(static_cast<Index>(i), pool.h.input, pool.w.input, pool.groups, pack);
    const PoolRange<Index> rows = pool.h.windows_of(position.row),
                           columns = pool.w.windows_of(position.column);
    const Index plane = position.plane * pool.h.output.value();
    Real<T> sums[pack] = {};
    for (Index r = rows.first; r < rows.last; ++r) {
      const std::int64_t element_row = std::int64_t{position.row - pool.h.start(r)} * pool.w.kernel;
      for (Index c = columns.first; c < columns.last; ++c) {
        const std::int64_t element = element_row + position.column - pool.w.start(c);
        const Index at = ((plane + r) * pool.w.output.value() + c) * pool.inner + position.channel;
        const Pack<T, pack> from = load_pack<pack>(g + at);
        const Pack<std::int64_t, pack> argmax = formula.template elements<pack>(at);
#pragma unroll
        for (int lane = 0; lane < pack; ++lane)
          sums[lane] += formula.contribution(from.values[lane], argmax.values[lane], element);
      }
    }
    Pack<T, pack> out;
#pragma unroll
    for (int lane = 0; lane < pack; ++lane) out.values[lane] = formula.finish(sums[lane]);
    store_pack(gx + static_cast<Index>(i) * pack, out);
  }
}

template <typename Formula, typename T>
__global__ void __launch_bounds__(pool_threads)
    pool_tiles_backward_kernel(const __grid_constant__ Formula formula, Divisor pairs, std::uint32_t count,
                               const T* g, T* gx) {
  const std::uint32_t threads = gridDim.x * blockDim.x;
  for (std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += threads) {
    const int at = 2 * static_cast<int>(i), line = pairs.quotient(static_cast<int>(i));
    const int width = 4 * pairs.value();
    const Pack<T, 2> from = load_pack<2>(g + at);
    const Pack<std::int64_t, 2> argmax = formula.template elements<2>(at);
    T* const to = gx + 2 * line * width + 4 * (static_cast<int>(i) - line * pairs.value());
#pragma unroll
    for (int row = 0; row < 2; ++row) {
      Pack<T, 4> out;
#pragma unroll
      for (int column = 0; column < 4; ++column) {
        const int lane = column / 2;
        out.values[column] = formula.finish(
            formula.contribution(from.values[lane], argmax.values[lane], 2 * row + column % 2));
      }
      store_pack(to + row * width, out);
    }
  }
}

template <typename Formula, typename T>
void pool_backward(const char* op, const Formula& formula, const Tensor& g, const Tensor& gx,
                   const Pool2dOptions& o, MemoryFormat format, const ConstPoolIndices& indices,
                   const T* from, T* to) {
  const Device device = gx.device();
  const std::int64_t channels = format == MemoryFormat::channels_last ? gx.size(1) : 1;
  const auto run = [&]<int pack, typename Index>() {
    const std::int64_t count = gx.numel() / pack;
    launch(op, device, grid_stride_shape(device, count, pool_threads),
           pool_backward_kernel<pack, Formula, Index, T>, formula, Pool<Index>(gx, g, o, channels, pack),
           static_cast<Index>(count), from, to);
  };
  if (!pool_fits(gx, g, o)) return run.template operator()<1, std::int64_t>();
  if constexpr (std::is_same_v<T, float>) {
    if (gx.size(2) == 2 * g.size(2) &&
        pool_tiles(gx, g, o, format, from, static_cast<const T*>(to), indices)) {
      const std::int64_t count = g.numel() / 2;
      launch(op, device, grid_stride_shape(device, count, pool_threads),
             pool_tiles_backward_kernel<Formula, T>, formula, Divisor(g.size(3) / 2),
             static_cast<std::uint32_t>(count), from, to);
      return;
    }
    if (pool_pack(channels, from, static_cast<const T*>(to), indices) == 4)
      return run.template operator()<4, std::int32_t>();
  }
  run.template operator()<1, std::int32_t>();
}

}  // namespace

bool max_pool2d_backward(const Tensor& g, const Tensor& indices, const Pool2dOptions& options, Tensor& gx) {
  if (!pool_window_counts(options)) return false;
  if (gx.numel() == 0) return true;
  const MemoryFormat format = common_format(g, gx);
  const FormattedInput gradient(g, format, copy), elements(indices, format, copy);
  FormattedOutput result(gx, format, copy);
  ConstPoolIndices read;
  if (indices.dtype() == DType::uint8) {
    read.small = elements.data<std::uint8_t>();
  } else {
    read.large = elements.data<std::int64_t>();
  }
  visit_floating(gx.dtype(), [&]<typename T>() {
    pool_backward("max_pool2d_backward", MaxGradient<T>{read}, g, gx, options, format, read,
                  gradient.data<T>(), result.data<T>());
  });
  result.finish();
  return true;
}

bool avg_pool2d_backward(const Tensor& g, const Pool2dOptions& options, Tensor& gx) {
  if (!pool_window_counts(options)) return false;
  if (gx.numel() == 0) return true;
  const MemoryFormat format = common_format(g, gx);
  const FormattedInput gradient(g, format, copy);
  FormattedOutput result(gx, format, copy);
  const std::int64_t window_size = options.kernel.h * options.kernel.w;
  visit_floating(gx.dtype(), [&]<typename T>() {
    const MeanGradient<T> mean{static_cast<Real<T>>(window_size)};
    pool_backward("avg_pool2d_backward", mean, g, gx, options, format, {}, gradient.data<T>(),
                  result.data<T>());
  });
  result.finish();
  return true;
}

}  // namespace metron::cuda
