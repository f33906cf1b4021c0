// The tables of contents of the providers: each installs its functions into the slots of kernels.h.
#pragma once

#include <metron/core/slot.h>

#include <cstdint>
#include <string>
#include <vector>

namespace metron {

// A vendor's library behind a provider, as found at run time.
struct LibraryVersion {
  std::string name;
  std::string version;
};

#if defined(METRON_CPU_BASELINE)
namespace baseline {
void install_cpu(const Provider& provider);
}
#endif
#if defined(METRON_CPU_AVX2)
namespace avx2 {
void install_cpu(const Provider& provider);
}
#endif
#if defined(METRON_CPU_AVX512)
namespace avx512 {
void install_cpu(const Provider& provider);
}
#endif
#if defined(METRON_HAVE_ONEDNN)
namespace onednn {
void install_onednn(const Provider& provider);
LibraryVersion library_version();
}  // namespace onednn
#endif
#if defined(METRON_HAVE_CUDNN)
namespace cudnn {
void install_cudnn(const Provider& provider);
LibraryVersion library_version();
}  // namespace cudnn
#endif
#if defined(METRON_HAVE_CUBLAS)
namespace cublas {
void install_cublas(const Provider& provider);
LibraryVersion library_version();
}  // namespace cublas
#endif
#if defined(METRON_HAVE_CUDA)
namespace cuda {
void install_cuda(const Provider& provider);
}
#endif

// The instruction set of the portable kernels in use: "baseline", "avx2" or "avx512". METRON_CPU_ISA asks for
// one.
const char* cpu_isa();

std::vector<LibraryVersion> library_versions();

// The label of a provider by its name: "cublas (fake)" where a fake stands in for the library.
const char* report_name(const char* provider);

// A device with memory of its own that this build can compute on.
struct Accelerator {
  std::string name;
  std::uint64_t memory_bytes = 0;
  std::string capability;  // what the vendor calls the generation: "7.5"
};
std::vector<Accelerator> accelerators();
// Enqueues multiply-adds of float32 on registers alone, on all units of the device cuda; how many FLOPs they
// are. Their time is what the device can do at best.
double multiply_adds(Device device, std::int64_t rounds);

}  // namespace metron
