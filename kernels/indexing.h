// Iteration spaces for kernels: the common index space of several strided operands, with as few dimensions as
// possible.
#pragma once

#include <metron/core/tensor.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>

namespace metron {

inline constexpr int max_operands = 4;

// Sizes and strides (in elements) of up to four operands. Dimension 0 is the innermost; rank is at least 1.
struct LoopNest {
  int rank = 1;
  std::int64_t numel = 1;
  std::array<std::int64_t, max_rank> sizes{1};
  std::array<std::array<std::int64_t, max_operands>, max_rank> strides{};  // [dimension][operand]
};

// The iteration space of operands of one shape. Dimensions of size 1 are dropped, and the others are ordered
// by the first operand's strides, so that the dense axis of a channels-last output becomes the innermost.
// Adjacent dimensions that are contiguous for all operands are coalesced: dense tensors of equal layout have
// a single dimension.
LoopNest loop_nest(std::initializer_list<const Tensor*> operands);
// The same with a dense array as additional last operand, which has one element per `plane` elements:
// row-major element i of the others is paired with element i / plane of the array. Throws ValueError unless a
// plane consists of whole trailing axes.
LoopNest plane_nest(std::initializer_list<const Tensor*> operands, std::int64_t plane);

// A reduction of x to y, whose reduced axes have size 1. Operand 0 is x; operand 1 is y (in `kept` only).
struct ReductionNest {
  LoopNest kept;
  LoopNest reduced;
};
ReductionNest reduction_nest(const Tensor& x, const Tensor& y);
// With the reduced dimensions in row-major order, so that the linear index of the nest is the row-major
// index.
ReductionNest ordered_reduction_nest(const Tensor& x, const Tensor& y);

// All dimensions of x except `axis`. The operands have one shape; dimensions are ordered by the first.
LoopNest loop_nest_without(int axis, std::initializer_list<const Tensor*> operands);

// The nest with operand k replaced by a dense array, stored in iteration order.
LoopNest with_dense_operand(LoopNest nest, std::size_t k);

// Splits dimension 0 into strips of `columns` elements, the last one possibly shorter. Returns the nest over
// the strips; its last operand is the index along dimension 0.
LoopNest strips_of(LoopNest nest, std::int64_t columns);

// For a nest of y and x: the dimension along which x is dense, where y is dense along dimension 0. 0 if there
// is none.
std::size_t transposed_dimension(const LoopNest& nest);
// Splits dimensions 0 and d into `tile` x `tile` squares, smaller at the edges. Returns the nest over the
// squares; operands 2 and 3 are the indices along dimensions 0 and d.
LoopNest tiles_of(LoopNest nest, std::size_t d, std::int64_t tile);

// Throws a ValueError that names the first of the int64 `indices` outside [0, limit).
void check_indices(const char* op, const char* what, const Tensor& indices, std::int64_t limit);

// Workspace of a kernel: uninitialized memory from the caching allocator.
class Scratch {
 public:
  Scratch(std::int64_t count, DType dtype, Device device = {});
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  template <typename T>
  T* data() const {
    return static_cast<T*>(data_);
  }

 private:
  Tensor memory_;
  void* data_;
};

// Unnamed, so that each instruction set these are compiled for gets its own copy (see cpu/cpu_kernels.h).
namespace {

// Calls body(offsets, length) for each run along dimension 0 within the linear index range [begin, end).
// Dimension 0 varies fastest; `offsets` are those of the run's first element in each of N operands.
template <int N, typename Body>
inline void for_each_run(const LoopNest& nest, std::int64_t begin, std::int64_t end, const Body& body) {
  std::array<std::int64_t, max_rank> index{};
  std::array<std::int64_t, N> offsets{};
  const auto advance = [&](int dimension, std::int64_t steps) {
    const auto& strides = nest.strides[static_cast<std::size_t>(dimension)];
    for (std::size_t k = 0; k < N; ++k) offsets[k] += steps * strides[k];
  };
  std::int64_t remainder = begin;
  for (int d = 0; d < nest.rank && remainder > 0; ++d) {
    const std::size_t u = static_cast<std::size_t>(d);
    index[u] = remainder % nest.sizes[u];
    remainder /= nest.sizes[u];
    advance(d, index[u]);
  }
  while (begin < end) {
    const std::int64_t length = (std::min)(nest.sizes[0] - index[0], end - begin);
    body(offsets, length);
    begin += length;
    advance(0, -index[0]);
    index[0] = 0;
    for (int d = 1; d < nest.rank; ++d) {
      const std::size_t u = static_cast<std::size_t>(d);
      advance(d, 1);
      if (++index[u] < nest.sizes[u]) break;
      advance(d, -index[u]);
      index[u] = 0;
    }
  }
}

// The same per element: body(offsets).
template <int N, typename Body>
inline void for_each_position(const LoopNest& nest, std::int64_t begin, std::int64_t end, const Body& body) {
  for_each_run<N>(nest, begin, end, [&](std::array<std::int64_t, N> offsets, std::int64_t length) {
    for (std::int64_t i = 0; i < length; ++i) {
      body(offsets);
      for (std::size_t k = 0; k < N; ++k) offsets[k] += nest.strides[0][k];
    }
  });
}

}  // namespace
}  // namespace metron
