// The one-dimensional transforms of Winograd's minimal filtering F(4, 3): four outputs of a 3-tap filter with
// six products. A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", 2015; the matrices
// follow from the interpolation points 0, +-5/8, +-3/2 and infinity (Toom-Cook), whose rounding errors are
// about a quarter of those of 0, +-1, +-2 and infinity. Two-dimensional transforms apply them to columns,
// then to rows.
#pragma once

#include <metron/kernels/cpu/gemm.h>
#include <metron/kernels/cpu/unroll.h>

namespace metron::METRON_ISA::winograd {

inline constexpr int tile_outputs = 4;  // per axis
inline constexpr int tile_inputs = 6;
inline constexpr int filter_taps = 3;
inline constexpr int frequencies = tile_inputs * tile_inputs;

using V = Vec<float>;
inline constexpr Index lanes = vec_lanes<float>;

inline constexpr Index panel = panel_width<float>;
inline constexpr Index most_rows = tile_rows;  // of a register tile

// At least `floats`, and an odd number of cache lines: frequencies at this distance are in different cache
// sets.
inline Index pitch_of(Index floats) { return ((floats + 15) / 16 / 2 * 2 + 1) * 16; }

// The finite points other than 0, and their powers, which are exact.
inline constexpr float near = 0.625F, far = 1.5F;
inline constexpr float near_2 = near * near, far_2 = far * far;
inline constexpr float near_3 = near_2 * near, far_3 = far_2 * far;

// B^T: six inputs to six frequencies.
[[gnu::always_inline]] inline void transform_input(const V (&d)[6], V (&f)[6]) {
  const V even_near = d[4] - far_2 * d[2], odd_near = near * (d[3] - far_2 * d[1]);
  const V even_far = d[4] - near_2 * d[2], odd_far = far * (d[3] - near_2 * d[1]);
  f[0] = d[4] + (near_2 * far_2 * d[0] - (near_2 + far_2) * d[2]);
  f[1] = even_near + odd_near;
  f[2] = even_near - odd_near;
  f[3] = even_far + odd_far;
  f[4] = even_far - odd_far;
  f[5] = d[5] + (near_2 * far_2 * d[1] - (near_2 + far_2) * d[3]);
}

// G: three filter taps to six frequencies.
inline constexpr float scale_0 = 1 / (near_2 * far_2);
inline constexpr float scale_near = 1 / (2 * near_2 * (near_2 - far_2));
inline constexpr float scale_far = 1 / (2 * far_2 * (far_2 - near_2));
[[gnu::always_inline]] inline void transform_filter(const V (&w)[3], V (&f)[6]) {
  const V even_near = scale_near * w[0] + scale_near * near_2 * w[2], odd_near = scale_near * near * w[1];
  const V even_far = scale_far * w[0] + scale_far * far_2 * w[2], odd_far = scale_far * far * w[1];
  f[0] = scale_0 * w[0];
  f[1] = even_near + odd_near;
  f[2] = even_near - odd_near;
  f[3] = even_far + odd_far;
  f[4] = even_far - odd_far;
  f[5] = w[2];
}

// A^T: six frequencies to four outputs.
[[gnu::always_inline]] inline void transform_output(const V (&f)[6], V (&y)[4]) {
  const V sum_near = f[1] + f[2], difference_near = f[1] - f[2];
  const V sum_far = f[3] + f[4], difference_far = f[3] - f[4];
  y[0] = f[0] + sum_near + sum_far;
  y[1] = near * difference_near + far * difference_far;
  y[2] = near_2 * sum_near + far_2 * sum_far;
  y[3] = f[5] + (near_3 * difference_near + far_3 * difference_far);
}

// A: the gradients of four outputs to six frequencies.
[[gnu::always_inline]] inline void transform_gradient(const V (&g)[4], V (&f)[6]) {
  const V even_near = g[0] + near_2 * g[2], odd_near = near * g[1] + near_3 * g[3];
  const V even_far = g[0] + far_2 * g[2], odd_far = far * g[1] + far_3 * g[3];
  f[0] = g[0];
  f[1] = even_near + odd_near;
  f[2] = even_near - odd_near;
  f[3] = even_far + odd_far;
  f[4] = even_far - odd_far;
  f[5] = g[3];
}

// G^T: six frequencies to the gradients of three filter taps.
[[gnu::always_inline]] inline void transform_filter_gradient(const V (&f)[6], V (&w)[3]) {
  const V sum_near = scale_near * (f[1] + f[2]), difference_near = scale_near * near * (f[1] - f[2]);
  const V sum_far = scale_far * (f[3] + f[4]), difference_far = scale_far * far * (f[3] - f[4]);
  w[0] = scale_0 * f[0] + (sum_near + sum_far);
  w[1] = difference_near + difference_far;
  w[2] = f[5] + (near_2 * sum_near + far_2 * sum_far);
}

// B: six frequencies to the gradients of six inputs.
[[gnu::always_inline]] inline void transform_input_gradient(const V (&f)[6], V (&d)[6]) {
  const V sum_near = f[1] + f[2], difference_near = near * (f[1] - f[2]);
  const V sum_far = f[3] + f[4], difference_far = far * (f[3] - f[4]);
  d[0] = near_2 * far_2 * f[0];
  d[1] = near_2 * far_2 * f[5] - (far_2 * difference_near + near_2 * difference_far);
  d[2] = -(near_2 + far_2) * f[0] - (far_2 * sum_near + near_2 * sum_far);
  d[3] = (difference_near + difference_far) - (near_2 + far_2) * f[5];
  d[4] = f[0] + (sum_near + sum_far);
  d[5] = f[5];
}

// Applies `transform` from n to m values to the columns and then the rows of an n x n matrix: load(i, j) are
// its elements, store(i, j, value) takes those of the m x m result.
template <int n, int m, typename Transform, typename Load, typename Store>
[[gnu::always_inline]] inline void transform_2d(const Transform& transform, const Load& load_at,
                                                const Store& store_at) {
  V half[m][n];
  unrolled<n>([&](auto j) __attribute__((always_inline)) {
    V column[n], result[m];
    unrolled<n>([&](auto i) __attribute__((always_inline)) { column[i] = load_at(i, j); });
    transform(column, result);
    unrolled<m>([&](auto i) __attribute__((always_inline)) { half[i][j] = result[i]; });
  });
  unrolled<m>([&](auto i) __attribute__((always_inline)) {
    V result[m];
    transform(half[i], result);
    unrolled<m>([&](auto j) __attribute__((always_inline)) { store_at(i, j, result[j]); });
  });
}

// Tiles of 4 x 4 outputs of a 3 x 3 convolution with stride 1, in row-major order over the images. The input
// is read with zeros around it.
struct Tiling {
  Index images;
  Index in_height, in_width, channels;
  Index out_height, out_width, columns;
  Index padding_h, padding_w;

