// Views: new shapes and strides over the same elements.
#include <metron/core/ops/common.h>

#include <algorithm>

namespace metron {
namespace {

// Infers a size of -1 from the number of elements.
Shape resolve_shape(const char* name, const Tensor& x, Shape shape) {
  int inferred = -1;
  std::int64_t known = 1;
  bool fits = true;
  for (int i = 0; i < shape.size(); ++i) {
    if (shape[i] == -1) {
      check<ShapeError>(inferred < 0, name, "at most one size may be -1, got ", shape);
      inferred = i;
    } else {
      check<ShapeError>(shape[i] >= 0, name, "sizes must not be negative, got ", shape);
      fits &= !__builtin_mul_overflow(known, shape[i], &known);
    }
  }
  if (inferred >= 0) {
    check<ShapeError>(known != 0, name, "-1 is ambiguous next to a size of 0, got ", shape, " for ",
                      x.shape());
    shape[inferred] = x.numel() / known;
    known *= shape[inferred];
  }
  check<ShapeError>(fits && known == x.numel(), name,
                    "the shape must have as many elements as the tensor, got ", shape, " for ", x.shape());
  return shape;
}

Tensor reshape_as(const char* name, const Tensor& x, const Shape& shape) {
  if (shape == x.shape()) return x;
  std::optional<Tensor> view = detail::try_view(x, shape);
  if (!view) return reshape_as(name, contiguous(x), shape);
  record(name, *view, {&x}, Backward::composite,
         [from = x.shape()](const Tensor& g) { return reshape(g, from); });
  return *view;
}

// The adjoint of slice: zeros of this shape, with g copied into the slice.
Tensor unslice(const Tensor& g, const Shape& shape, int axis, std::int64_t begin, std::int64_t end,
               std::int64_t step) {
  Tensor gx = Tensor::full(shape, 0, g.options());
  {
    const NoGradGuard no_grad;
    slice(gx, axis, begin, end, step).copy_(g);
  }
  record("unslice", gx, {&g}, Backward::composite,
         [=](const Tensor& gg) { return slice(gg, axis, begin, end, step); });
  return gx;
}

}  // namespace

Tensor reshape(const Tensor& x, const Shape& shape) {
  const OpScope scope("reshape");
  detail::check_operands("reshape", {&x});
  return reshape_as("reshape", x, resolve_shape("reshape", x, shape));
}

Tensor flatten(const Tensor& x, std::int64_t first, std::int64_t last) {
  const OpScope scope("flatten");
  detail::check_operands("flatten", {&x});
  if (x.rank() == 0) return reshape_as("flatten", x, {1});
  const int begin = checked_axis("flatten", first, x.rank());
  const int end = checked_axis("flatten", last, x.rank());
  check<ShapeError>(begin <= end, "flatten", "the first axis must not come after the last, got ", first,
                    " and ", last, " of ", x.shape());
  Shape shape;
  for (int i = 0; i < x.rank(); ++i) {
    if (i <= begin || i > end) {
      shape.push_back(x.shape()[i]);
    } else {
      shape[begin] *= x.shape()[i];
    }
  }
  return reshape_as("flatten", x, shape);
}

Tensor permute(const Tensor& x, const Axes& order) {
  const OpScope scope("permute");
  detail::check_operands("permute", {&x});
  check<ShapeError>(order.size() == x.rank(), "permute", "the order must name each axis once, got ", order,
                    " for ", x.shape());
  Shape shape;
  Strides strides;
  Axes inverse = Dims::filled(x.rank(), -1);
  for (int i = 0; i < x.rank(); ++i) {
    const int axis = checked_axis("permute", order[i], x.rank());
    check<ShapeError>(inverse[axis] < 0, "permute", "the order must name each axis once, got ", order,
                      " for ", x.shape());
    inverse[axis] = i;
    shape.push_back(x.shape()[axis]);
    strides.push_back(x.strides()[axis]);
  }
  Tensor y = x.as_strided(shape, strides, x.storage_offset());
  record("permute", y, {&x}, Backward::composite, [inverse](const Tensor& g) { return permute(g, inverse); });
  return y;
}

Tensor slice(const Tensor& x, std::int64_t axis, std::int64_t begin, std::int64_t end, std::int64_t step) {
  const OpScope scope("slice");
  detail::check_operands("slice", {&x});
  const int a = checked_axis("slice", axis, x.rank());
  check<ValueError>(step > 0, "slice", "the step must be positive, got ", step);
  // As in NumPy: a negative bound counts from the end, and bounds are clamped to the size.
  const std::int64_t size = x.shape()[a];
  const auto bound = [size](std::int64_t i) {
    return std::clamp<std::int64_t>(i < 0 ? i + size : i, 0, size);
  };
  begin = bound(begin);
  end = std::max(bound(end), begin);
  step = std::clamp<std::int64_t>(step, 1, std::max<std::int64_t>(size, 1));
  Shape shape = x.shape();
  Strides strides = x.strides();
  shape[a] = (end - begin + step - 1) / step;
  strides[a] *= step;
  Tensor y = x.as_strided(shape, strides, x.storage_offset() + begin * x.strides()[a]);
  record("slice", y, {&x}, Backward::composite, [from = x.shape(), a, begin, end, step](const Tensor& g) {
    return unslice(g, from, a, begin, end, step);
  });
  return y;
}

Tensor expand(const Tensor& x, const Shape& shape) {
  const OpScope scope("expand");
  detail::check_operands("expand", {&x});
  check<ShapeError>(broadcast_shapes("expand", x.shape(), shape) == shape, "expand",
                    "only sizes of 1 can grow, got ", shape, " for ", x.shape());
  if (x.shape() == shape) return x;
  Tensor y = detail::broadcast_to(x, shape);
  record("expand", y, {&x}, Backward::composite, [](const Tensor& g) { return g; });
  return y;
}

Tensor Tensor::reshape(const Shape& shape) const { return metron::reshape(*this, shape); }
Tensor Tensor::permute(const Axes& order) const { return metron::permute(*this, order); }
Tensor Tensor::expand(const Shape& shape) const { return metron::expand(*this, shape); }

Tensor Tensor::flatten(std::int64_t first, std::int64_t last) const {
  return metron::flatten(*this, first, last);
}

Tensor Tensor::slice(std::int64_t axis, std::int64_t begin, std::int64_t end, std::int64_t step) const {
  return metron::slice(*this, axis, begin, end, step);
}

Tensor Tensor::transpose(std::int64_t a, std::int64_t b) const {
  detail::check_operands("transpose", {this});
  Axes order;
  for (int i = 0; i < rank(); ++i) order.push_back(i);
  std::swap(order[checked_axis("transpose", a, rank())], order[checked_axis("transpose", b, rank())]);
  return permute(order);
}

Tensor Tensor::select(std::int64_t axis, std::int64_t index) const {
  detail::check_operands("select", {this});
  const std::int64_t size = this->size(axis);
  check<ValueError>(index >= -size && index < size, "select", "index ", index, " is outside of axis ", axis,
                    " of ", shape());
  const std::int64_t begin = index < 0 ? index + size : index;
  return slice(axis, begin, begin + 1).squeeze(axis);
}

Tensor Tensor::unsqueeze(std::int64_t axis) const {
  detail::check_operands("unsqueeze", {this});
  Shape wider = shape();
  wider.insert(checked_axis("unsqueeze", axis, rank() + 1), 1);
  return reshape(wider);
}

Tensor Tensor::squeeze(std::int64_t axis) const {
  detail::check_operands("squeeze", {this});
  Shape narrower = shape();
  const int a = checked_axis("squeeze", axis, rank());
  check<ShapeError>(narrower[a] == 1, "squeeze", "expects an axis of size 1, got axis ", axis, " of ",
                    shape());
  narrower.erase(a);
  return reshape(narrower);
}

}  // namespace metron
