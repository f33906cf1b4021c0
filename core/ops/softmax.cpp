// Softmax and log-softmax along one axis.
#include <metron/core/ops/common.h>

namespace metron {
namespace {

Tensor apply(const char* name, const Tensor& x, std::int64_t requested_axis, bool log) {
  const OpScope scope(name);
  detail::check_operands(name, {&x});
  detail::check_floating(name, x);
  const int axis = checked_axis(name, requested_axis, x.rank());
  Tensor y = Tensor::empty_like(x);
  kernel::softmax(x, axis, log, y);
  record(name, y, {&x}, Backward::composite, [axis, log, saved_y = saved_output(y)](const Tensor& g) {
    const Tensor result = saved_y.get();
    if (grad_enabled()) {
      return log ? g - exp(result) * sum(g, {axis}, true) : result * (g - sum(g * result, {axis}, true));
    }
    Tensor gx = Tensor::empty_like(result);
    kernel::softmax_backward(g, result, axis, log, gx);
    return gx;
  });
  return y;
}

}  // namespace

Tensor softmax(const Tensor& x, std::int64_t axis) { return apply("softmax", x, axis, false); }
Tensor log_softmax(const Tensor& x, std::int64_t axis) { return apply("log_softmax", x, axis, true); }

}  // namespace metron
