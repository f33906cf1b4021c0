// The stages of Winograd convolutions. Each reads and writes a group of tiles in L2.
#include <metron/kernels/cpu/cpu_kernels.h>
#include <metron/kernels/cpu/tasks.h>
#include <metron/kernels/cpu/winograd_stages.h>

#include <algorithm>

namespace metron::METRON_ISA::winograd {
namespace {

constexpr Index group_floats = 32 * 1024;  // of transformed inputs: 128 KiB
constexpr Index group_register_tiles = 4;  // at most

template <int rows>
void multiply_rows(Index k, const float* a, Index a_row, const float* b, float* to) {
  TileSums<rows> sums;
  sums.clear();
  for (Index c = 0; c < k; ++c, b += panel) sums.add(a + c, a_row, b);
  sums.for_each([&](int i, int j, V sum) __attribute__((always_inline)) { store(to + i * panel + j, sum); });
}

}  // namespace

Index transformed_size(Index channels, Index columns) {
  return ceil_div(columns, panel) * frequencies * channels * panel;
}

void transform_filters(const Filters& filters, Index channels, Index columns, float* to) {
  constexpr int taps = filter_taps * filter_taps;
  const Index panels = ceil_div(columns, panel);
  parallel_for(panels * channels, grain_of(4 * frequencies * panel), [&](Index begin, Index end) {
    for (Index item = begin; item < end; ++item) {
      const Index i = item / channels, k = item % channels;
      alignas(vec_bytes) float filter[taps * panel];  // (taps, panel)
      pack_panel(taps, std::min(panel, columns - i * panel),
                 filters.data + k * filters.row + i * panel * filters.column, 1, filters.column, filter);
      float* const out = to + (i * frequencies * channels + k) * panel;
      for (Index j = 0; j < panel; j += lanes) {
        transform_2d<filter_taps, tile_inputs>(
            [](const auto& before, auto& after)
                __attribute__((always_inline)) { transform_filter(before, after); },
            [&](int y, int x) __attribute__((always_inline)) {
              const int tap = y * filter_taps + x;
              return load(filter + (filters.rotated ? taps - 1 - tap : tap) * panel + j);
            },
            [&](int y, int x, V value) __attribute__((always_inline)) {
              store(out + (y * tile_inputs + x) * channels * panel + j, value);
            });
      }
    }
  });
}

[[gnu::noinline]] void transform_inputs(const Tiling& tiling, const float* images, Index first, Index count,
                                        float* to, Index pitch, float* edge) {
  for (Index t = 0; t < count; ++t) {
    const Position at(tiling, first + t);
    const Window window = window_at(images + at.image * tiling.in_height * tiling.in_width * tiling.channels,
                                    tiling.in_height, tiling.in_width, tiling.channels,
                                    at.y - tiling.padding_h, at.x - tiling.padding_w, tile_inputs, edge);
    for (Index c = 0; c < tiling.channels; c += lanes) {
      const float* const from = window.data + c;
      float* const out = to + t * tiling.channels + c;
      transform_2d<tile_inputs, tile_inputs>(
          [](const auto& before, auto& after)
              __attribute__((always_inline)) { transform_input(before, after); },
          [&](int y, int x)
              __attribute__((always_inline)) { return load(from + y * window.row + x * window.pixel); },
          [&](int y, int x, V value)
              __attribute__((always_inline)) { store(out + (y * tile_inputs + x) * pitch, value); });
    }
  }
}

[[gnu::noinline]] void transform_gradients(const Tiling& tiling, const float* gradients, Index first,
                                           Index count, float* to, Index pitch, float* edge, float* bias) {
  const Index columns = tiling.columns;
  if (bias != nullptr) std::fill_n(bias, columns, 0.0F);
  for (Index t = 0; t < count; ++t) {
    const Position at(tiling, first + t);
    const Window window =
        window_at(gradients + at.image * tiling.out_height * tiling.out_width * columns, tiling.out_height,
                  tiling.out_width, columns, at.y, at.x, tile_outputs, edge);
    for (Index j = 0; j < columns; j += lanes) {
      const float* const from = window.data + j;
      float* const out = to + t * columns + j;
      V sum{};
      transform_2d<tile_outputs, tile_inputs>(
          [](const auto& before, auto& after)
              __attribute__((always_inline)) { transform_gradient(before, after); },
          [&](int y, int x) __attribute__((always_inline)) {
            const V value = load(from + y * window.row + x * window.pixel);
            sum += value;
            return value;
          },
          [&](int y, int x, V value)
              __attribute__((always_inline)) { store(out + (y * tile_inputs + x) * pitch, value); });
      if (bias != nullptr) store(bias + j, load(bias + j) + sum);
    }
  }
}

[[gnu::noinline]] void multiply_panel(Index channels, Index count, const float* from, Index pitch,
                                      const float* filters, float* products, Index product_pitch) {
  for (int f = 0; f < frequencies;
       ++f, from += pitch, filters += channels * panel, products += product_pitch) {
    // The rows beyond `count` are not read later.
    for (Index t = 0; t < count; t += most_rows)
      multiply_rows<most_rows>(channels, from + t * channels, channels, filters, products + t * panel);
  }
}

Index tiles_of_group(Index channels, Index tiles_per_thread) {
  const Index fitting = group_floats / (frequencies * channels) / most_rows;
  // Several groups per thread, so that a few images are distributed evenly.
  const Index even = tiles_per_thread / 4 / most_rows;
  return std::clamp<Index>(std::min(fitting, even), 1, group_register_tiles) * most_rows;
}

}  // namespace metron::METRON_ISA::winograd
