// The table of contents of the provider `cublas`.
#include <metron/kernels/cublas/cublas_kernels.h>
#include <metron/kernels/providers.h>

namespace metron::cublas {

void install_cublas(const Provider& p) {
  p.install(kernel::matmul, matmul);
  p.install(kernel::linear_backward_weight, linear_backward_weight);
}

}  // namespace metron::cublas
