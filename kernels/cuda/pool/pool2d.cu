// Pooling over windows.
//
// A thread computes one output, or a pack of adjacent channels where they are dense: lanes take adjacent
// outputs, and each iterates over its window row by row. Non-overlapping 2 x 2 windows on contiguous planes
// have a specialized kernel, in which a thread reads four adjacent elements of two lines and computes two
// outputs: scalar loads with stride 2 would move twice the sectors. The minimum traffic is x, y and the
// indices once: memory-bound. Overlapping windows hit in cache.
#include <metron/kernels/arithmetic.h>
#include <metron/kernels/cuda/cuda_kernels.h>
#include <metron/kernels/internal/long_sums.h>

#include <metron/kernels/cuda/pool/pool2d.cuh>

namespace metron::cuda {
namespace {

// Reduces a window in order. The last NaN wins, else the first of equal elements.
template <typename T>
struct Largest {
  struct State {
    Real<T> best = -std::numeric_limits<Real<T>>::infinity();
    std::int64_t element = -1;

    METRON_HOST_DEVICE void add(T value, std::int64_t here) {
      const auto real = functor::convert<Real<T>>(value);
      const bool larger = element < 0 || real > best || functor::is_nan(real);
      best = larger ? real : best;
      element = larger ? here : element;
    }
  };
  METRON_HOST_DEVICE T value(const State& state) const { return functor::convert<T>(state.best); }
};
// Summed in Acc: in double if the window has more elements than a chain.
template <typename T, typename Acc = Real<T>>
struct Mean {
  Acc window_size;
  struct State {
    Acc sum = 0;
    METRON_HOST_DEVICE void add(T value, std::int64_t) { sum += functor::convert<Acc>(value); }
  };
  METRON_HOST_DEVICE T value(const State& state) const {
    return functor::convert<T>(state.sum / window_size);
  }
};

// Stores adjacent outputs, and for max pooling their indices if requested.
template <int count, typename Reduce, typename T, typename Offset>
__device__ inline void finish(const Reduce& reduce, const typename Reduce::State (&states)[count], Offset at,
                              T* y, const PoolIndices& indices) {
  Pack<T, count> out;
#pragma unroll
  for (int lane = 0; lane < count; ++lane) out.values[lane] = reduce.value(states[lane]);
  store_pack(y + at, out);
  if constexpr (std::is_same_v<Reduce, Largest<T>>) {
    const auto store = [&]<typename I>(I* to) {
      Pack<I, count> elements;
#pragma unroll
      for (int lane = 0; lane < count; ++lane) elements.values[lane] = static_cast<I>(states[lane].element);
      store_pack(to + at, elements);
    };
    if (indices.small != nullptr) store(indices.small);
    if (indices.large != nullptr) store(indices.large);
  }
}

template <int pack, typename Reduce, typename Index, typename T>
__global__ void __launch_bounds__(pool_threads, 1)
    pool_kernel(const __grid_constant__ Reduce reduce, const __grid_constant__ Pool<Index> pool, Index count,
                const T* x, T* y, PoolIndices indices) {
  using Count = std::make_unsigned_t<Index>;
  const Count threads = Count{gridDim.x} * blockDim.x;
  for (Count i = Count{blockIdx.x} * blockDim.x + threadIdx.x; i < static_cast<Count>(count); i += threads) {
    const PoolPosition<Index> position(static_cast<Index>(i), pool.h.output, pool.w.output, pool.groups,
                                       pack);
    const Index y0 = pool.h.start(position.row), x0 = pool.w.start(position.column);
    const PoolRange<Index> rows = pool.h.inside(y0), columns = pool.w.inside(x0);
    const T* const plane = x + position.plane * pool.h.input.value() * pool.w.input.value() * pool.inner;
    typename Reduce::State states[pack];
    for (Index r = rows.first; r < rows.last; ++r) {
      for (Index c = columns.first; c < columns.last; ++c) {
        const Index pixel = (y0 + r) * pool.w.input.value() + x0 + c;
        const Pack<T, pack> in = load_pack<pack>(plane + pixel * pool.inner + position.channel);
        const std::int64_t element = std::int64_t{r} * pool.w.kernel + c;
#pragma unroll
        for (int lane = 0; lane < pack; ++lane) states[lane].add(in.values[lane], element);
      }
    }
    finish<pack>(reduce, states, static_cast<Index>(i) * pack, y, indices);
  }
}

template <typename Reduce, typename T>
__global__ void __launch_bounds__(pool_threads)
    pool_tiles_kernel(const __grid_constant__ Reduce reduce, Divisor pairs, Divisor lines,
                      std::int32_t height, std::uint32_t count, const T* x, T* y, PoolIndices indices) {
  const std::uint32_t threads = gridDim.x * blockDim.x;
  for (std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += threads) {
    const int line = pairs.quotient(static_cast<int>(i)), plane = lines.quotient(line);
    const int row = plane * height + 2 * (line - plane * lines.value());
    const int width = 4 * pairs.value();
    const T* const from = x + row * width + 4 * (static_cast<int>(i) - line * pairs.value());
    const Pack<T, 4> top = load_pack<4>(from), bottom = load_pack<4>(from + width);
    typename Reduce::State states[2];
#pragma unroll
    for (int lane = 0; lane < 2; ++lane) {
      states[lane].add(top.values[2 * lane], 0);
      states[lane].add(top.values[2 * lane + 1], 1);
      states[lane].add(bottom.values[2 * lane], 2);
      states[lane].add(bottom.values[2 * lane + 1], 3);
    }
    finish<2>(reduce, states, static_cast<int>(i) * 2, y, indices);
  }
}

template <typename Reduce, typename T>
void pool(const char* op, const Reduce& reduce, const Tensor& x, const Tensor& y, const Pool2dOptions& o,
          MemoryFormat format, const T* from, T* to, const PoolIndices& indices) {
  const std::int64_t channels = format == MemoryFormat::channels_last ? x.size(1) : 1;
  const auto run = [&]<int pack, typename Index>() {
    const std::int64_t count = y.numel() / pack;
    launch(op, y.device(), grid_stride_shape(y.device(), count, pool_threads),
           pool_kernel<pack, Reduce, Index, T>, reduce, Pool<Index>(x, y, o, channels, pack),
           static_cast<Index>(count), from, to, indices);
  };
  if (!pool_fits(x, y, o)) return run.template operator()<1, std::int64_t>();
  if constexpr (std::is_same_v<T, float>) {
    if (pool_tiles(x, y, o, format, from, static_cast<const T*>(to), {indices.small, indices.large})) {
      const std::int64_t count = y.numel() / 2;
      launch(op, y.device(), grid_stride_shape(y.device(), count, pool_threads), pool_tiles_kernel<Reduce, T>,
             reduce, Divisor(y.size(3) / 2), Divisor(y.size(2)), static_cast<std::int32_t>(x.size(2)),
             static_cast<std::uint32_t>(count), from, to, indices);
      return;
    }
    if (pool_pack(channels, from, static_cast<const T*>(to), {indices.small, indices.large}) == 4)
      return run.template operator()<4, std::int32_t>();
  }
  run.template operator()<1, std::int32_t>();
}

}  // namespace

bool max_pool2d(const Tensor& x, const Pool2dOptions& options, Tensor& y, Tensor& indices) {
  if (!pool_window_counts(options)) return false;
  if (y.numel() == 0) return true;
  const MemoryFormat format = common_format(x, y);
  const FormattedInput input(x, format, copy);
  FormattedOutput values(y, format, copy), elements(indices, format, copy);
  PoolIndices written;
  if (indices.defined() && indices.dtype() == DType::uint8) written.small = elements.data<std::uint8_t>();
  if (indices.defined() && indices.dtype() == DType::int64) written.large = elements.data<std::int64_t>();
  visit_floating(y.dtype(), [&]<typename T>() {
    pool("max_pool2d", Largest<T>{}, x, y, options, format, input.data<T>(), values.data<T>(), written);
  });
  values.finish();
  elements.finish();
  return true;
}

bool avg_pool2d(const Tensor& x, const Pool2dOptions& options, Tensor& y) {
  if (!pool_window_counts(options)) return false;
  if (y.numel() == 0) return true;
  const MemoryFormat format = common_format(x, y);
  const FormattedInput input(x, format, copy);
  FormattedOutput values(y, format, copy);
  const std::int64_t window_size = options.kernel.h * options.kernel.w;
  visit_floating(y.dtype(), [&]<typename T>() {
    const auto run = [&]<typename Acc>() {
      const Mean<T, Acc> mean{static_cast<Acc>(window_size)};
      pool("avg_pool2d", mean, x, y, options, format, input.data<T>(), values.data<T>(), {});
    };
    if (window_size > chain_length) {
      run.template operator()<double>();
    } else {
      run.template operator()<Real<T>>();
    }
  });
  values.finish();
  return true;
}

}  // namespace metron::cuda
