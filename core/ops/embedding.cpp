// Embedding: rows of a table by index. Rows of 8-bit codes, decoded.
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

Tensor decode_rows(const Tensor& codes, const Tensor& table, const Tensor& indices) {
  static constexpr char op[] = "decode_rows";  // records keep its address
  const OpScope scope(op);
  for (const Tensor* operand : {&codes, &table, &indices}) {
    detail::check_operands(op, {operand});
    check<DeviceError>(operand->device() == codes.device(), op, "operands must be on one device, got ",
                       codes.device(), " and ", operand->device());
  }
  check<DTypeError>(codes.dtype() == DType::uint8, op, "codes must be uint8, got ", describe(codes));
  check<DTypeError>(indices.dtype() == DType::int64, op, "indices must be int64, got ", describe(indices));
  detail::check_floating(op, table);
  check<ShapeError>(codes.rank() >= 1 && indices.rank() == 1 && table.shape() == Shape{256}, op,
                    "expects codes (V, ...), a table (256,) and indices (N,), got ", codes.shape(), ", ",
                    table.shape(), " and ", indices.shape());
  Shape shape = codes.shape();
  std::int64_t columns = 1;
  for (int axis = 1; axis < codes.rank(); ++axis) columns *= shape[axis];
  Tensor y = Tensor::empty({indices.size(0), columns}, table.options());
  kernel::decode_rows(contiguous(codes).reshape({codes.size(0), columns}), contiguous(table.detach()),
                      contiguous(indices), y);
  shape[0] = indices.size(0);
  return y.reshape(shape);
}

}  // namespace metron
