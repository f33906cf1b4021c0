// Winograd forward pass and input gradient. A task of the forward pass is a group of tiles, small enough that
// its transformed inputs and products stay in L2: transform the inputs, then, for each panel of columns, one
// product per frequency and the transform of the outputs. Memory traffic: the images (36 / 16 of them, from
// cache) and the result once, and the transformed filters once per group from L2.
//
// The input gradient is the transposed algorithm: groups of transformed gradients, whose products become
// overlapping tiles of 6 x 6 inputs. A task is an image, in which the overlapping tiles are added in order.
#include <metron/kernels/cpu/tasks.h>
#include <metron/kernels/cpu/winograd_stages.h>

#include <algorithm>

namespace metron::METRON_ISA::winograd {
namespace {

[[gnu::noinline]] void transform_outputs(const Convolution& conv, Index i, Index first, Index count,
                                         const float* products, Index pitch) {
  const Tiling& tiling = conv.tiling;
  const Index width = std::min(panel, tiling.columns - i * panel);
  const Index row = tiling.out_width * tiling.columns;
  for (Index t = 0; t < count; ++t) {
    const Position at(tiling, first + t);
    const Index height = std::min<Index>(tile_outputs, tiling.out_height - at.y);
    const Index pixels = std::min<Index>(tile_outputs, tiling.out_width - at.x);
    const bool is_whole = height == tile_outputs && pixels == tile_outputs;
    float* const out =
        conv.result + (at.image * tiling.out_height + at.y) * row + at.x * tiling.columns + i * panel;
    for (Index j = 0; j < width; j += lanes) {
      const V bias = conv.bias == nullptr ? V{} : load(conv.bias + i * panel + j);
      const float* const from = products + t * panel + j;
      const auto load_at = [&](int y, int x) __attribute__((always_inline)) {
        return load(from + (y * tile_inputs + x) * pitch);
      };
      const auto transform = [](const auto& before, auto& after) __attribute__((always_inline)) {
        transform_output(before, after);
      };
      const auto finish = [&](V value) __attribute__((always_inline)) {
        value += bias;
        return conv.relu ? (value < V{} ? V{} : value) : value;
      };
      if (is_whole) {
        transform_2d<tile_inputs, tile_outputs>(
            transform, load_at, [&](int y, int x, V value) __attribute__((always_inline)) {
              store(out + y * row + x * tiling.columns + j, finish(value));
            });
      } else {
        transform_2d<tile_inputs, tile_outputs>(
            transform, load_at, [&](int y, int x, V value) __attribute__((always_inline)) {
              if (y < height && x < pixels) store(out + y * row + x * tiling.columns + j, finish(value));
            });
      }
    }
  }
}

// Starts to read the outputs of a panel into L2 while the products are computed.
void prefetch_outputs(const Convolution& conv, Index i, Index first, Index count) {
  const Tiling& tiling = conv.tiling;
  for (Index t = 0; t < count; ++t) {
    const Position at(tiling, first + t);
    const Index height = std::min<Index>(tile_outputs, tiling.out_height - at.y);
    const Index pixels = std::min<Index>(tile_outputs, tiling.out_width - at.x);
    for (Index y = 0; y < height; ++y) {
      const float* const row =
          conv.result + i * panel +
          ((at.image * tiling.out_height + at.y + y) * tiling.out_width + at.x) * tiling.columns;
      for (Index x = 0; x < pixels; ++x) __builtin_prefetch(row + x * tiling.columns, 1, 2);
    }
  }
}

// Adds the tiles to the gradient of their image.
[[gnu::noinline]] void add_input_gradients(const InputGradient& gradient, Index i, Index first, Index count,
                                           const float* products, Index pitch) {
  const Tiling& tiling = gradient.tiling;
  const Index width = std::min(panel, tiling.channels - i * panel);
  const Index row = tiling.in_width * tiling.channels;
  for (Index t = 0; t < count; ++t) {
    const Position at(tiling, first + t);
    const Index y0 = at.y - tiling.padding_h, x0 = at.x - tiling.padding_w;
    const bool is_whole =
        y0 >= 0 && x0 >= 0 && y0 + tile_inputs <= tiling.in_height && x0 + tile_inputs <= tiling.in_width;
    float* const out =
        gradient.result + (at.image * tiling.in_height + y0) * row + x0 * tiling.channels + i * panel;
    for (Index j = 0; j < width; j += lanes) {
      const float* const from = products + t * panel + j;
      const auto load_at = [&](int y, int x) __attribute__((always_inline)) {
        return load(from + (y * tile_inputs + x) * pitch);
      };
      const auto transform = [](const auto& before, auto& after) __attribute__((always_inline)) {
        transform_input_gradient(before, after);
      };
      const auto add_at = [&](int y, int x, V value) __attribute__((always_inline)) {
        float* const to = out + y * row + x * tiling.channels + j;
        store(to, load(to) + value);
      };
      if (is_whole) {
        transform_2d<tile_inputs, tile_inputs>(transform, load_at, add_at);
      } else {
        transform_2d<tile_inputs, tile_inputs>(
            transform, load_at, [&](int y, int x, V value) __attribute__((always_inline)) {
              const bool is_inside =
                  y0 + y >= 0 && y0 + y < tiling.in_height && x0 + x >= 0 && x0 + x < tiling.in_width;
              if (is_inside) add_at(y, x, value);
            });
      }
    }
  }
}

}  // namespace

void convolve(const Convolution& conv) {
  const Tiling& tiling = conv.tiling;
  const Index channels = tiling.channels, panels = ceil_div(tiling.columns, panel), tiles = tiling.tiles();
  const Scratch filters(transformed_size(channels, tiling.columns), DType::float32);
  transform_filters(conv.filters, channels, tiling.columns, filters.data<float>());
  const Index group = tiles_of_group(channels, tiles / num_threads());
  const Index pitch = pitch_of(group * channels), product_pitch = pitch_of(group * panel);
  const Index work = group * frequencies * channels * panels * panel / products_per_element;
  const Index scratch_size = frequencies * (pitch + product_pitch + channels);
  for_each_task<float>(ceil_div(tiles, group), work, scratch_size, [&](Index task, float* inputs) {
    const Index first = task * group, count = std::min(group, tiles - first);
    float* const products = inputs + frequencies * pitch;
    transform_inputs(tiling, conv.images, first, count, inputs, pitch,
                     products + frequencies * product_pitch);
    for (Index i = 0; i < panels; ++i) {
      const float* const filter = filters.data<float>() + i * frequencies * channels * panel;
      prefetch_outputs(conv, i, first, count);
      multiply_panel(channels, count, inputs, pitch, filter, products, product_pitch);
      transform_outputs(conv, i, first, count, products, product_pitch);
    }
  });
}

void input_gradient(const InputGradient& gradient) {
  const Tiling& tiling = gradient.tiling;
  const Index columns = tiling.columns, panels = ceil_div(tiling.channels, panel);
  const Scratch filters(transformed_size(columns, tiling.channels), DType::float32);
  transform_filters(gradient.filters, columns, tiling.channels, filters.data<float>());
  const Index tiles = tiling.rows_of_tiles() * tiling.tiles_per_row();  // of an image
  const Index group = tiles_of_group(columns, 4 * tiles);
  const Index pitch = pitch_of(group * columns), product_pitch = pitch_of(group * panel);
  const Index work = tiles * frequencies * columns * panels * panel / products_per_element;
  const Index scratch_size = frequencies * (pitch + product_pitch + columns);
  const Index image_size = tiling.in_height * tiling.in_width * tiling.channels;
  for_each_task<float>(tiling.images, work, scratch_size, [&](Index image, float* gradients) {
    std::fill_n(gradient.result + image * image_size, image_size, 0.0F);
    float* const products = gradients + frequencies * pitch;
    for (Index done = 0; done < tiles; done += group) {
      const Index first = image * tiles + done, count = std::min(group, tiles - done);
      transform_gradients(tiling, gradient.gradients, first, count, gradients, pitch,
                          products + frequencies * product_pitch, nullptr);
      for (Index i = 0; i < panels; ++i) {
        const float* const filter = filters.data<float>() + i * frequencies * columns * panel;
        multiply_panel(columns, count, gradients, pitch, filter, products, product_pitch);
        add_input_gradients(gradient, i, first, count, products, product_pitch);
      }
    }
  });
}

}  // namespace metron::METRON_ISA::winograd
