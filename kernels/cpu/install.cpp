// The portable CPU provider's table of contents.
#include <metron/kernels/cpu/cpu_kernels.h>
#include <metron/kernels/kernels.h>

namespace metron::METRON_ISA {

void install_cpu(const Provider& p) {
  p.install(kernel::fill, fill);
  p.install(kernel::copy, copy);

  p.install(kernel::unary, unary);
  p.install(kernel::unary_backward, unary_backward);
  p.install(kernel::binary, binary);
  p.install(kernel::compare, compare);
  p.install(kernel::where, where);

  p.install(kernel::reduce, reduce);
  p.install(kernel::argmax, argmax);

  p.install(kernel::softmax, softmax);
  p.install(kernel::softmax_backward, softmax_backward);
  p.install(kernel::nll_loss, nll_loss);
  p.install(kernel::nll_loss_backward, nll_loss_backward);
  p.install(kernel::cross_entropy, cross_entropy);
  p.install(kernel::cross_entropy_backward, cross_entropy_backward);

  p.install(kernel::matmul, matmul);
  p.install(kernel::linear_backward_weight, linear_backward_weight);

  p.install(kernel::conv2d_forward, conv2d_forward);
  p.install(kernel::conv2d_backward_input, conv2d_backward_input);
  p.install(kernel::conv2d_backward_weight, conv2d_backward_weight);

  p.install(kernel::max_pool2d, max_pool2d);
  p.install(kernel::max_pool2d_backward, max_pool2d_backward);
  p.install(kernel::avg_pool2d, avg_pool2d);
  p.install(kernel::avg_pool2d_backward, avg_pool2d_backward);

  p.install(kernel::batch_norm, batch_norm);
  p.install(kernel::batch_norm_backward, batch_norm_backward);
  p.install(kernel::layer_norm, layer_norm);
  p.install(kernel::layer_norm_backward, layer_norm_backward);

  p.install(kernel::dropout, dropout);
  p.install(kernel::random, random);

  p.install(kernel::embedding, embedding);
  p.install(kernel::embedding_backward, embedding_backward);

  p.install(kernel::sgd, sgd);
  p.install(kernel::adam, adam);
  p.install(kernel::adadelta, adadelta);
}

}  // namespace metron::METRON_ISA
