// Dropout. Linear in x and self-adjoint: the gradient is the same op with the same key.
#include <metron/core/ops/common.h>

#include <algorithm>

namespace metron {
namespace {

Tensor drop(const char* name, const Tensor& x, double p, std::int64_t plane, const PhiloxKey& key) {
  const OpScope scope(name);
  Tensor y = Tensor::empty_like(x);
  if (p == 1) {
    kernel::fill(0, y);
  } else {
    kernel::dropout(x, p, plane, key, y);
  }
  record(name, y, {&x}, Backward::composite, [=](const Tensor& g) { return drop(name, g, p, plane, key); });
  return y;
}

void check_arguments(const char* op, const Tensor& x, double p) {
  detail::check_operands(op, {&x});
  detail::check_floating(op, x);
  check<ValueError>(p >= 0 && p <= 1, op, "the probability must be between 0 and 1, got ", p);
}

}  // namespace

Tensor dropout(const Tensor& x, double p, bool training) {
  check_arguments("dropout", x, p);
  if (!training || p == 0) return x;
  return drop("dropout", x, p, 1, next_philox_key());
}

Tensor dropout2d(const Tensor& x, double p, bool training) {
  check_arguments("dropout2d", x, p);
  check<ShapeError>(x.rank() == 2 || x.rank() == 4, "dropout2d", "expects (N, C, H, W) or (N, C), got ",
                    x.shape());
  if (!training || p == 0) return x;
  const std::int64_t plane = x.rank() == 2 ? 1 : std::max<std::int64_t>(x.shape()[2] * x.shape()[3], 1);
  return drop("dropout2d", x, p, plane, next_philox_key());
}

}  // namespace metron
