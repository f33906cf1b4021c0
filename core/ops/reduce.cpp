// Reductions over any axes, and sum_to, the adjoint of broadcasting.
#include <metron/core/ops/common.h>

namespace metron {
namespace {

// The shape of a reduction.
struct Reduced {
  Shape kept;              // reduced axes have size 1
  Shape result;            // reduced axes are removed, unless keep_dims
  std::int64_t count = 1;  // elements reduced to one
};

Reduced reduce_shape(const char* op, const Shape& shape, const Axes& axes, bool keep_dims) {
  Dims reduced = Dims::filled(shape.size(), axes.empty() ? 1 : 0);
  for (const std::int64_t requested : axes) {
    const int axis = checked_axis(op, requested, shape.size());
    check<ShapeError>(reduced[axis] == 0, op, "each axis may be named once, got axes ", axes, " of ", shape);
    reduced[axis] = 1;
  }
  Reduced r;
  for (int i = 0; i < shape.size(); ++i) {
    r.kept.push_back(reduced[i] != 0 ? 1 : shape[i]);
    if (reduced[i] == 0 || keep_dims) r.result.push_back(r.kept[i]);
    if (reduced[i] != 0) r.count *= shape[i];
  }
  return r;
}

Reduced checked_reduction(const char* op, const Tensor& x, const Axes& axes, bool keep_dims) {
  detail::check_operands(op, {&x});
  return reduce_shape(op, x.shape(), axes, keep_dims);
}

// The slot keeps reduced axes with size 1; the result is a view without them.
Tensor compute(ReduceOp op, const Tensor& x, const Reduced& r) {
  Tensor y = Tensor::empty(r.kept, x.options());
  kernel::reduce(op, x, y);
  return detail::view_or_copy(y, r.result);
}

}  // namespace

Tensor sum(const Tensor& x, const Axes& axes, bool keep_dims) {
  const OpScope scope("sum");
  const Reduced r = checked_reduction("sum", x, axes, keep_dims);
  detail::check_arithmetic("sum", x);
  Tensor y = compute(ReduceOp::sum, x, r);
  record("sum", y, {&x}, Backward::composite,
         [kept = r.kept, shape = x.shape()](const Tensor& g) { return g.reshape(kept).expand(shape); });
  return y;
}

Tensor mean(const Tensor& x, const Axes& axes, bool keep_dims) {
  const OpScope scope("mean");
  const Reduced r = checked_reduction("mean", x, axes, keep_dims);
  detail::check_floating("mean", x);
  Tensor y = compute(ReduceOp::mean, x, r);
  record("mean", y, {&x}, Backward::composite,
         [kept = r.kept, shape = x.shape(), count = r.count](const Tensor& g) {
           return (g / static_cast<double>(count)).reshape(kept).expand(shape);
         });
  return y;
}

Tensor max(const Tensor& x, const Axes& axes, bool keep_dims) {
  const OpScope scope("max");
  const Reduced r = checked_reduction("max", x, axes, keep_dims);
  detail::check_arithmetic("max", x);
  check<ShapeError>(r.count > 0, "max", "an empty range has no maximum, got ", x.shape(), " over axes ",
                    axes);
  Tensor y = compute(ReduceOp::max, x, r);
  record("max", y, {&x}, Backward::composite,
         [kept = r.kept, axes, x = saved(x), y = saved_output(y)](const Tensor& g) {
           const Tensor input = x.get(), equal = eq(input, y.get().reshape(kept));
           const Tensor largest = where(equal, equal, ne(input, input));  // NaNs, where there are any
           // Counted in at least float32: 16 bits hold no large count.
           const DType wide = g.dtype() == DType::float64 ? DType::float64 : DType::float32;
           const Tensor share = cast(g, wide).reshape(kept) / sum(cast(largest, wide), axes, true);
           return where(largest, cast(share, g.dtype()), detail::scalar(0, g));
         });
  return y;
}

Tensor argmax(const Tensor& x, const Axes& axes, bool keep_dims) {
  const OpScope scope("argmax");
  const Reduced r = checked_reduction("argmax", x, axes, keep_dims);
  detail::check_arithmetic("argmax", x);
  check<ShapeError>(r.count > 0, "argmax", "an empty range has no maximum, got ", x.shape(), " over axes ",
                    axes);
  Tensor y = Tensor::empty(r.kept, {DType::int64, x.device(), MemoryFormat::contiguous});
  kernel::argmax(x, y);
  return detail::view_or_copy(y, r.result);
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  detail::check_operands("sum_to", {&x});
  if (x.shape() == shape) return x;
  const int added = x.rank() - shape.size();
  bool fits = added >= 0;
  Axes axes;
  for (int i = 0; fits && i < x.rank(); ++i) {
    const std::int64_t target = i < added ? 1 : shape[i - added];
    if (i < added || target != x.shape()[i]) axes.push_back(i);
    fits = target == 1 || target == x.shape()[i];
  }
  check<ShapeError>(fits, "sum_to", "the shape must broadcast to that of the tensor, got ", shape, " and ",
                    x.shape());
  return sum(x, axes, true).reshape(shape);
}

}  // namespace metron
