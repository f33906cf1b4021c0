// FLOP counts. A multiply-add counts as two operations.
#include <metron/core/slots.h>

namespace metron::kernel {
namespace {

double count(const Tensor& x) { return static_cast<double>(x.numel()); }

// C / groups * KH * KW multiply-adds for each element of g (N, O, OH, OW).
double conv2d_flops(const Tensor& g, const Tensor& w) {
  const Shape& shape = w.shape();
  return 2 * count(g) * static_cast<double>(shape[1] * shape[2] * shape[3]);
}

}  // namespace

double matmul_flops(Operands operands) {
  const Tensor &a = *operands[0], &y = *operands[3];
  return 2 * count(y) * static_cast<double>(a.size(-1));
}

double linear_backward_weight_flops(Operands operands) {
  const Tensor &g = *operands[0], &gw = *operands[2];
  return 2 * count(gw) * static_cast<double>(g.size(0));
}

double conv2d_forward_flops(Operands operands) {
  const Tensor &w = *operands[1], &y = *operands[3];
  return conv2d_flops(y, w);
}

double conv2d_backward_input_flops(Operands operands) {
  const Tensor &g = *operands[0], &w = *operands[1];
  return conv2d_flops(g, w);
}

double conv2d_backward_weight_flops(Operands operands) {
  const Tensor &g = *operands[0], &gw = *operands[2];
  return conv2d_flops(g, gw);
}

double unary_flops(Operands operands) { return count(*operands.back()); }
double binary_flops(Operands operands) { return count(*operands.back()); }
double reduce_flops(Operands operands) { return count(*operands.front()); }

}  // namespace metron::kernel
