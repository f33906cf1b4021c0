// Replaces core/cuda/ if METRON_GPU is off.
#include <metron/core/storage.h>

namespace metron {

std::unique_ptr<Backend> make_cuda_backend(std::string& why_not) {
  why_not = "this build of Metron has no CUDA device (METRON_GPU=off)";
  return nullptr;
}

}  // namespace metron
