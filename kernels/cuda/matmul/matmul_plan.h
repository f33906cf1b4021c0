// Heuristics for matrix products: which kernel, and how many blocks. Needs no device.
#pragma once

#include <metron/kernels/cuda/matmul/matmul_product.h>

#include <cstdint>

namespace metron::cuda {

// Tiles of y; dot products or columns for few rows (matmul_skinny.cuh).
enum class ProductKernel : std::uint8_t { large_tiles, medium_tiles, flat_tiles, dots, columns };

struct ProductPlan {
  ProductKernel kernel = ProductKernel::medium_tiles;
  bool transposed = false;  // computes y^T = b^T @ a^T
  int team_warps = 1;       // for dots: warps per team
  BlockGrid grid{};
  std::int64_t blocks_of_matrix() const {
    return static_cast<std::int64_t>(grid.rows) * grid.columns * grid.splits;
  }
};

// The operand properties that matter: whether each is K-major, and whether both allow 16-byte loads.
// has_large: large tiles are instantiated for the element type.
struct ProductLayout {
  bool a_k_major, b_k_major;
  bool vectors;
  bool has_large;
  int element_bytes;
};

inline constexpr int skinny_rows = 4;  // at most

// Few rows or columns go to the skinny kernels. Otherwise a cost model picks the tile: blocks are distributed
// evenly over the multiprocessors, and a tile costs its multiply-adds, padding included. With few blocks and
// a long k, split-K. Throws ShapeError if the blocks of one matrix exceed the grid limit.
ProductPlan plan_product(const ProductSize& size, const ProductLayout& layout, int multiprocessors);

inline ProductSize transposed(const ProductSize& size) { return {size.batches, size.n, size.m, size.k}; }

}  // namespace metron::cuda
