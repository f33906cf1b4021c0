// 2-D pooling, vectorized over runs of outputs along the dense dimension: the channels of a pixel or the
// pixels of a line. Each window element is one pass over the run. A task is a line of outputs. Memory
// traffic: at least x, y and the indices once.
#include <metron/kernels/arithmetic.h>
#include <metron/kernels/cpu/cpu_kernels.h>
#include <metron/kernels/cpu/max_pool.h>
#include <metron/kernels/cpu/pool2d.h>
#include <metron/kernels/internal/long_sums.h>

#include <algorithm>
#include <limits>
#include <type_traits>

namespace metron::METRON_ISA {
namespace {

constexpr Index max_run = 64;  // outputs whose state fits in the L1 cache

// Passes common steps as compile-time constants, so that the loops vectorize.
template <typename Body>
void with_step(Index step, const Body& body) {
  if (step == 1) {
    body(std::integral_constant<Index, 1>());
  } else if (step == 2) {
    body(std::integral_constant<Index, 2>());
  } else {
    body(step);
  }
}

// Running maxima and their window elements. The last NaN wins, else the first of equal elements.
template <typename T>
struct MaxRun {
  using Element =
      std::conditional_t<sizeof(T) == 8, std::int64_t, std::int32_t>;  // as wide as T, to vectorize
  T best[max_run];
  Element element[max_run];

  void start(Index count) {
    std::fill_n(best, count, -std::numeric_limits<T>::infinity());
    std::fill_n(element, count, Element{-1});
  }
  template <typename Step>
  void add(const T* x, Step step, Range lanes, Index window_element) {
    const auto here = static_cast<Element>(window_element);
    for (Index l = lanes.first; l < lanes.last; ++l) {
      const T value = x[l * step];
      const bool larger = (value > best[l]) | functor::is_nan(value) | (element[l] < 0);
      best[l] = larger ? value : best[l];
      element[l] = larger ? here : element[l];
    }
  }
};

// In double if the window has more elements than a chain.
template <typename T, typename Sum>
struct SumRun {
  Sum sum[max_run];

