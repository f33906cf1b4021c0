// The table of contents of the provider `cuda`.
#include <metron/kernels/cuda/cuda_kernels.h>
#include <metron/kernels/providers.h>

namespace metron::cuda {

void install_cuda(const Provider& p) {
  p.install(kernel::fill, fill);
  p.install(kernel::copy, copy);

  p.install(kernel::unary, unary);
  p.install(kernel::unary_backward, unary_backward);
  p.install(kernel::binary, binary);
  p.install(kernel::compare, compare);
  p.install(kernel::where, where);

  p.install(kernel::matmul, matmul);
}

}  // namespace metron::cuda
