// The oneDNN provider's table of contents.
#include <metron/kernels/onednn/onednn_kernels.h>
#include <metron/kernels/providers.h>

#include <dnnl.hpp>

namespace metron {

void install_onednn(const Provider& p) {
  p.install(kernel::unary, onednn::unary);
  p.install(kernel::unary_backward, onednn::unary_backward);

  p.install(kernel::softmax, onednn::softmax);

  p.install(kernel::matmul, onednn::matmul);

  p.install(kernel::conv2d_forward, onednn::conv2d_forward);
  p.install(kernel::conv2d_backward_input, onednn::conv2d_backward_input);
  p.install(kernel::conv2d_backward_weight, onednn::conv2d_backward_weight);

  p.install(kernel::avg_pool2d, onednn::avg_pool2d);
  p.install(kernel::avg_pool2d_backward, onednn::avg_pool2d_backward);
}

std::string onednn_version() {
  const dnnl::version_t* version = dnnl::version();
  return std::to_string(version->major) + '.' + std::to_string(version->minor) + '.' +
         std::to_string(version->patch);
}

}  // namespace metron
