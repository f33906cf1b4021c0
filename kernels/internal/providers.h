// What the providers define for the list in kernels/providers.cpp. A build that lacks a provider lacks its
// definitions.
#pragma once

#include <metron/core/slot.h>
#include <metron/kernels/providers.h>

namespace metron {

// The portable kernels and the faster convolutions, once per instruction set in METRON_CPU_ISAS.
namespace baseline {
void install_cpu(const Provider& provider);
namespace direct {
void install(const Provider& provider);
}
namespace winograd {
void install(const Provider& provider);
}
}  // namespace baseline
namespace avx2 {
void install_cpu(const Provider& provider);
namespace direct {
void install(const Provider& provider);
}
namespace winograd {
void install(const Provider& provider);
}
}  // namespace avx2
namespace avx512 {
void install_cpu(const Provider& provider);
namespace direct {
void install(const Provider& provider);
}
namespace winograd {
void install(const Provider& provider);
}
}  // namespace avx512
namespace onednn {
void install_onednn(const Provider& provider);
LibraryVersion library_version();
}  // namespace onednn
namespace cudnn {
void install_cudnn(const Provider& provider);
LibraryVersion library_version();
}  // namespace cudnn
namespace cublas {
void install_cublas(const Provider& provider);
LibraryVersion library_version();
}  // namespace cublas
namespace cuda {
void install_cuda(const Provider& provider);
}

}  // namespace metron
