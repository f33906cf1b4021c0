// Index arithmetic of the kernels, tested on the host, also beyond 2^31 where nothing could be allocated.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <metron/kernels/cuda/index.cuh>
#include <random>
#include <vector>

namespace metron::test {
namespace {

using cuda::NestIndex;

LoopNest nest_of(const std::vector<std::int64_t>& sizes,
                 const std::vector<std::array<std::int64_t, max_operands>>& strides) {
  LoopNest nest;
  nest.rank = static_cast<int>(sizes.size());
  for (std::size_t d = 0; d < sizes.size(); ++d) {
    nest.sizes[d] = sizes[d];
    nest.strides[d] = strides[d];
    nest.numel *= sizes[d];
  }
  return nest;
}

// The coordinates of a position of operand 0, which is dense.
std::array<std::int64_t, max_rank> coordinates(const LoopNest& nest, std::int64_t position) {
  std::array<std::int64_t, max_rank> result{};
  for (std::size_t d = 0; d < static_cast<std::size_t>(nest.rank); ++d) {
    result[d] = position % nest.sizes[d];
    position /= nest.sizes[d];
  }
  return result;
}

struct Box {
  std::array<std::int64_t, max_rank> first, sizes;
  bool overlaps(const Box& other, int rank) const {
    for (std::size_t d = 0; d < static_cast<std::size_t>(rank); ++d) {
      if (first[d] + sizes[d] <= other.first[d] || other.first[d] + other.sizes[d] <= first[d]) return false;
    }
    return true;
  }
};

// Checks that the parts seen by kernels partition the loop nest: they are disjoint boxes of its iteration
// space whose sizes add up, and at sampled positions every operand's offset matches the nest's.
void check_parts(const LoopNest& nest, std::size_t expected_parts) {
  constexpr int operands = 3;
  std::mt19937_64 engine(2);
  std::int64_t total = 0;
  std::vector<Box> boxes;
  cuda::for_each_part(nest, operands, [&](const LoopNest& part, const auto& begin) {
    ASSERT_TRUE(cuda::fits_index(part, operands));
    ASSERT_EQ(part.rank, nest.rank);
    const NestIndex<operands> index(part);
    for (int sample = 0; sample < 1000; ++sample) {
      std::uint64_t position = engine() % static_cast<std::uint64_t>(part.numel);
      if (sample < 2) position = sample == 0 ? 0 : static_cast<std::uint64_t>(part.numel - 1);
      std::int32_t offsets[operands];
      index.offsets(static_cast<std::uint32_t>(position), offsets);
      const auto at = coordinates(nest, begin[0] + offsets[0]);
      for (std::size_t k = 0; k < operands; ++k) {
        std::int64_t want = 0;
        for (std::size_t d = 0; d < static_cast<std::size_t>(nest.rank); ++d)
          want += at[d] * nest.strides[d][k];
        ASSERT_EQ(begin[k] + offsets[k], want);
      }
    }
    total += part.numel;
    boxes.push_back({coordinates(nest, begin[0]), part.sizes});
    for (std::size_t i = 0; i + 1 < boxes.size(); ++i)
      EXPECT_FALSE(boxes[i].overlaps(boxes.back(), nest.rank));
  });
  EXPECT_EQ(total, nest.numel);
  EXPECT_EQ(boxes.size(), expected_parts);
}

TEST(CudaIndex, IterationSpacesBeyond31BitsAreSplit) {
  constexpr std::int64_t two_to_31 = std::int64_t{1} << 31;
  check_parts(nest_of({1000}, {{1, 1, 0}}), 1);
  check_parts(nest_of({7, 11, 13}, {{1, 143, 0}, {7, 13, 1}, {77, 1, 0}}), 1);
  check_parts(nest_of({two_to_31 - 1}, {{1, 1, 1}}), 1);
  check_parts(nest_of({two_to_31}, {{1, 1, 1}}), 2);
  check_parts(nest_of({3 * two_to_31 + 5}, {{1, 1, 0}}), 7);
  // A transposed (60000, 50000), broadcast along the other axis in operand 2.
  check_parts(nest_of({60000, 50000}, {{1, 50000, 0}, {60000, 1, 1}}), 4);
  // Few positions, far apart in one operand.
  check_parts(nest_of({100, 3}, {{1, 1, 0}, {100, two_to_31, 1}}), 3);
}

TEST(CudaIndex, PacksBeginWhereAllOperandsAreAligned) {
  const auto operands_at = [](std::vector<std::size_t> addresses, std::size_t bytes) {
    std::vector<cuda::NestOperand> list;
    for (const std::size_t address : addresses)
      list.push_back({std::bit_cast<const void*>(std::uintptr_t{address}), bytes});
    return list;
  };
  const LoopNest dense = nest_of({1000}, {{1, 1, 1}});
  const auto aligned = cuda::packed_nest(dense, operands_at({4096, 8192}, 4), 4);
  ASSERT_TRUE(aligned);
  EXPECT_EQ(aligned->count, 250);
  EXPECT_EQ(aligned->edges, 0);

  const auto shifted = cuda::packed_nest(dense, operands_at({4096 + 4, 8192 + 4}, 4), 4);
  ASSERT_TRUE(shifted);
  EXPECT_EQ(shifted->head, 3);
  EXPECT_EQ(shifted->count, 249);
  EXPECT_EQ(shifted->edges, 4);
  EXPECT_FALSE(cuda::packed_nest(dense, operands_at({4096, 8192 + 4}, 4), 4)) << "no common start";

  const auto scalar =
      cuda::packed_nest(nest_of({1000}, {{1, 0, 1}}), operands_at({4096, 8192 + 4, 4096}, 4), 4);
  ASSERT_TRUE(scalar);
  EXPECT_EQ(scalar->constants, 2);

  // Rows of 12 contain whole packs, rows of 13 do not.
  EXPECT_TRUE(cuda::packed_nest(nest_of({12, 5}, {{1, 1}, {12, 0}}), operands_at({4096, 8192}, 4), 4));
  EXPECT_FALSE(cuda::packed_nest(nest_of({13, 5}, {{1, 1}, {13, 0}}), operands_at({4096, 8192}, 4), 4));
  EXPECT_FALSE(cuda::packed_nest(nest_of({12, 5}, {{1, 1}, {13, 0}}), operands_at({4096, 8192}, 4), 4));

  const auto tiny = cuda::packed_nest(nest_of({2}, {{1, 1}}), operands_at({4096, 8192}, 4), 4);
  ASSERT_TRUE(tiny);
  EXPECT_EQ(tiny->count, 0);
  EXPECT_EQ(tiny->edges, 2);
}

}  // namespace
}  // namespace metron::test