  void start(Index count) { std::fill_n(sum, count, Sum{0}); }
  template <typename Step>
  void add(const T* x, Step step, Range lanes, Index) {
    for (Index l = lanes.first; l < lanes.last; ++l) sum[l] += static_cast<Sum>(x[l * step]);
  }
};

// Vectorized over the channels of a pixel. finish(run, output, count) stores `count` results from element
// `output` on.
template <typename Run, typename T, typename Finish>
void pool_channels_last(const Pool& pool, const T* x, const Finish& finish) {
  const PoolAxis& h = pool.h;
  const PoolAxis& w = pool.w;
  const Index channels = pool.channels;
  const auto pool_lines = [&](Index first, Index last) {
    Run run;
    for (Index line = first; line < last; ++line) {
      const T* const image = x + line / h.output * h.input * w.input * channels;
      const Index y0 = h.start(line % h.output);
      const Range ky = h.inside(y0);
      for (Index column = 0; column < w.output; ++column) {
        const Index x0 = w.start(column);
        const Range kx = w.inside(x0);
        for (Index c = 0; c < channels; c += max_run) {
          const Index count = std::min(max_run, channels - c);
          run.start(count);
          for (Index i = ky.first; i < ky.last; ++i) {
            for (Index j = kx.first; j < kx.last; ++j) {
              const T* const pixel = image + ((y0 + i) * w.input + x0 + j) * channels + c;
              run.add(pixel, std::integral_constant<Index, 1>(), {0, count}, i * w.kernel + j);
            }
          }
          finish(run, (line * w.output + column) * channels + c, count);
        }
      }
    }
  };
  parallel_for(pool.images * h.output, grain_of(w.output * channels * pool.window_work()), pool_lines);
}

// Vectorized over the outputs of a line of one channel.
template <typename Run, typename T, typename Finish>
void pool_contiguous(const Pool& pool, const T* x, const Finish& finish) {
  const PoolAxis& h = pool.h;
  const PoolAxis& w = pool.w;
  with_step(w.stride, [&](auto step) {
    const auto pool_lines = [&](Index first, Index last) {
      Run run;
      for (Index line = first; line < last; ++line) {
        const T* const plane = x + line / h.output * h.input * w.input;
        const Index y0 = h.start(line % h.output);
        const Range ky = h.inside(y0);
        for (Index column = 0; column < w.output; column += max_run) {
          const Index count = std::min(max_run, w.output - column);
          const Range kx{w.inside(w.start(column + count - 1)).first, w.inside(w.start(column)).last};
          run.start(count);
          for (Index i = ky.first; i < ky.last; ++i) {
            for (Index j = kx.first; j < kx.last; ++j) {
              const Range outputs = w.outputs_at(j);
              const Range inside{std::max<Index>(outputs.first - column, 0),
                                 std::min(outputs.last - column, count)};
              const T* const pixel = plane + (y0 + i) * w.input + w.start(column) + j;
              run.add(pixel, step, inside, i * w.kernel + j);
            }
          }
          finish(run, line * w.output + column, count);
        }
      }
    };
    parallel_for(pool.images * pool.channels * h.output, grain_of(w.output * pool.window_work()), pool_lines);
  });
}

template <typename Run, typename T, typename Finish>
void pool_forward(const Pool& pool, const T* x, MemoryFormat format, const Finish& finish) {
  if (format == MemoryFormat::channels_last) {
    pool_channels_last<Run>(pool, x, finish);
  } else {
    pool_contiguous<Run>(pool, x, finish);
  }
}

}  // namespace

bool max_pool2d(const Tensor& x, const Pool2dOptions& options, Tensor& y, Tensor& indices) {
  if (options.kernel.h > std::numeric_limits<std::int32_t>::max() / options.kernel.w) return false;
  return visit_dtype<float, double>(y.dtype(), [&]<typename T>() {
    const MemoryFormat format = common_format(x, y);
    const FormattedInput input(x, format, copy);
    FormattedOutput values(y, format, copy);
    T* const out = values.data<T>();
    const Pool pool = pool_of(x, y, options);
    FormattedOutput positions(indices, format, copy);
    const DType position = indices.defined() ? indices.dtype() : DType::uint8;
    visit_dtype<std::uint8_t, std::int64_t>(position, [&]<typename I>() {
      I* const where = positions.data<I>();
      if (format == MemoryFormat::channels_last) {
        max_pool_channels_last(pool, input.data<T>(), out, where);
        return;
      }
      const auto finish = [&](const MaxRun<T>& run, Index output, Index count) {
        std::copy_n(run.best, count, out + output);
        if (where == nullptr) return;
        for (Index l = 0; l < count; ++l) where[output + l] = static_cast<I>(run.element[l]);
      };
      pool_contiguous<MaxRun<T>>(pool, input.data<T>(), finish);
    });
    positions.finish();
    values.finish();
  });
}

bool avg_pool2d(const Tensor& x, const Pool2dOptions& options, Tensor& y) {
  return visit_dtype<float, double>(y.dtype(), [&]<typename T>() {
    const MemoryFormat format = common_format(x, y);
    const FormattedInput input(x, format, copy);
    FormattedOutput values(y, format, copy);
    T* const out = values.data<T>();
    const Pool pool = pool_of(x, y, options);
    const auto average = [&]<typename Sum>() {
      const auto size = static_cast<Sum>(pool.window_size());
      pool_forward<SumRun<T, Sum>>(pool, input.data<T>(), format,
                                   [&](const SumRun<T, Sum>& run, Index output, Index count) {
                                     for (Index l = 0; l < count; ++l)
                                       out[output + l] = static_cast<T>(run.sum[l] / size);
                                   });
    };
    const bool is_long = pool.window_size() > chain_length;
    if constexpr (!std::is_same_v<T, double>) {
      if (is_long) average.template operator()<double>();
    }
    if (!is_long || std::is_same_v<T, double>) average.template operator()<T>();
    values.finish();
  });
}

}  // namespace metron::METRON_ISA
