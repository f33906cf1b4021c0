// The kernels of the provider `onednn`, float32 only. Kernels decline calls for which oneDNN has no JIT
// implementation or is measurably slower than the portable kernels.
#include <metron/kernels/internal/install.h>
#include <metron/kernels/internal/providers.h>

#include <dnnl.hpp>

namespace metron::onednn {

void install_onednn(const Provider& p) {
  METRON_INSTALL(p, softmax);

  METRON_INSTALL(p, matmul);

  METRON_INSTALL(p, conv2d_forward);
  METRON_INSTALL(p, conv2d_backward_input);
  METRON_INSTALL(p, conv2d_backward_weight);

  METRON_INSTALL(p, avg_pool2d);
  METRON_INSTALL(p, avg_pool2d_backward);
}

LibraryVersion library_version() {
  const dnnl::version_t* version = dnnl::version();
  return {"oneDNN", std::to_string(version->major) + '.' + std::to_string(version->minor) + '.' +
                        std::to_string(version->patch)};
}

}  // namespace metron::onednn
