// Runs on the calling thread. Each row is copied once; a pixel comes from memory for its first tap and from
// the caches afterwards.
#include <metron/kernels/cpu/im2col.h>

#include <algorithm>

namespace metron::METRON_ISA {
namespace {

// Runs are often only a few elements long; calling memcpy would cost more than the copy.
template <typename T>
T* copy_run(const T* from, Index count, T* to) {
  Index i = 0;
  for (; i + vec_lanes<T> <= count; i += vec_lanes<T>) store(to + i, load(from + i));
  for (; i < count; ++i) to[i] = from[i];
  return to + count;
}

template <typename T>
T* zero_run(Index count, T* to) {
  return std::fill_n(to, count, T{0});
}

// Gathers the taps of one image line; the first tap is at x.
template <typename T>
T* gather_line(const Gather<T>& gather, const T* line, Index x, T* to) {
  const GatherAxis& w = gather.w;
  if (w.tap_step == 1 && gather.channels == gather.pixel_stride) {
    const Index begin = std::clamp<Index>(-x, 0, w.taps);
    const Index end = std::clamp<Index>(w.inputs - x, begin, w.taps);
    to = zero_run(begin * gather.channels, to);
    to = copy_run(line + (x + begin) * gather.channels, (end - begin) * gather.channels, to);
    return zero_run((w.taps - end) * gather.channels, to);
  }
  for (Index t = 0; t < w.taps; ++t, x += w.tap_step) {
    to = x >= 0 && x < w.inputs ? copy_run(line + x * gather.pixel_stride, gather.channels, to)
                                : zero_run(gather.channels, to);
  }
  return to;
}

}  // namespace

template <typename T>
void im2col(const Gather<T>& gather, Index first, Index count, T* rows, Index row_stride) {
  if (count == 0) return;
  const Index line_size = gather.w.inputs * gather.pixel_stride;
  Index x = first % gather.w.outputs;
  Index y = first / gather.w.outputs % gather.h.outputs;
  const T* image = gather.images + first / gather.image_outputs() * gather.h.inputs * line_size;
  for (Index row = 0; row < count; ++row) {
    T* to = rows + row * row_stride;
    for (Index t = 0; t < gather.h.taps; ++t) {
      const Index line = y * gather.h.step + gather.h.offset + t * gather.h.tap_step;
      to = line >= 0 && line < gather.h.inputs
               ? gather_line(gather, image + line * line_size, x * gather.w.step + gather.w.offset, to)
               : zero_run(gather.w.taps * gather.channels, to);
    }
    if (++x < gather.w.outputs) continue;
    x = 0;
    if (++y < gather.h.outputs) continue;
    y = 0;
    image += gather.h.inputs * line_size;
  }
}

template void im2col(const Gather<float>&, Index, Index, float*, Index);
template void im2col(const Gather<double>&, Index, Index, double*, Index);

}  // namespace metron::METRON_ISA
