// Comparisons and where.
#include <metron/core/ops/common.h>

namespace metron {
namespace {

Tensor compute(const char* name, CompareOp op, const Tensor& a, const Tensor& b) {
  const OpScope scope(name);
  detail::check_operands(name, {&a, &b});
  const Shape shape = broadcast_shapes(name, a.shape(), b.shape());
  Tensor y = detail::empty_result(shape, DType::uint8, a, b);
  kernel::compare(op, detail::broadcast_to(a, shape), detail::broadcast_to(b, shape), y);
  return y;
}

}  // namespace

#define METRON_COMPARE(name, ...) \
  Tensor name(const Tensor& a, const Tensor& b) { return compute(#name, CompareOp::name, a, b); }
#define METRON_COMPARE_SWAPPED(name, other) METRON_COMPARE(name)
#include <metron/core/formulas.def>

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  const OpScope scope("where");
  detail::check_operands("where", {&condition});
  detail::check_operands("where", {&a, &b});
  check<DTypeError>(condition.dtype() == DType::uint8, "where", "the condition must be uint8, got ",
                    condition.dtype(), ' ', condition.shape());
  const Shape shape =
      broadcast_shapes("where", condition.shape(), broadcast_shapes("where", a.shape(), b.shape()));
  Tensor y = detail::empty_result(shape, a.dtype(), a, b);
  kernel::where(detail::broadcast_to(condition, shape), detail::broadcast_to(a, shape),
                detail::broadcast_to(b, shape), y);
  record("where", y, {&a, &b}, Backward::composite,
         [condition = saved(condition)](const Tensor& g, GradMask needed) {
           const Tensor zero = detail::scalar(0, g);
           return Gradients{needed[0] ? where(condition.get(), g, zero) : Tensor(),
                            needed[1] ? where(condition.get(), zero, g) : Tensor()};
         });
  return y;
}

}  // namespace metron
