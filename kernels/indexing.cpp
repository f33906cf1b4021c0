#include <metron/kernels/indexing.h>

#include <span>
#include <utility>

namespace metron {
namespace {

using Operands = std::span<const Strides* const>;

// The axes of `shape` selected by is_included(axis), innermost first.
template <typename Predicate>
LoopNest gather_axes(const Shape& shape, Operands operands, const Predicate& is_included) {
  LoopNest nest;
  nest.rank = 0;
  for (int axis = shape.size() - 1; axis >= 0; --axis) {
    if (shape[axis] == 1 || !is_included(axis)) continue;
    const std::size_t d = static_cast<std::size_t>(nest.rank++);
    nest.sizes[d] = shape[axis];
    nest.numel *= shape[axis];
    for (std::size_t k = 0; k < operands.size(); ++k) nest.strides[d][k] = (*operands[k])[axis];
  }
  return nest;
}

void sort_by_first_operand(LoopNest& nest) {
  for (int i = 1; i < nest.rank; ++i) {  // insertion sort: few dimensions, usually in order already
    for (std::size_t d = static_cast<std::size_t>(i); d > 0 && nest.strides[d][0] < nest.strides[d - 1][0];
         --d) {
      std::swap(nest.strides[d], nest.strides[d - 1]);
      std::swap(nest.sizes[d], nest.sizes[d - 1]);
    }
  }
}

void coalesce_dimensions(LoopNest& nest) {
  if (nest.rank == 0 || nest.numel == 0) {
    nest.rank = 1;
    nest.sizes[0] = nest.numel;
    nest.strides[0].fill(1);  // one element, or none, is dense
    return;
  }
  std::size_t last = 0;
  for (std::size_t d = 1; d < static_cast<std::size_t>(nest.rank); ++d) {
    bool mergeable = true;
    for (std::size_t k = 0; k < max_operands; ++k)
      mergeable = mergeable && nest.strides[d][k] == nest.strides[last][k] * nest.sizes[last];
    if (mergeable) {
      nest.sizes[last] *= nest.sizes[d];
    } else {
      ++last;
      nest.sizes[last] = nest.sizes[d];
      nest.strides[last] = nest.strides[d];
    }
  }
  nest.rank = static_cast<int>(last) + 1;
}

template <typename Predicate>
LoopNest make_nest(const Shape& shape, Operands operands, const Predicate& is_included) {
  LoopNest nest = gather_axes(shape, operands, is_included);
  sort_by_first_operand(nest);
  coalesce_dimensions(nest);
  return nest;
}

// Input of a loop nest: the strides of operands of one shape.
struct StrideList {
  std::array<const Strides*, max_operands> strides{};
  std::size_t count = 0;
  explicit StrideList(std::initializer_list<const Tensor*> operands) {
    for (const Tensor* operand : operands) add(operand->strides());
  }
  void add(const Strides& operand) { strides[count++] = &operand; }
  operator Operands() const { return Operands(strides).first(count); }
};

template <typename Predicate>
LoopNest make_nest(std::initializer_list<const Tensor*> operands, const Predicate& is_included) {
  return make_nest((*operands.begin())->shape(), StrideList(operands), is_included);
}

constexpr auto every_axis = [](int) { return true; };

}  // namespace

LoopNest loop_nest(std::initializer_list<const Tensor*> operands) { return make_nest(operands, every_axis); }

LoopNest loop_nest_without(int axis, std::initializer_list<const Tensor*> operands) {
  return make_nest(operands, [axis](int other) { return other != axis; });
}

LoopNest plane_nest(std::initializer_list<const Tensor*> operands, std::int64_t plane) {
  const Shape& shape = (*operands.begin())->shape();
  std::int64_t inside = 1;
  int axis = shape.size();
  while (inside < plane && axis > 0) inside *= shape[--axis];
  check<ValueError>(inside == plane, "plane_nest", "a plane is made of whole trailing axes, got ", plane,
                    " elements of ", shape);
  Strides array = Strides::filled(shape.size(), 0);
  for (std::int64_t stride = 1; axis > 0; stride *= shape[axis]) array[--axis] = stride;
  StrideList list(operands);
  list.add(array);
  return make_nest(shape, list, every_axis);
}

ReductionNest reduction_nest(const Tensor& x, const Tensor& y) {
  return {make_nest({&x, &y}, [&](int axis) { return y.shape()[axis] != 1; }),
          make_nest({&x}, [&](int axis) { return y.shape()[axis] == 1; })};
}

ReductionNest ordered_reduction_nest(const Tensor& x, const Tensor& y) {
  ReductionNest nest = reduction_nest(x, y);
  const Strides* const operand = &x.strides();
  nest.reduced = gather_axes(x.shape(), {&operand, 1}, [&](int axis) { return y.shape()[axis] == 1; });
  coalesce_dimensions(nest.reduced);
  return nest;
}

LoopNest with_dense_operand(LoopNest nest, std::size_t k) {
  std::int64_t stride = 1;
  for (std::size_t d = 0; d < static_cast<std::size_t>(nest.rank); ++d) {
    nest.strides[d][k] = stride;
    stride *= nest.sizes[d];
  }
  return nest;
}

LoopNest strips_of(LoopNest nest, std::int64_t columns) {
  const std::int64_t size = nest.sizes[0];
  nest.sizes[0] = (size + columns - 1) / columns;
  nest.numel = size == 0 ? 0 : nest.numel / size * nest.sizes[0];
  for (auto& strides : nest.strides) strides.back() = 0;
  nest.strides[0].back() = 1;
  for (std::int64_t& stride : nest.strides[0]) stride *= columns;
  return nest;
}

std::size_t transposed_dimension(const LoopNest& nest) {
  if (nest.strides[0][0] != 1 || nest.strides[0][1] == 1) return 0;
  for (std::size_t d = 1; d < static_cast<std::size_t>(nest.rank); ++d) {
    if (nest.strides[d][1] == 1) return d;
  }
  return 0;
}

LoopNest tiles_of(LoopNest nest, std::size_t d, std::int64_t tile) {
  const std::int64_t rows = nest.sizes[0], columns = nest.sizes[d];
  nest.sizes[0] = (rows + tile - 1) / tile;
  nest.sizes[d] = (columns + tile - 1) / tile;
  nest.numel = nest.numel / (rows * columns) * nest.sizes[0] * nest.sizes[d];
  for (const std::size_t tiled : {std::size_t{0}, d}) {
    for (std::int64_t& stride : nest.strides[tiled]) stride *= tile;
  }
  for (std::size_t other = 0; other < max_rank; ++other) {
    nest.strides[other][2] = other == 0 ? tile : 0;
    nest.strides[other][3] = other == d ? tile : 0;
  }
  return nest;
}

void check_indices(const char* op, const char* what, const Tensor& indices, std::int64_t limit) {
  const std::int64_t* const data = indices.data<std::int64_t>();
  const LoopNest nest = loop_nest({&indices});
  for_each_position<1>(nest, 0, nest.numel, [&](const auto& offsets) {
    const std::int64_t index = data[offsets[0]];
    check<ValueError>(index >= 0 && index < limit, op, what, " must be in [0, ", limit, "), got ", index);
  });
}

Scratch::Scratch(std::int64_t count, DType dtype, Device device)
    : memory_(Tensor::empty({count}, {.dtype = dtype, .device = device})),
      data_(memory_.raw_mutable_data()) {}
Scratch::~Scratch() = default;

}  // namespace metron
