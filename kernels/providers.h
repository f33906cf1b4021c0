// What stands behind the providers: instruction set, libraries, devices.
#pragma once

#include <metron/core/slot.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace metron {

// A vendor library behind a provider, as found at run time.
struct LibraryVersion {
  std::string name;
  std::string version;
};

// The instruction set of the portable kernels: "baseline", "avx2" or "avx512". METRON_CPU_ISA overrides the
// choice.
const char* cpu_isa();

std::vector<LibraryVersion> library_versions();

// Whether a provider is a vendor's library rather than kernels of our own.
bool is_library(std::string_view provider);

// A provider's label: "cublas (fake)" if a fake replaces the library.
const char* report_name(const char* provider);

// A device with its own memory that this build supports.
struct Accelerator {
  std::string name;
  std::uint64_t memory_bytes = 0;
  std::string capability;  // compute capability: "7.5"
};
std::vector<Accelerator> accelerators();
// Enqueues float32 multiply-adds in registers on all multiprocessors of the CUDA device, and returns the
// number of FLOPs. Their time gives the device's peak throughput.
double multiply_adds(Device device, std::int64_t rounds);

}  // namespace metron
