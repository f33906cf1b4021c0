// The table of contents of the provider `cudnn`. Dropout is not in it: cuDNN draws from a generator with
// state and stores a mask, where ours is a function of seed and position, the same on every device.
#include <metron/kernels/cudnn/cudnn_kernels.h>
#include <metron/kernels/providers.h>

namespace metron::cudnn {

void install_cudnn(const Provider& p) {
  p.install(kernel::conv2d_forward, conv2d_forward);
  p.install(kernel::conv2d_backward_input, conv2d_backward_input);
  p.install(kernel::conv2d_backward_weight, conv2d_backward_weight);
  p.install(kernel::max_pool2d, max_pool2d);
  p.install(kernel::avg_pool2d, avg_pool2d);
  p.install(kernel::softmax, softmax);
  p.install(kernel::softmax_backward, softmax_backward);
  p.install(kernel::batch_norm, batch_norm);
  p.install(kernel::batch_norm_backward, batch_norm_backward);
}

}  // namespace metron::cudnn
