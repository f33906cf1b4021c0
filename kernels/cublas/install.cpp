// The slots of the provider `cublas`.
#include <metron/kernels/internal/install.h>
#include <metron/kernels/internal/providers.h>

namespace metron::cublas {

void install_cublas(const Provider& p) {
  METRON_INSTALL(p, matmul);
  METRON_INSTALL(p, linear_backward_weight);
}

}  // namespace metron::cublas
