// The single list of providers. Only here preprocessor conditions tell which of them are part of the build.
#include <metron/kernels/internal/providers.h>
#include <metron/kernels/internal/shared_library.h>
#include <metron/kernels/providers.h>

#if defined(METRON_HAVE_CUDA)
#include <metron/core/cuda/runtime.h>
#include <metron/kernels/cuda/cuda_kernels.h>
#endif

#include <cstdlib>
#include <string_view>
#include <vector>

namespace metron {
namespace {

struct Isa {
  const char* name;
  bool available;
  void (*install_cpu)(const Provider&);
  void (*install_direct)(const Provider&);
  void (*install_winograd)(const Provider&);
};

// Widest last.
std::vector<Isa> isas() {
  std::vector<Isa> list;
#if defined(METRON_CPU_BASELINE)
  list.push_back(
      {"baseline", true, baseline::install_cpu, baseline::direct::install, baseline::winograd::install});
#endif
#if defined(METRON_CPU_AVX2)
  list.push_back({"avx2", __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"), avx2::install_cpu,
                  avx2::direct::install, avx2::winograd::install});
#endif
#if defined(METRON_CPU_AVX512)
  list.push_back({"avx512",
                  __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"),
                  avx512::install_cpu, avx512::direct::install, avx512::winograd::install});
#endif
  return list;
}

const Isa& chosen_isa() {
  static const std::vector<Isa> list = isas();
  static const Isa chosen = [] {
    const char* requested = std::getenv("METRON_CPU_ISA");
    if (requested != nullptr && *requested != '\0') {
      for (const Isa& isa : list) {
        if (std::string_view(isa.name) != requested) continue;
        check<ProviderError>(isa.available, "METRON_CPU_ISA", "this processor has no ", requested);
        return isa;
      }
      fail<ProviderError>("METRON_CPU_ISA", "this build has no portable kernels for \"", requested, '"');
    }
    Isa best = list.front();
    for (const Isa& isa : list) {
      if (isa.available) best = isa;
    }
    return best;
  }();
  return chosen;
}

// METRON_WINOGRAD=off (or 0): only on request.
bool is_winograd_off() {
  const char* value = std::getenv("METRON_WINOGRAD");
  return value != nullptr && (std::string_view(value) == "off" || std::string_view(value) == "0");
}

}  // namespace

const char* cpu_isa() { return chosen_isa().name; }

std::vector<LibraryVersion> library_versions() {
  std::vector<LibraryVersion> list;
#if defined(METRON_HAVE_ONEDNN)
  list.push_back(onednn::library_version());
#endif
#if defined(METRON_HAVE_CUDNN)
  list.push_back(cudnn::library_version());
#endif
#if defined(METRON_HAVE_CUBLAS)
  list.push_back(cublas::library_version());
#endif
  return list;
}

bool is_library(std::string_view provider) {
  return provider == "onednn" || provider == "cudnn" || provider == "cublas";
}

const char* report_name(const char* provider) {
  if (!SharedLibrary::are_fakes()) return provider;
  const std::string_view name(provider);
  return name == "cublas" ? "cublas (fake)" : name == "cudnn" ? "cudnn (fake)" : provider;
}

// Emulated devices are not included.
std::vector<Accelerator> accelerators() {
  std::vector<Accelerator> list;
#if defined(METRON_HAVE_CUDA)
  const Device first(Device::Type::cuda);
  if (!has_device(first) || backend(first).is_emulated()) return list;
  for (int i = 0; i < cuda::device_count(); ++i) {
    const cuda::DeviceProperties p = cuda::properties(i);
    list.push_back({p.name, p.memory_bytes, std::to_string(p.major) + '.' + std::to_string(p.minor)});
  }
#endif
  return list;
}

double multiply_adds(Device device, std::int64_t rounds) {
  backend(device);  // throws DeviceError if there is none
#if defined(METRON_HAVE_CUDA)
  if (device.type() == Device::Type::cuda) return cuda::multiply_adds(device, rounds);
#endif
  fail<DeviceError>("multiply_adds", device, " has no kernel for ", rounds, " rounds of multiply-adds");
}

namespace detail {

// Called once, before the first slot call. The preferred provider of a device comes first.
std::vector<Provider> install_providers() {
  std::vector<Provider> list;
  const auto add = [&](const char* name, Device::Type device, void (*install)(const Provider&),
                       bool on_request = false) {
    list.push_back({static_cast<ProviderId>(list.size()), name, report_name(name), device, on_request});
    install(list.back());
  };
#if defined(METRON_HAVE_ONEDNN)
  add("onednn", Device::Type::cpu, onednn::install_onednn);
#endif
  const Isa& isa = chosen_isa();
  add("winograd", Device::Type::cpu, isa.install_winograd, is_winograd_off());
  add("direct", Device::Type::cpu, isa.install_direct);
  add("cpu", Device::Type::cpu, isa.install_cpu);
  // Tests substitute a fake for the library; by default the emulated device runs our own kernels.
#if defined(METRON_HAVE_CUDNN)
  add("cudnn", Device::Type::cuda, cudnn::install_cudnn, SharedLibrary::are_fakes());
#endif
#if defined(METRON_HAVE_CUBLAS)
  add("cublas", Device::Type::cuda, cublas::install_cublas, SharedLibrary::are_fakes());
#endif
#if defined(METRON_HAVE_CUDA)
  add("cuda", Device::Type::cuda, cuda::install_cuda);
#endif
  return list;
}

}  // namespace detail
}  // namespace metron
