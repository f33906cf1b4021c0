// The slots of the provider `cudnn`. Dropout is not among them: cuDNN uses a stateful generator and stores a
// mask, whereas ours is a function of seed and position, the same on every device.
#include <metron/kernels/internal/install.h>
#include <metron/kernels/internal/providers.h>

namespace metron::cudnn {

void install_cudnn(const Provider& p) {
  METRON_INSTALL(p, conv2d_forward);
  METRON_INSTALL(p, conv2d_backward_input);
  METRON_INSTALL(p, conv2d_backward_weight);
  METRON_INSTALL(p, max_pool2d);
  METRON_INSTALL(p, avg_pool2d);
  METRON_INSTALL(p, softmax);
  METRON_INSTALL(p, softmax_backward);
  METRON_INSTALL(p, batch_norm);
  METRON_INSTALL(p, batch_norm_backward);
}

}  // namespace metron::cudnn
