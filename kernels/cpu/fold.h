// Vectorized folds (sum, maximum) with pairwise summation: values are accumulated per lane, lanes are folded
// as a tree, blocks pairwise. Rounding error grows only logarithmically with the length. The order depends on
// the length alone, so results are equal for any number of threads.
#pragma once

#include <metron/kernels/functors.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace metron::METRON_ISA {
namespace {

template <typename T>
struct Sum : functor::binary::add<T> {
  static constexpr T identity = 0;
};
template <typename T>
struct Max : functor::binary::maximum<T> {
  static constexpr T identity = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                                     : std::numeric_limits<T>::min();
};

inline constexpr std::int64_t fold_block_length = 1024;

template <std::int64_t lane_count, typename T, typename Op, typename Load>
inline T fold_lanes(const Op& op, std::int64_t begin, std::int64_t end, const Load& load) {
  T lanes[lane_count];
  for (std::int64_t j = 0; j < lane_count; ++j) lanes[j] = load(begin + j);
  std::int64_t i = begin + lane_count;
  for (; i + lane_count <= end; i += lane_count) {
#pragma omp simd
    for (std::int64_t j = 0; j < lane_count; ++j) lanes[j] = op(lanes[j], load(i + j));
  }
  for (std::int64_t j = 0; i + j < end; ++j) lanes[j] = op(lanes[j], load(i + j));
  for (std::int64_t half = lane_count / 2; half > 0; half /= 2)
    for (std::int64_t j = 0; j < half; ++j) lanes[j] = op(lanes[j], lanes[j + half]);
  return lanes[0];
}

// Folds load(begin), ..., load(end - 1).
template <typename T, typename Op, typename Load>
[[gnu::noinline]] T fold_block(const Op& op, std::int64_t begin, std::int64_t end, const Load& load) {
  if (end - begin >= 64) return fold_lanes<32, T>(op, begin, end, load);
  if (end - begin >= 4) return fold_lanes<4, T>(op, begin, end, load);
  T result = Op::identity;
  for (std::int64_t i = begin; i < end; ++i) result = op(result, load(i));
  return result;
}

// Folds a stream of values as a balanced tree. Level k holds the fold of 2^k values if bit k of the count is
// set.
template <typename T, typename Op>
class PairwiseFold {
 public:
  explicit PairwiseFold(const Op& op) : op_(op) {}
  void add(T value) {
    std::size_t level = 0;
    for (std::uint64_t carry = count_++; (carry & 1) != 0; carry >>= 1) value = op_(levels_[level++], value);
    levels_[level] = value;
  }
  T result() const {
    T value = Op::identity;
    std::size_t level = 0;
    for (std::uint64_t bits = count_; bits != 0; bits >>= 1, ++level) {
      if ((bits & 1) != 0) value = op_(levels_[level], value);
    }
    return value;
  }

 private:
  Op op_;
  std::uint64_t count_ = 0;
  std::array<T, 64> levels_;
};

template <typename T, typename Op>
using FoldBlock = T (*)(const Op& op, std::int64_t begin, std::int64_t end, const void* load);

// Folds several blocks. `load` is type-erased, so there is one instance per T and Op.
template <typename T, typename Op>
[[gnu::noinline]] T fold_blocks(const Op& op, std::int64_t length, const void* load,
                                FoldBlock<T, Op> fold_one) {
  PairwiseFold<T, Op> blocks(op);
  for (std::int64_t begin = 0; begin < length; begin += fold_block_length)
    blocks.add(fold_one(op, begin, std::min(begin + fold_block_length, length), load));
  return blocks.result();
}

// Folds load(0), ..., load(length - 1).
template <typename T, typename Op, typename Load>
inline T fold(const Op& op, std::int64_t length, const Load& load) {
  if (length <= fold_block_length) return fold_block<T>(op, 0, length, load);
  return fold_blocks<T, Op>(op, length, &load,
                            [](const Op& o, std::int64_t begin, std::int64_t end, const void* object) {
                              return fold_block<T>(o, begin, end, *static_cast<const Load*>(object));
                            });
}

}  // namespace
}  // namespace metron::METRON_ISA
