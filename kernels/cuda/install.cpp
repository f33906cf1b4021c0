// The table of contents of the provider `cuda`.
#include <metron/kernels/cuda/cuda_kernels.h>
#include <metron/kernels/providers.h>

namespace metron::cuda {

void install_cuda(const Provider& p) { static_cast<void>(p); }

}  // namespace metron::cuda
