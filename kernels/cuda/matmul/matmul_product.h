// What the kernels of a matrix product are told: sizes, operands, result, and how the work is cut into
// blocks.
#pragma once

#include <metron/core/dtype.h>
#include <metron/core/host_device.h>
#include <metron/kernels/cuda/floating.h>

#include <cstdint>

namespace metron::cuda {

// Elements along k that a step of the tiled kernels takes.
template <typename T>
inline constexpr int tile_depth = sizeof(T) == 2 ? 16 : 8;

struct ProductSize {
  std::int64_t batches, m, n, k;
};

// a, or b: its outer axis is a's row, b's column. Strides are in elements.
template <typename T>
struct Operand {
  const T* data;
  std::int64_t batch, outer, k;
  std::int64_t step;  // bytes from a tile to the next along k
  bool along_k;       // neighbouring threads take neighbours along k, else along the outer axis
  bool vectors;       // the stride of that axis is 1 and sixteen bytes can be loaded at once

  METRON_HOST_DEVICE std::int64_t offset(std::int64_t b, std::int64_t o, std::int64_t i) const {
    return b * batch + o * outer + i * k;
  }
};

template <typename T>
struct Result {
  T* data;
  std::int64_t batch, split, row, column;  // strides; split: between the partial sums of one product
  bool along_rows;                         // neighbouring threads store neighbours along a column
  bool vectors;                            // the column stride is 1 and rows are aligned

  METRON_HOST_DEVICE std::int64_t offset(std::int64_t b, std::int64_t s, std::int64_t i,
                                         std::int64_t j) const {
    return b * batch + s * split + i * row + j * column;
  }
};

// Added to y[i, j]: data[i * row + j * column], one of which is 0; no data, nothing.
template <typename T>
struct Bias {
  const T* data;
  std::int64_t row, column;
  bool vectors;  // the stride is 1 and the elements of one store can be loaded at once
};

// y = activation(a @ b + bias), or partial sums of a @ b: then there is neither bias nor activation.
template <typename T, typename Out>
struct Product {
  ProductSize size;
  Operand<T> a, b;
  Result<Out> y;
  Bias<T> bias;
  bool relu;
};

// The blocks of a launch, numbered from 0: tiles of y, then splits of k, then batches.
struct BlockGrid {
  std::uint32_t rows, columns, splits;  // tiles down and across y, and pieces of k
  std::int64_t split_depth;             // of k, in each piece but the last

  struct Place {
    std::uint32_t row, column, split, batch;
  };
  // Tiles go down bands of eight rows, column by column: blocks that run together share rows and columns in
  // the second-level cache.
  METRON_HOST_DEVICE Place place(std::uint32_t block) const {
    const std::uint32_t tiles = rows * columns;
    const std::uint32_t tile = block % tiles, rest = block / tiles;
    const std::uint32_t height = rows < 8 ? rows : 8;
    const std::uint32_t band = tile / (height * columns), within = tile % (height * columns);
    const std::uint32_t first = band * height;
    const std::uint32_t present = rows - first < height ? rows - first : height;
    return {first + within % present, within / present, rest % splits, rest / splits};
  }
};

}  // namespace metron::cuda
