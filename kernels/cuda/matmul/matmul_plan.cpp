#include <metron/core/error.h>
#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/cuda/matmul/matmul_plan.h>
#include <metron/kernels/internal/long_sums.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace metron::cuda {
namespace {

constexpr int max_blocks = std::numeric_limits<int>::max();  // per grid

struct TileShape {
  ProductKernel kernel;
  int rows, columns;  // of a tile
  double efficiency;  // of its multiply-adds: larger tiles read shared memory less often
  bool transposed;
};

ProductSize oriented(const ProductSize& size, bool is_transposed) {
  return is_transposed ? transposed(size) : size;
}

double blocks_of(const ProductSize& size, const TileShape& tiling) {
  const ProductSize s = oriented(size, tiling.transposed);
  return static_cast<double>(ceil_div(s.m, tiling.rows)) * static_cast<double>(ceil_div(s.n, tiling.columns));
}

bool fits(const ProductSize& size, const TileShape& tiling) { return blocks_of(size, tiling) <= max_blocks; }

void require(bool fits, const ProductSize& size) {
  metron::check<ShapeError>(fits, "matmul", "one matrix is computed by at max_splits ", max_blocks,
                            " blocks, got (", size.m, ", ", size.k, ") and (", size.k, ", ", size.n, ")");
}

// Split-K with about `target_splits` splits of depth `min_depth` to `max_depth`, both multiples of 16.
ProductPlan make_plan(const ProductSize& size, const TileShape& tiling, std::int64_t target_splits,
                      std::int64_t min_depth, std::int64_t max_depth) {
  const ProductSize s = oriented(size, tiling.transposed);
  const std::int64_t rows = ceil_div(s.m, tiling.rows), columns = ceil_div(s.n, tiling.columns);
  const std::int64_t fitting = std::max<std::int64_t>(max_blocks / (rows * columns), 1);
  const std::int64_t wanted = std::min(target_splits, size.k / min_depth);
  const std::int64_t splits =
      std::clamp<std::int64_t>(wanted, std::min(ceil_div(size.k, max_depth), fitting), fitting);
  constexpr std::int64_t step =
      16;  // the deepest tile, and a multiple of any 16-byte vector: split boundaries stay aligned
  const std::int64_t depth = ceil_div(ceil_div(size.k, splits), step) * step;
  return {.kernel = tiling.kernel,
          .transposed = tiling.transposed,
          .grid = {.rows = static_cast<std::uint32_t>(rows),
                   .columns = static_cast<std::uint32_t>(columns),
                   .splits = static_cast<std::uint32_t>(ceil_div(size.k, depth)),
                   .split_depth = depth}};
}

// Enough warps reading b to saturate memory: first by larger teams, then by split-K.
constexpr std::int64_t target_warps = 16;  // per multiprocessor

ProductPlan plan_dots(const ProductSize& size, bool is_transposed, const ProductLayout& layout,
                      int multiprocessors) {
  constexpr std::int64_t warps = 8, columns_of_team = 4;  // as in matmul_skinny.cuh
  const ProductSize s = oriented(size, is_transposed);
  const std::int64_t a_warp_step = 32 * (layout.vectors ? 16 / layout.element_bytes : 1);
  const std::int64_t target_splits = target_warps * multiprocessors;
  const std::int64_t column_teams = ceil_div(s.n, columns_of_team) * s.batches;
  std::int64_t team = 1;
  while (team < warps && column_teams * team < target_splits && size.k >= 2 * team * a_warp_step) team *= 2;
  const TileShape tiling{ProductKernel::dots, skinny_rows, static_cast<int>(warps / team * columns_of_team),
                         1, is_transposed};
  require(fits(size, tiling), size);
  ProductPlan plan = make_plan(size, tiling, target_splits / (column_teams * team), 2 * team * a_warp_step,
                               chain_length * 32 * team);  // a chain per thread
  plan.team_warps = static_cast<int>(team);
  return plan;
}

ProductPlan plan_columns(const ProductSize& size, bool is_transposed, const ProductLayout& layout,
                         int multiprocessors) {
  constexpr std::int64_t warps = 4;  // as in matmul_skinny.cuh
  const ProductSize s = oriented(size, is_transposed);
  const int columns = 32 * 16 / layout.element_bytes;
  const std::int64_t blocks = ceil_div(s.n, columns) * s.batches;
  const TileShape tiling{ProductKernel::columns, skinny_rows, columns, 1, is_transposed};
  require(fits(size, tiling), size);
  return make_plan(size, tiling, target_warps * multiprocessors / (blocks * warps), 64,
                   chain_length * warps);  // a chain per warp
}

ProductPlan plan_tiles(const ProductSize& size, const ProductLayout& layout, int multiprocessors) {
  constexpr std::int64_t target_blocks = 4;  // resident per multiprocessor, for the smaller tiles
  constexpr std::int64_t min_depth = 128;    // below it, the reduction costs more than split-K saves
  ProductPlan best;
  double least = std::numeric_limits<double>::infinity();
  const auto consider = [&](const TileShape& tiling) {
    if (!fits(size, tiling)) return;
    const double matrices = static_cast<double>(size.batches);
    const double target_splits =
        static_cast<double>(target_blocks * multiprocessors) / (blocks_of(size, tiling) * matrices);
    const bool splits = tiling.kernel != ProductKernel::large_tiles;
    const ProductPlan plan = make_plan(size, tiling, splits ? static_cast<std::int64_t>(target_splits) : 1,
                                       min_depth, max_chained_terms);
    const double blocks = static_cast<double>(plan.blocks_of_matrix()) * matrices;
    const double cost = std::ceil(blocks / multiprocessors) * tiling.rows * tiling.columns *
                        static_cast<double>(plan.grid.split_depth) / tiling.efficiency;
    if (cost >= least) return;
    best = plan;
    least = cost;
  };
  consider({ProductKernel::medium_tiles, 64, 64, 0.8, false});
  // Splits of 16-bit products have float results, for which there is no large tile.
  const bool must_split = layout.element_bytes < 4 && size.k > max_chained_terms;
  if (layout.vectors && layout.has_large && !must_split)
    consider({ProductKernel::large_tiles, 128, 128, 1, false});
  consider({ProductKernel::flat_tiles, 16, 128, 0.5, false});
  consider({ProductKernel::flat_tiles, 16, 128, 0.5, true});
  require(best.grid.columns > 0, size);
  return best;
}

}  // namespace

ProductPlan plan_product(const ProductSize& size, const ProductLayout& layout, int multiprocessors) {
  const bool is_transposed = size.m > skinny_rows;
  if (is_transposed && size.n > skinny_rows) return plan_tiles(size, layout, multiprocessors);
  const bool k_major = is_transposed ? layout.a_k_major : layout.b_k_major;
  return k_major ? plan_dots(size, is_transposed, layout, multiprocessors)
                 : plan_columns(size, is_transposed, layout, multiprocessors);
}

}  // namespace metron::cuda
