#include <metron/core/error.h>
#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/cuda/matmul/matmul_plan.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace metron::cuda {
namespace {

constexpr int most_blocks = std::numeric_limits<int>::max();  // of a grid

struct TileShape {
  ProductKernel kernel;
  int rows, columns;  // of a tile
  double efficiency;  // of its multiply-adds: larger tiles read shared memory less often
  bool transposed;
};

ProductSize turned(const ProductSize& size, bool is_transposed) {
  return is_transposed ? transposed(size) : size;
}

double blocks_of(const ProductSize& size, const TileShape& tiling) {
  const ProductSize s = turned(size, tiling.transposed);
  return static_cast<double>(ceil_div(s.m, tiling.rows)) * static_cast<double>(ceil_div(s.n, tiling.columns));
}

bool fits(const ProductSize& size, const TileShape& tiling) { return blocks_of(size, tiling) <= most_blocks; }

void require(bool fits, const ProductSize& size) {
  metron::check<ShapeError>(fits, "matmul", "one matrix is computed by at most ", most_blocks,
                            " blocks, got (", size.m, ", ", size.k, ") and (", size.k, ", ", size.n, ")");
}

// With k in about `wanted` pieces of `least_depth` or more.
ProductPlan planned(const ProductSize& size, const TileShape& tiling, std::int64_t wanted,
                    std::int64_t least_depth) {
  const ProductSize s = turned(size, tiling.transposed);
  const std::int64_t rows = ceil_div(s.m, tiling.rows), columns = ceil_div(s.n, tiling.columns);
  const std::int64_t most = std::min(size.k / least_depth, most_blocks / (rows * columns));
  const std::int64_t splits = std::clamp<std::int64_t>(wanted, 1, std::max<std::int64_t>(most, 1));
  constexpr std::int64_t step = 16;  // the deepest tile, and any sixteen bytes: pieces begin on a multiple
  const std::int64_t depth = ceil_div(ceil_div(size.k, splits), step) * step;
  return {.kernel = tiling.kernel,
          .transposed = tiling.transposed,
          .grid = {.rows = static_cast<std::uint32_t>(rows),
                   .columns = static_cast<std::uint32_t>(columns),
                   .splits = static_cast<std::uint32_t>(ceil_div(size.k, depth)),
                   .split_depth = depth}};
}

// Warps that read b should be many enough to keep memory busy: first those of a team, then more blocks.
constexpr std::int64_t warps_wanted = 16;  // on a multiprocessor

ProductPlan plan_dots(const ProductSize& size, bool is_transposed, const ProductLayout& layout,
                      int multiprocessors) {
  constexpr std::int64_t warps = 8, columns_of_team = 4;  // as in matmul_skinny.cuh
  const ProductSize s = turned(size, is_transposed);
  const std::int64_t a_warp_step = 32 * (layout.vectors ? 16 / layout.element_bytes : 1);
  const std::int64_t wanted = warps_wanted * multiprocessors;
  const std::int64_t column_teams = ceil_div(s.n, columns_of_team) * s.batches;
  std::int64_t team = 1;
  while (team < warps && column_teams * team < wanted && size.k >= 2 * team * a_warp_step) team *= 2;
  const TileShape tiling{ProductKernel::dots, skinny_rows, static_cast<int>(warps / team * columns_of_team),
                         1, is_transposed};
  require(fits(size, tiling), size);
  ProductPlan plan = planned(size, tiling, wanted / (column_teams * team), 2 * team * a_warp_step);
  plan.team_warps = static_cast<int>(team);
  return plan;
}

ProductPlan plan_columns(const ProductSize& size, bool is_transposed, const ProductLayout& layout,
                         int multiprocessors) {
  constexpr std::int64_t warps = 4;  // as in matmul_skinny.cuh
  const ProductSize s = turned(size, is_transposed);
  const int columns = 32 * 16 / layout.element_bytes;
  const std::int64_t blocks = ceil_div(s.n, columns) * s.batches;
  const TileShape tiling{ProductKernel::columns, skinny_rows, columns, 1, is_transposed};
  require(fits(size, tiling), size);
  return planned(size, tiling, warps_wanted * multiprocessors / (blocks * warps), 64);
}

ProductPlan plan_tiles(const ProductSize& size, const ProductLayout& layout, int multiprocessors) {
  constexpr std::int64_t blocks_wanted = 4;  // of a multiprocessor at once: what it can run of smaller tiles
  constexpr std::int64_t least_depth = 128;  // below it, adding up the parts costs more than it saves
  ProductPlan best;
  double least = std::numeric_limits<double>::infinity();
  const auto consider = [&](const TileShape& tiling) {
    if (!fits(size, tiling)) return;
    const double matrices = static_cast<double>(size.batches);
    const double wanted =
        static_cast<double>(blocks_wanted * multiprocessors) / (blocks_of(size, tiling) * matrices);
    const bool splits = tiling.kernel != ProductKernel::large_tiles;
    const ProductPlan plan =
        planned(size, tiling, splits ? static_cast<std::int64_t>(wanted) : 1, least_depth);
    const double blocks = static_cast<double>(plan.blocks_of_matrix()) * matrices;
    const double cost = std::ceil(blocks / multiprocessors) * tiling.rows * tiling.columns *
                        static_cast<double>(plan.grid.split_depth) / tiling.efficiency;
    if (cost >= least) return;
    best = plan;
    least = cost;
  };
  consider({ProductKernel::medium_tiles, 64, 64, 0.8, false});
  if (layout.vectors && layout.has_large) consider({ProductKernel::large_tiles, 128, 128, 1, false});
  consider({ProductKernel::flat_tiles, 16, 128, 0.5, false});
  consider({ProductKernel::flat_tiles, 16, 128, 0.5, true});
  require(best.grid.columns > 0, size);
  return best;
}

}  // namespace

ProductPlan plan_product(const ProductSize& size, const ProductLayout& layout, int multiprocessors) {
  const bool is_transposed = size.m > skinny_rows;
  if (is_transposed && size.n > skinny_rows) return plan_tiles(size, layout, multiprocessors);
  const bool along_k = is_transposed ? layout.a_along_k : layout.b_along_k;
  return along_k ? plan_dots(size, is_transposed, layout, multiprocessors)
                 : plan_columns(size, is_transposed, layout, multiprocessors);
}

}  // namespace metron::cuda
