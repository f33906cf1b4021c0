// Gradients of pooling. Channels-last, a task is a line of inputs, which gather from the windows that contain
// them. Contiguous, a task is a plane, into which its outputs scatter sequentially. Either way, an element is
// summed by one thread in a fixed order. Memory traffic: at least g, the indices and gx once.
#include <metron/kernels/cpu/cpu_kernels.h>
#include <metron/kernels/cpu/pool2d.h>

#include <algorithm>

namespace metron::METRON_ISA {
namespace {

// Channels-last: each input pixel gathers from the windows that contain it. add(pixel, output, element,
// is_first) adds the channels of one window, in which the pixel is element `element`.
template <typename T, typename Add>
void gather_channels_last(const Pool& pool, T* gx, const Add& add) {
  const PoolAxis& h = pool.h;
  const PoolAxis& w = pool.w;
  const Index channels = pool.channels;
  parallel_for(pool.images * h.input, grain_of(w.input * channels), [&](Index first, Index last) {
    for (Index line = first; line < last; ++line) {
      const Index row = line % h.input;
      const Range rows = h.windows_of(row);
      const Index image = line / h.input * h.output * w.output;
      for (Index column = 0; column < w.input; ++column) {
        T* const pixel = gx + (line * w.input + column) * channels;
        const Range columns = w.windows_of(column);
        bool is_first = true;
        for (Index oy = rows.first; oy < rows.last; ++oy) {
          for (Index ox = columns.first; ox < columns.last; ++ox) {
            const Index element = (row - h.start(oy)) * w.kernel + column - w.start(ox);
            add(pixel, (image + oy * w.output + ox) * channels, element, is_first);
            is_first = false;
          }
        }
        if (is_first) std::fill_n(pixel, channels, T{0});
      }
    }
  });
}

// Contiguous: add(plane, output) scatters the outputs of one plane into the zero-initialized plane of gx.
template <typename T, typename Add>
void scatter_contiguous(const Pool& pool, T* gx, const Add& add) {
  const Index inputs = pool.h.input * pool.w.input;
  parallel_for(pool.images * pool.channels, grain_of(inputs), [&](Index first, Index last) {
    for (Index plane = first; plane < last; ++plane) {
      std::fill_n(gx + plane * inputs, inputs, T{0});
      add(gx + plane * inputs, plane * pool.h.output * pool.w.output);
    }
  });
}

// to[c] (+)= g[c] where `element` was the maximum of the window.
template <typename T, typename I>
void gather_max(const T* g, const I* indices, I element, Index count, bool is_first, T* to) {
  if (is_first) {
    for (Index c = 0; c < count; ++c) to[c] = indices[c] == element ? g[c] : T{0};
  } else {
    for (Index c = 0; c < count; ++c) to[c] += indices[c] == element ? g[c] : T{0};
  }
}

template <typename T>
void gather_average(const T* g, T window_size, Index count, bool is_first, T* to) {
  if (is_first) {
    for (Index c = 0; c < count; ++c) to[c] = g[c] / window_size;
  } else {
    for (Index c = 0; c < count; ++c) to[c] += g[c] / window_size;
  }
}

template <typename T, typename I>
void scatter_max(const Pool& pool, const T* g, const I* indices, T* plane) {
  for (Index oy = 0; oy < pool.h.output; ++oy) {
    for (Index ox = 0; ox < pool.w.output; ++ox, ++g, ++indices) {
      const auto element = static_cast<Index>(*indices);
      const Index row = pool.h.start(oy) + element / pool.w.kernel;
      plane[row * pool.w.input + pool.w.start(ox) + element % pool.w.kernel] += *g;
    }
  }
}

template <typename T>
void scatter_average(const Pool& pool, const T* g, T window_size, T* plane) {
  const PoolAxis& w = pool.w;
  const Range kx{w.inside(w.start(w.output - 1)).first, w.inside(w.start(0)).last};
  for (Index oy = 0; oy < pool.h.output; ++oy, g += w.output) {
    const Index y0 = pool.h.start(oy);
    const Range ky = pool.h.inside(y0);
    for (Index i = ky.first; i < ky.last; ++i) {
      for (Index j = kx.first; j < kx.last; ++j) {
        const Range outputs = w.outputs_at(j);
        T* const to = plane + (y0 + i) * w.input + j - w.padding;
        for (Index ox = outputs.first; ox < outputs.last; ++ox) to[ox * w.stride] += g[ox] / window_size;
      }
    }
  }
}

}  // namespace

bool max_pool2d_backward(const Tensor& g, const Tensor& indices, const Pool2dOptions& options, Tensor& gx) {
  return visit_dtype<float, double>(gx.dtype(), [&]<typename T>() {
    const MemoryFormat format = common_format(g, gx);
    const FormattedInput gradient(g, format, copy), positions(indices, format, copy);
    FormattedOutput result(gx, format, copy);
    const T* const from = gradient.data<T>();
    T* const out = result.data<T>();
    const Pool pool = pool_of(gx, g, options);
    visit_dtype<std::uint8_t, std::int64_t>(indices.dtype(), [&]<typename I>() {
      const I* const where = positions.data<I>();
      if (format == MemoryFormat::channels_last) {
        gather_channels_last(pool, out, [&](T* pixel, Index output, Index element, bool is_first) {
          gather_max(from + output, where + output, static_cast<I>(element), pool.channels, is_first, pixel);
        });
      } else {
        scatter_contiguous(pool, out, [&](T* plane, Index output) {
          scatter_max(pool, from + output, where + output, plane);
        });
      }
    });
    result.finish();
  });
}

bool avg_pool2d_backward(const Tensor& g, const Pool2dOptions& options, Tensor& gx) {
  return visit_dtype<float, double>(gx.dtype(), [&]<typename T>() {
    const MemoryFormat format = common_format(g, gx);
    const FormattedInput gradient(g, format, copy);
    FormattedOutput result(gx, format, copy);
    const T* const from = gradient.data<T>();
    T* const out = result.data<T>();
    const Pool pool = pool_of(gx, g, options);
    const auto size = static_cast<T>(pool.window_size());
    if (format == MemoryFormat::channels_last) {
      gather_channels_last(pool, out, [&](T* pixel, Index output, Index, bool is_first) {
        gather_average(from + output, size, pool.channels, is_first, pixel);
      });
    } else {
      scatter_contiguous(pool, out,
                         [&](T* plane, Index output) { scatter_average(pool, from + output, size, plane); });
    }
    result.finish();
  });
}

}  // namespace metron::METRON_ISA
