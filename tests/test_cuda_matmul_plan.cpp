// How matrix products are partitioned into blocks. Needs no device.
#include <gtest/gtest.h>
#include <metron/kernels/cuda/matmul/matmul_plan.h>

#include <set>
#include <tuple>

#include "expect_error.h"

namespace metron::test {
namespace {

using cuda::ProductLayout;
using cuda::ProductPlan;
using cuda::ProductSize;

constexpr ProductLayout aligned{
    .a_k_major = true, .b_k_major = false, .vectors = true, .has_large = true, .element_bytes = 4};
constexpr ProductLayout weights{
    .a_k_major = true, .b_k_major = true, .vectors = true, .has_large = true, .element_bytes = 4};
constexpr int multiprocessors = 132;

TEST(MatmulPlan, TilesFollowTheShape) {
  using enum cuda::ProductKernel;
  const auto kernel = [](const ProductSize& size) {
    return plan_product(size, aligned, multiprocessors).kernel;
  };
  EXPECT_EQ(kernel({1, 4096, 4096, 4096}), large_tiles);
  EXPECT_EQ(kernel({64, 64, 576, 288}), medium_tiles);
  EXPECT_EQ(kernel({1, 16, 9216, 128}), flat_tiles);
  EXPECT_EQ(kernel({1, 1, 9216, 128}), columns);
  EXPECT_EQ(plan_product({1, 1, 128, 9216}, weights, multiprocessors).kernel, dots);
  EXPECT_TRUE(plan_product({1, 9216, 10, 4096}, aligned, multiprocessors).transposed);
  EXPECT_TRUE(plan_product({1, 9216, 1, 4096}, aligned, multiprocessors).transposed);
}

TEST(MatmulPlan, FewTilesAndALongKUseSplitK) {
  for (const ProductSize& size : {ProductSize{1, 64, 128, 9216}, ProductSize{1, 10, 128, 40000},
                                  ProductSize{1, 64, 288, 36864}, ProductSize{1, 3, 7, 100003}}) {
    const ProductPlan plan = plan_product(size, weights, multiprocessors);
    EXPECT_GE(plan.blocks_of_matrix(), multiprocessors / 2) << size.k;
    EXPECT_GE(plan.grid.split_depth, 128);
  }
  EXPECT_EQ(plan_product({1, 64, 9216, 128}, aligned, multiprocessors).grid.splits, 1u);
  EXPECT_EQ(plan_product({64, 64, 576, 288}, aligned, multiprocessors).grid.splits, 1u);
}

// A split of a 16-bit product has a result in float, which large tiles do not write.
TEST(MatmulPlan, SplitsOf16BitProductsHaveNoLargeTiles) {
  ProductLayout narrow = aligned;
  narrow.element_bytes = 2;
  for (const std::int64_t k : {512, 16384, 16400, 65552}) {
    for (const int many : {1, 4, 132}) {
      const ProductPlan plan = plan_product({1, 1024, k, 1024}, narrow, many);
      EXPECT_TRUE(plan.kernel != cuda::ProductKernel::large_tiles || plan.grid.splits == 1)
          << k << ", " << many;
    }
  }
  EXPECT_EQ(plan_product({1, 1024, 512, 1024}, narrow, 4).kernel, cuda::ProductKernel::large_tiles);
}

TEST(MatmulPlan, SplitsCoverAllOfK) {
  for (const int many : {1, 8, 132}) {
    for (const std::int64_t m : {1, 4, 5, 64, 1000}) {
      for (const std::int64_t k : {1, 15, 16, 17, 127, 128, 1000, 4099, 100003}) {
        const cuda::BlockGrid grid = plan_product({1, m, 70, k}, weights, many).grid;
        EXPECT_GE(grid.splits * grid.split_depth, k);
        EXPECT_LT((grid.splits - 1) * grid.split_depth, k);
        EXPECT_TRUE(grid.splits == 1 || grid.split_depth % 16 == 0);
      }
    }
  }
}

TEST(MatmulPlan, EveryBlockHasUniqueCoordinates) {
  for (const cuda::BlockGrid& grid : {cuda::BlockGrid{1, 1, 1, 16}, cuda::BlockGrid{3, 5, 1, 16},
                                      cuda::BlockGrid{8, 3, 2, 16}, cuda::BlockGrid{19, 7, 3, 16}}) {
    const std::uint32_t batches = 3;
    std::set<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t>> seen;
    for (std::uint32_t block = 0; block < grid.rows * grid.columns * grid.splits * batches; ++block) {
      const auto tile = grid.coordinates(block);
      EXPECT_TRUE(tile.row < grid.rows && tile.column < grid.columns && tile.split < grid.splits &&
                  tile.batch < batches);
      EXPECT_TRUE(seen.insert({tile.row, tile.column, tile.split, tile.batch}).second);
    }
  }
}

// Coordinates and offsets beyond 2^31, for matrices too large to allocate.
TEST(MatmulPlan, IndicesBeyond32Bits) {
  const ProductSize size{1, (std::int64_t{1} << 33) + 5, 1000, 32};
  const ProductPlan plan = plan_product(size, aligned, multiprocessors);
  ASSERT_EQ(plan.kernel, cuda::ProductKernel::large_tiles);
  const auto last = plan.grid.coordinates(static_cast<std::uint32_t>(plan.blocks_of_matrix() - 1));
  EXPECT_EQ(last.row, ((size.m + 127) / 128) - 1);
  EXPECT_EQ(last.column, (size.n + 127) / 128 - 1);
  const cuda::BlockGrid longest{1, 0x7fffffff, 1, 16};
  EXPECT_EQ(longest.coordinates(0x7ffffffe).column, 0x7ffffffeu);
  const cuda::BlockGrid tallest{0x7fffffff, 1, 1, 16};
  EXPECT_EQ(tallest.coordinates(0x7ffffffe).row, 0x7ffffffeu);

  const std::int64_t large = (std::int64_t{1} << 32) + 1;
  const cuda::Operand<float> operand{nullptr, 3 * large, large, 2, 0, false, false};
  EXPECT_EQ(operand.offset(5, 7, 11), 5 * 3 * large + 7 * large + 22);
  const cuda::Result<float> result{nullptr, large, 2 * large, 3, large, false, false};
  EXPECT_EQ(result.offset(2, 3, 4, 5), 2 * large + 6 * large + 12 + 5 * large);
}

TEST(MatmulPlan, RejectsPlansBeyondTheGridLimits) {
  const std::int64_t huge = std::int64_t{1} << 40;
  expect_error<ShapeError>(
      [&] {
        (void)plan_product({1, huge, huge, 1}, aligned, multiprocessors);
      },
      {"matmul", "1099511627776"});
  expect_error<ShapeError>(
      [&] {
        (void)plan_product({1, 1, huge, 1 << 20}, weights, multiprocessors);
      },
      {"matmul"});
}

}  // namespace
}  // namespace metron::test
