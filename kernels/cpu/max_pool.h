// Max pooling of the channels of a pixel, in registers: a vector of channels at a time, over all elements of
// its window.
#pragma once

#include <metron/kernels/cpu/pool2d.h>
#include <metron/kernels/cpu/vec.h>

#include <cmath>
#include <type_traits>

namespace metron::METRON_ISA {

inline constexpr Index max_pool_channels = 64;  // at once

// The window of one output. Its elements are at (row * row_stride + column * column_stride).
template <typename T>
struct MaxWindow {
  const T* first;  // the first element in bounds, of the first channel
  Index rows, columns;
  Index row_stride, column_stride;
  Index element, element_row;  // of the first element, and from one row to the next

  using Element = std::conditional_t<sizeof(T) == 8, std::int64_t, std::int32_t>;  // as wide as T

  // Maxima of channels [0, count) and the elements that hold them: the last NaN, else the first of equal
  // elements.
  void maxima(Index count, T* best, Element* elements) const {
    Index c = 0;
    for (; c + vec_lanes<T> <= count; c += vec_lanes<T>) {
      using Mask = decltype(Vec<T>{} < Vec<T>{});
      Vec<T> largest = load(first + c);
      Mask where = Mask{} + static_cast<Element>(element);
      for (Index i = 0; i < rows; ++i) {
        for (Index j = 0; j < columns; ++j) {
          const Vec<T> value = load(first + c + i * row_stride + j * column_stride);
          const Mask wins = (value > largest) | (value != value);  // NOLINT(misc-redundant-expression): NaN
          largest = wins ? value : largest;
          where = wins ? Mask{} + static_cast<Element>(element + i * element_row + j) : where;
        }
      }
      store(best + c, largest);
      std::memcpy(elements + c, &where, sizeof where);
    }
    for (; c < count; ++c) {
      best[c] = first[c];
      elements[c] = static_cast<Element>(element);
      for (Index i = 0; i < rows; ++i) {
        for (Index j = 0; j < columns; ++j) {
          const T value = first[c + i * row_stride + j * column_stride];
          if (value > best[c] || std::isnan(value)) {
            best[c] = value;
            elements[c] = static_cast<Element>(element + i * element_row + j);
          }
        }
      }
    }
  }
};

// Channels-last. `indices` (of y's layout) may be null.
template <typename T, typename I>
void max_pool_channels_last(const Pool& pool, const T* x, T* y, I* indices) {
  const PoolAxis &h = pool.h, &w = pool.w;
  const Index channels = pool.channels;
  const auto pool_lines = [&](Index first, Index last) {
    typename MaxWindow<T>::Element elements[max_pool_channels];
    for (Index line = first; line < last; ++line) {
      const T* const image = x + line / h.output * h.input * w.input * channels;
      const Index y0 = h.start(line % h.output);
      const Range rows = h.inside(y0);
      for (Index column = 0; column < w.output; ++column) {
        const Index x0 = w.start(column);
        const Range columns = w.inside(x0);
        MaxWindow<T> window{.first = image + ((y0 + rows.first) * w.input + x0 + columns.first) * channels,
                            .rows = rows.last - rows.first,
                            .columns = columns.last - columns.first,
                            .row_stride = w.input * channels,
                            .column_stride = channels,
                            .element = rows.first * w.kernel + columns.first,
                            .element_row = w.kernel};
        const Index output = (line * w.output + column) * channels;
        for (Index c = 0; c < channels; c += max_pool_channels, window.first += max_pool_channels) {
          const Index count = std::min(max_pool_channels, channels - c);
          window.maxima(count, y + output + c, elements);
          if (indices == nullptr) continue;
          for (Index l = 0; l < count; ++l) indices[output + c + l] = static_cast<I>(elements[l]);
        }
      }
    }
  };
  parallel_for(pool.images * h.output, grain_of(w.output * channels * pool.window_work()), pool_lines);
}

}  // namespace metron::METRON_ISA
