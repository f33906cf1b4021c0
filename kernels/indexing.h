// Strides made simple for kernels: the common index space of some operands, with as few dimensions as
// possible.
#pragma once

#include <metron/core/tensor.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>

namespace metron {

inline constexpr int max_operands = 4;

// Sizes and strides (in elements) of up to four operands; dimension 0 is the innermost, rank is at least 1.
struct LoopNest {
  int rank = 1;
  std::int64_t numel = 1;
  std::array<std::int64_t, max_rank> sizes{1};
  std::array<std::array<std::int64_t, max_operands>, max_rank> strides{};  // [dimension][operand]
};

// The index space of operands of one shape. Dimensions of size 1 are dropped, the others ordered by the first
// operand's strides (so that the dense axis of a channels-last output is the innermost, too), and neighbours
// that all operands can walk as one are merged: dense tensors of equal layout give a single dimension.
LoopNest loop_nest(std::initializer_list<const Tensor*> operands);
// The same, and as the last operand a dense array with one element for each `plane` elements: element i of
// the others, counted row-major, goes with element i / plane of the array. ValueError unless a plane is whole
// trailing axes.
LoopNest plane_nest(std::initializer_list<const Tensor*> operands, std::int64_t plane);

// A reduction from x to y, whose reduced axes have size 1: operand 0 is x, operand 1 is y (in `kept` alone).
struct ReductionNest {
  LoopNest kept;
  LoopNest reduced;
};
ReductionNest reduction_nest(const Tensor& x, const Tensor& y);
// The reduced dimensions in row-major order, so that a position in the nest is the row-major index.
ReductionNest ordered_reduction_nest(const Tensor& x, const Tensor& y);

// All dimensions of x but `axis`; the operands have one shape and are ordered by the first.
LoopNest loop_nest_without(int axis, std::initializer_list<const Tensor*> operands);

// The nest with operand k dense: the strides of an array that holds its positions in order.
LoopNest with_dense_operand(LoopNest nest, std::size_t k);

// Dimension 0 cut into strips of `columns` positions, the last one shorter: the nest of the strips' first
// positions, whose last operand counts the positions before along dimension 0.
LoopNest strips_of(LoopNest nest, std::int64_t columns);

// Of a nest of y and x: the dimension along which x is dense where y is dense along dimension 0; 0 if there
// is none.
std::size_t transposed_dimension(const LoopNest& nest);
// Dimensions 0 and d cut into squares of `tile` by `tile`, those at the ends less: the nest of their first
// positions, whose operands 2 and 3 are the index along dimension 0 and along d.
LoopNest tiles_of(LoopNest nest, std::size_t d, std::int64_t tile);

// ValueError that names the first of the int64 `indices` outside [0, limit).
void check_indices(const char* op, const char* what, const Tensor& indices, std::int64_t limit);

// Working memory of a kernel: uninitialised, from the caching allocator.
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

// Unnamed, so that each instruction set that these are compiled for has its own (see cpu/cpu_kernels.h).
namespace {

// Calls body(offsets, length) for each run along dimension 0 of the positions [begin, end) of the nest, which
// count with dimension 0 fastest; offsets are those of the run's first element in each of N operands.
template <int N, typename Body>
inline void for_each_run(const LoopNest& nest, std::int64_t begin, std::int64_t end, const Body& body) {
  std::array<std::int64_t, max_rank> index{};
  std::array<std::int64_t, N> offsets{};
  const auto advance = [&](int dimension, std::int64_t steps) {
    const auto& strides = nest.strides[static_cast<std::size_t>(dimension)];
    for (std::size_t k = 0; k < N; ++k) offsets[k] += steps * strides[k];
  };
  std::int64_t rest = begin;
  for (int d = 0; d < nest.rank && rest > 0; ++d) {
    const std::size_t u = static_cast<std::size_t>(d);
    index[u] = rest % nest.sizes[u];
    rest /= nest.sizes[u];
    advance(d, index[u]);
  }
  while (begin < end) {
    const std::int64_t length = std::min(nest.sizes[0] - index[0], end - begin);
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

// The same for single positions: body(offsets).
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
