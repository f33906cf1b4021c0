// Arguments of the matrix product kernels: sizes, operands, result, and the partition into blocks.
#pragma once

#include <metron/core/dtype.h>
#include <metron/core/host_device.h>
#include <metron/kernels/cuda/floating.h>

#include <cstdint>

namespace metron::cuda {

// Depth of a tile along k.
template <typename T>
inline constexpr int tile_depth = sizeof(T) == 2 ? 16 : 8;

struct ProductSize {
  std::int64_t batches, m, n, k;
};

// a or b: its outer axis is the row of a, the column of b. Strides are in elements.
template <typename T>
struct Operand {
  const T* data;
  std::int64_t batch, outer, k;
  std::int64_t step;  // bytes between consecutive tiles along k
  bool k_major;       // adjacent threads load along k, otherwise along the outer axis
  bool vectors;       // that axis has stride 1 and allows 16-byte loads

  METRON_HOST_DEVICE std::int64_t offset(std::int64_t b, std::int64_t o, std::int64_t i) const {
    return b * batch + o * outer + i * k;
  }
};

template <typename T>
struct Result {
  T* data;
  std::int64_t batch, split, row, column;  // strides; split: between partial sums
  bool column_major;                       // adjacent threads store along a column
  bool vectors;                            // the column stride is 1 and rows are aligned

  METRON_HOST_DEVICE std::int64_t offset(std::int64_t b, std::int64_t s, std::int64_t i,
                                         std::int64_t j) const {
    return b * batch + s * split + i * row + j * column;
  }
};

// Adds data[i * row + j * column] to y[i, j], where one stride is 0. Null data adds nothing.
template <typename T>
struct Bias {
  const T* data;
  std::int64_t row, column;
  bool vectors;  // the stride is 1 and vector loads are aligned
};

// y = activation(a @ b + bias), or split-K partial sums of a @ b, which have neither bias nor activation.
template <typename T, typename Out>
struct Product {
  ProductSize size;
  Operand<T> a, b;
  Result<Out> y;
  Bias<T> bias;
  bool relu;
};

// The blocks of a launch in linear order: tiles of y, then splits of k, then batches.
struct BlockGrid {
  std::uint32_t rows, columns, splits;  // tiles along m and n, and splits of k
  std::int64_t split_depth;             // of k, in each split but the last

  struct Coordinates {
    std::uint32_t row, column, split, batch;
  };
  // Rasterizes tiles in bands of eight rows, column by column: concurrent blocks share rows and columns in
  // L2.
  METRON_HOST_DEVICE Coordinates coordinates(std::uint32_t block) const {
    const std::uint32_t tiles = rows * columns;
    const std::uint32_t tile = block % tiles, outer = block / tiles;
    const std::uint32_t height = rows < 8 ? rows : 8;
    const std::uint32_t band = tile / (height * columns), within = tile % (height * columns);
    const std::uint32_t first = band * height;
    const std::uint32_t present = rows - first < height ? rows - first : height;
    return {first + within % present, within / present, outer % splits, outer / splits};
  }
};

}  // namespace metron::cuda
