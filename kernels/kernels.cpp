// FLOP counts: a multiplication and an addition count as two.
#include <metron/kernels/kernels.h>

namespace metron::kernel {
namespace {

double count(const Tensor& x) { return static_cast<double>(x.numel()); }

// Each element of g (N, O, OH, OW) meets one filter: C / groups * KH * KW products.
double conv2d_flops(const Tensor& g, const Tensor& w) {
  const Shape& shape = w.shape();
  return 2 * count(g) * static_cast<double>(shape[1] * shape[2] * shape[3]);
}

}  // namespace

double matmul_flops(const Tensor& a, const Tensor&, const Tensor&, Activation, Tensor& y) {
  return 2 * count(y) * static_cast<double>(a.size(-1));
}

double linear_backward_weight_flops(const Tensor& g, const Tensor&, Tensor& gw, Tensor&) {
  return 2 * count(gw) * static_cast<double>(g.size(0));
}

double conv2d_forward_flops(const Tensor&, const Tensor& w, const Tensor&, const Conv2dOptions&, Activation,
                            Tensor& y) {
  return conv2d_flops(y, w);
}

double conv2d_backward_input_flops(const Tensor& g, const Tensor& w, const Conv2dOptions&, Tensor&) {
  return conv2d_flops(g, w);
}

double conv2d_backward_weight_flops(const Tensor& g, const Tensor&, const Conv2dOptions&, Tensor& gw,
                                    Tensor&) {
  return conv2d_flops(g, gw);
}

double unary_flops(const Unary&, const Tensor&, Tensor& y) { return count(y); }
double binary_flops(BinaryOp, const Tensor&, const Tensor&, Tensor& y) { return count(y); }
double reduce_flops(ReduceOp, const Tensor& x, Tensor&) { return count(x); }

}  // namespace metron::kernel
