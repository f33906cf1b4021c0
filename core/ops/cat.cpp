// Concatenation along one axis.
#include <metron/core/ops/common.h>

#include <vector>

namespace metron {
namespace {

constexpr std::size_t max_inputs = GradMask::max_inputs;

// The concatenated shape. All sizes but that of `axis` must agree.
Shape concatenated_shape(std::span<const Tensor> tensors, int axis) {
  Shape shape = tensors[0].shape();
  shape[axis] = 0;
  for (const Tensor& x : tensors) {
    detail::check_operands("cat", {&tensors[0], &x});
    Shape others = x.shape();
    if (x.rank() == shape.size()) others[axis] = shape[axis];
    check<ShapeError>(others == shape, "cat", "all sizes but that of axis ", axis, " must agree, got ",
                      tensors[0].shape(), " and ", x.shape());
    shape[axis] += x.shape()[axis];
  }
  return shape;
}

}  // namespace

Tensor cat(std::span<const Tensor> tensors, std::int64_t axis) {
  const OpScope scope("cat");
  check<ValueError>(!tensors.empty(), "cat", "expects at least one tensor, got an empty list");
  if (tensors.size() > max_inputs) {
    const Tensor halves[] = {cat(tensors.first(tensors.size() / 2), axis),
                             cat(tensors.subspan(tensors.size() / 2), axis)};
    return cat(halves, axis);
  }
  detail::check_operands("cat", {&tensors[0]});
  const int a = checked_axis("cat", axis, tensors[0].rank());
  const Tensor& first = tensors[0];
  Tensor y = Tensor::empty(concatenated_shape(tensors, a),
                           {first.dtype(), first.device(), detail::layout_of(first)});
  std::vector<const Tensor*> inputs;
  std::vector<std::int64_t> bounds{0};
  for (const Tensor& x : tensors) {
    inputs.push_back(&x);
    bounds.push_back(bounds.back() + x.shape()[a]);
    Tensor part = y.slice(a, bounds[inputs.size() - 1], bounds.back());
    kernel::copy(x, part);
  }
  record("cat", y, inputs, Backward::composite, [a, bounds](const Tensor& g, GradMask needed) {
    Gradients gradients(bounds.size() - 1);
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      if (needed[i]) gradients[i] = g.slice(a, bounds[i], bounds[i + 1]);
    }
    return gradients;
  });
  return y;
}

}  // namespace metron