  Index rows_of_tiles() const { return (out_height + tile_outputs - 1) / tile_outputs; }
  Index tiles_per_row() const { return (out_width + tile_outputs - 1) / tile_outputs; }
  Index tiles() const { return images * rows_of_tiles() * tiles_per_row(); }
};

// One tile: its image, and its first output.
struct Position {
  Index image, y, x;
  Position(const Tiling& tiling, Index tile) {
    const Index row = tile / tiling.tiles_per_row();
    x = tile % tiling.tiles_per_row() * tile_outputs;
    y = row % tiling.rows_of_tiles() * tile_outputs;
    image = row / tiling.rows_of_tiles();
  }
};

// A square of pixels in memory.
struct Window {
  const float* data;
  Index row, pixel;  // strides
};

// Pixels (y, x) to (y + size, x + size) of a channels-last image of height x width: in place, or with zeros
// outside of the image in `edge`, which has room for the square.
inline Window window_at(const float* image, Index height, Index width, Index channels, Index y, Index x,
                        Index size, float* edge) {
  if (y >= 0 && x >= 0 && y + size <= height && x + size <= width)
    return {image + (y * width + x) * channels, width * channels, channels};
  for (Index i = 0; i < size; ++i) {
    for (Index j = 0; j < size; ++j) {
      float* const to = edge + (i * size + j) * channels;
      const bool inside = y + i >= 0 && y + i < height && x + j >= 0 && x + j < width;
      if (inside) {
        std::memcpy(to, image + ((y + i) * width + x + j) * channels,
                    static_cast<std::size_t>(channels) * sizeof(float));
      } else {
        std::memset(to, 0, static_cast<std::size_t>(channels) * sizeof(float));
      }
    }
  }
  return {edge, size * channels, channels};
}

}  // namespace metron::METRON_ISA::winograd
