// Embedding: rows of a table by index.
#include <metron/core/ops/common.h>

namespace metron {
namespace {

Tensor gather(const Tensor& w, const Tensor& indices);

// gather is linear in w; scatter is its adjoint, and vice versa.
Tensor scatter(const Tensor& gradient, const Tensor& indices, const Shape& w_shape) {
  const Tensor g = contiguous(gradient);
  Tensor gw = Tensor::empty(w_shape, g.options());
  kernel::embedding_backward(g, indices, gw);
  record("embedding_backward", gw, {&g}, Backward::composite,
         [indices = saved(indices)](const Tensor& gg) { return gather(gg, indices.get()); });
  return gw;
}

Tensor gather(const Tensor& weight, const Tensor& indices) {
  const Tensor w = contiguous(weight);
  Shape shape = indices.shape();
  shape.push_back(w.shape()[1]);
  Tensor y = Tensor::empty(shape, w.options());
  kernel::embedding(w, indices, y);
  record("embedding", y, {&w}, Backward::composite,
         [indices = saved(indices), w_shape = w.shape()](const Tensor& g) {
           return scatter(g, indices.get(), w_shape);
         });
  return y;
}

}  // namespace

Tensor embedding(const Tensor& w, const Tensor& indices) {
  const OpScope scope("embedding");
  detail::check_operands("embedding", {&w});
  detail::check_operands("embedding", {&indices});
  detail::check_floating("embedding", w);
  check<DTypeError>(indices.dtype() == DType::int64, "embedding", "indices must be int64, got ",
                    indices.dtype(), ' ', indices.shape());
  check<ShapeError>(w.rank() == 2, "embedding", "the weight must be (V, D), got ", w.shape());
  return gather(w, contiguous(indices));
}

}  // namespace metron
