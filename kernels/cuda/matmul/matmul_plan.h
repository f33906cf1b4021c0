// Which kernel computes a matrix product, and in how many blocks. No device is needed to ask.
#pragma once

#include <metron/kernels/cuda/matmul/matmul_product.h>

#include <cstdint>

namespace metron::cuda {

// By tiles of y, or for few rows by dot products or down the columns (matmul_skinny.cuh).
enum class ProductKernel : std::uint8_t { large_tiles, medium_tiles, flat_tiles, dots, columns };

struct ProductPlan {
  ProductKernel kernel = ProductKernel::medium_tiles;
  bool transposed = false;  // y^T = b^T @ a^T is computed
  int team_warps = 1;       // of dots: that share a few columns
  BlockGrid grid{};
  std::int64_t blocks_of_matrix() const {
    return static_cast<std::int64_t>(grid.rows) * grid.columns * grid.splits;
  }
};

// What of the operands matters: whether each is dense along k rather than its outer axis, and whether both
// can be loaded sixteen bytes at a time. has_large: the element type has large tiles.
struct ProductLayout {
  bool a_along_k, b_along_k;
  bool vectors;
  bool has_large;
  int element_bytes;
};

inline constexpr int skinny_rows = 4;  // at most

// Few rows or columns go to the skinny kernels. Of the tiles, those of least time by a model: blocks go to
// multiprocessors in equal shares, and a tile costs its multiply-adds, edges included. Where blocks are few
// and k is long, k is split. A ShapeError if the blocks of one matrix are more than a grid holds.
ProductPlan plan_product(const ProductSize& size, const ProductLayout& layout, int multiprocessors);

inline ProductSize transposed(const ProductSize& size) { return {size.batches, size.n, size.m, size.k}; }

}  // namespace metron::cuda
