// The portable CPU provider's table of contents.
#include <metron/core/slots.h>
#include <metron/kernels/cpu/cpu_kernels.h>
#include <metron/kernels/internal/install.h>

namespace metron::METRON_ISA {

void install_cpu(const Provider& p) {
  METRON_INSTALL(p, fill);
  METRON_INSTALL(p, copy);

  METRON_INSTALL(p, unary);
  METRON_INSTALL(p, unary_backward);
  METRON_INSTALL(p, binary);
  METRON_INSTALL(p, compare);
  METRON_INSTALL(p, where);

  METRON_INSTALL(p, reduce);
  METRON_INSTALL(p, argmax);

  METRON_INSTALL(p, softmax);
  METRON_INSTALL(p, softmax_backward);
  METRON_INSTALL(p, nll_loss);
  METRON_INSTALL(p, nll_loss_backward);
  METRON_INSTALL(p, cross_entropy);
  METRON_INSTALL(p, cross_entropy_backward);

  METRON_INSTALL(p, matmul);
  METRON_INSTALL(p, linear_backward_weight);

  METRON_INSTALL(p, conv2d_forward);
  METRON_INSTALL(p, conv2d_backward_input);
  METRON_INSTALL(p, conv2d_backward_weight);

  METRON_INSTALL(p, max_pool2d);
  METRON_INSTALL(p, max_pool2d_backward);
  METRON_INSTALL(p, avg_pool2d);
  METRON_INSTALL(p, avg_pool2d_backward);

  METRON_INSTALL(p, batch_norm);
  METRON_INSTALL(p, batch_norm_backward);
  METRON_INSTALL(p, layer_norm);
  METRON_INSTALL(p, layer_norm_backward);
  METRON_INSTALL(p, group_norm);
  METRON_INSTALL(p, group_norm_backward);

  METRON_INSTALL(p, dropout);
  METRON_INSTALL(p, random);

  METRON_INSTALL(p, embedding);
  METRON_INSTALL(p, embedding_backward);
  METRON_INSTALL(p, decode_rows);

  METRON_INSTALL(p, sgd);
  METRON_INSTALL(p, adam);
  METRON_INSTALL(p, adadelta);
}

}  // namespace metron::METRON_ISA
