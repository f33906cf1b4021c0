// Matrix products: matmul, linear and addmm.
#include <metron/core/ops/common.h>

namespace metron {
namespace {

// activation(a @ b + bias) of matrices or broadcast batches of matrices; not recorded.
Tensor multiply(const Tensor& a, const Tensor& b, const Tensor& bias = {},
                Activation activation = Activation::none) {
  const std::int64_t m = a.size(-2), k = a.size(-1), n = b.size(-1);
  const auto leading = [](const Tensor& x) {
    return Dims(x.shape().begin(), static_cast<std::size_t>(x.rank() - 2));
  };
  const auto with = [](Shape batch, std::int64_t rows, std::int64_t columns) {
    batch.push_back(rows);
    batch.push_back(columns);
    return batch;
  };
  const Shape batch = broadcast_shapes("matmul", leading(a), leading(b));
  const Shape shape = with(batch, m, n);
  if (b.rank() == 2) {  // fold the batch into the rows if strides allow
    const std::int64_t rows = detail::row_count(a);
    if (const auto flat = a.rank() == 2 ? a : detail::try_view(a, {rows, k})) {
      Tensor y = Tensor::empty({rows, n}, a.options());
      kernel::matmul(*flat, b, bias, activation, y);
      return detail::view_or_copy(y, shape);
    }
  }
  const auto batched = [&](const Tensor& x, std::int64_t rows, std::int64_t columns) {
    return detail::view_or_copy(detail::broadcast_to(x, with(batch, rows, columns)),
                                {batch.numel(), rows, columns});
  };
  Tensor y = Tensor::empty({batch.numel(), m, n}, a.options());
  kernel::matmul(batched(a, m, k), batched(b, k, n), bias, activation, y);
  return detail::view_or_copy(y, shape);
}

Gradients product_gradients(const Tensor& g, const SavedTensor& a, const SavedTensor& b, GradMask needed) {
  Gradients gradients(2);
  if (needed[0]) gradients[0] = matmul(g, b.get().transpose(-2, -1));
  if (needed[1]) {
    const bool shared = b.get().rank() == 2;  // across the batch: one product sums over all rows
    const Tensor rows = shared ? detail::rows_of(a.get()) : a.get();
    gradients[1] = matmul(rows.transpose(-2, -1), shared ? detail::rows_of(g) : g);
  }
  return gradients;
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) {
  const OpScope scope("matmul");
  detail::check_operands("matmul", {&a, &b});
  detail::check_floating("matmul", a);
  check<ShapeError>(a.rank() > 0 && b.rank() > 0, "matmul", "expects matrices or vectors, got ", a.shape(),
                    " and ", b.shape());
  check<ShapeError>(a.size(-1) == b.size(b.rank() == 1 ? 0 : -2), "matmul", "inner sizes must agree, got ",
                    a.shape(), " and ", b.shape());
  if (a.rank() == 1) return matmul(a.unsqueeze(0), b).squeeze(b.rank() == 1 ? 0 : -2);
  if (b.rank() == 1) return matmul(a, b.unsqueeze(1)).squeeze(-1);
  Tensor y = multiply(a, b);
  record("matmul", y, {&a, &b}, Backward::composite,
         [a = saved(a), b = saved(b)](const Tensor& g, GradMask needed) {
           return product_gradients(g, a, b, needed);
         });
  return y;
}

Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b, Activation activation) {
  const OpScope scope("linear");
  detail::check_operands("linear", {&x, &w, detail::optional(b)});
  detail::check_floating("linear", x);
  check<ShapeError>(w.rank() == 2, "linear", "the weight must be (O, I), got ", w.shape());
  check<ShapeError>(x.rank() > 0 && x.size(-1) == w.shape()[1], "linear", "weight ", w.shape(), " expects ",
                    w.shape()[1], " input features, got x ", x.shape());
  check<ShapeError>(!b || b.shape() == Shape{w.shape()[0]}, "linear", "the bias must be (", w.shape()[0],
                    ",), got ", describe(b));
  const std::int64_t inputs = w.shape()[1], outputs = w.shape()[0];
  Shape shape = x.shape();
  shape[x.rank() - 1] = outputs;
  const Tensor rows = detail::view_or_copy(x, {detail::row_count(x), inputs});
  Tensor y = detail::view_or_copy(multiply(rows, detail::transposed(w), b, activation), shape);
  record("linear", y, {&x, &w, &b}, Backward::composite,
         [x = saved(x), w = saved(w), y = activation == Activation::relu ? saved_output(y) : SavedTensor()](
             const Tensor& gy, GradMask needed) {
           const Tensor g = y.defined() ? detail::relu_gradient(gy, y.get()) : gy;
           const Tensor g_rows = detail::rows_of(g);
           Gradients gradients(3);
           if (needed[0]) gradients[0] = matmul(g, w.get());
           // GPU libraries can fuse the bias gradient into the product; CPU libraries can't.
           if (needed[1] && needed[2] && detail::on_gpu(g.device()) && !grad_enabled()) {
             gradients[1] = Tensor::empty(w.get().shape(), g.options());
             gradients[2] = Tensor::empty({g.size(-1)}, g.options());
             kernel::linear_backward_weight(g_rows, detail::rows_of(x.get()), gradients[1], gradients[2]);
             return gradients;
           }
           if (needed[1]) gradients[1] = matmul(g_rows.transpose(0, 1), detail::rows_of(x.get()));
           if (needed[2]) gradients[2] = sum(g_rows, {0});
           return gradients;
         });
  return y;
}

Tensor addmm(const Tensor& bias, const Tensor& a, const Tensor& b) {
  const OpScope scope("addmm");
  detail::check_operands("addmm", {&bias, &a, &b});
  detail::check_floating("addmm", a);
  check<ShapeError>(a.rank() == 2 && b.rank() == 2 && a.shape()[1] == b.shape()[0], "addmm",
                    "expects (M, K) and (K, N), got ", a.shape(), " and ", b.shape());
  const Shape shape{a.shape()[0], b.shape()[1]};
  check<ShapeError>(broadcast_shapes("addmm", bias.shape(), shape) == shape, "addmm",
                    "the bias must broadcast to the product ", shape, ", got ", bias.shape());
  if (bias.shape() != Shape{shape[1]}) return add(matmul(a, b), bias);
  Tensor y = multiply(a, b, bias);
  record("addmm", y, {&bias, &a, &b}, Backward::composite,
         [a = saved(a), b = saved(b)](const Tensor& g, GradMask needed) {
           GradMask of_product;
           if (needed[1]) of_product.set(0);
           if (needed[2]) of_product.set(1);
           Gradients gradients = product_gradients(g, a, b, of_product);
           gradients.insert(gradients.begin(), g);
           return gradients;
         });
  return y;
}

}  // namespace metron
