// FLOP counts, in which a multiply-add is two operations, and byte counts.
#include <metron/core/slots.h>

#include <algorithm>

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

// One element of each row of x.
double nll_loss_bytes(Operands operands) {
  const Tensor &x = *operands[0], &target = *operands[1], &y = *operands[2];
  return count(target) * static_cast<double>(size_of(x.dtype())) + detail::touched_bytes(target) +
         detail::touched_bytes(y);
}

// A row of w for each index, but not more than w has.
double embedding_bytes(Operands operands) {
  const Tensor &w = *operands[0], &indices = *operands[1], &y = *operands[2];
  const double rows = detail::touched_bytes(y);
  return (std::min)(detail::touched_bytes(w), rows) + detail::touched_bytes(indices) + rows;
}

// A row of codes for each index, but not more than there are, and the table.
double decode_rows_bytes(Operands operands) {
  const Tensor &codes = *operands[0], &table = *operands[1], &indices = *operands[2], &y = *operands[3];
  return (std::min)(detail::touched_bytes(codes), count(y)) + detail::touched_bytes(table) +
         detail::touched_bytes(indices) + detail::touched_bytes(y);
}

}  // namespace metron::kernel
