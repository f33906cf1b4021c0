// The CUDA runtime as Metron uses it: checked calls, one stream a device, and what kernels report without
// stopping. Compiles against the CUDA toolkit and against kernels/emulator/ alike.
#pragma once

#include <cuda_runtime.h>
#include <metron/core/error.h>

#include <cstdint>
#include <source_location>
#include <string>

namespace metron::cuda {

// Throws a CudaError with the expression, the runtime's reason, and the place.
[[noreturn]] void failed(cudaError_t status, const char* expression, const std::source_location& where);
inline void check(cudaError_t status, const char* expression,
                  const std::source_location& where = std::source_location::current()) {
  if (status != cudaSuccess) [[unlikely]]
    failed(status, expression, where);
}
// METRON_CUDA(cudaMalloc(&block, bytes)): a macro, because a function can't see the expression.
#define METRON_CUDA(...) ::metron::cuda::check((__VA_ARGS__), #__VA_ARGS__)

// Makes a device the thread's current one, for a scope.
class DeviceGuard {
 public:
  explicit DeviceGuard(int index);
  ~DeviceGuard();
  DeviceGuard(const DeviceGuard&) = delete;
  DeviceGuard& operator=(const DeviceGuard&) = delete;

 private:
  int previous_ = 0;
  bool changed_ = false;
};

// The stream that all work on a device goes to, in the order of its submission. Memory can be handed out
// again as soon as its last user was submitted; it never waits for the legacy default stream.
cudaStream_t stream(int index);

// Waits for all submitted work and throws what it failed with; `what` names the work in the error.
void synchronize(int index, const char* what = "cudaStreamSynchronize(stream)");

// Whether every kernel is waited for, so that a failure names the op: METRON_CUDA_SYNC=1.
bool is_synchronous();

// ---- Faults: bad values that only a kernel sees, such as a label out of range ----

enum class Fault : std::int32_t { none, nll_loss_target, cross_entropy_target, embedding_index };

// In device memory. The first bad value wins, by an atomic exchange of `code`; the host reads it when the
// stream has come to rest.
struct FaultRecord {
  std::int32_t code;
  std::int32_t unused;
  std::int64_t value;
  std::int64_t limit;
};

// Where a kernel that was given values to check reports. Read at the next synchronisation, by whichever
// thread, which throws the ValueError: the op itself must not wait.
FaultRecord* fault_record(int index);

// ---- Properties ----

struct DeviceProperties {
  std::string name;
  int major = 0, minor = 0;  // compute capability
  int multiprocessors = 0;
  std::size_t memory_bytes = 0;
  int clock_khz = 0, memory_clock_khz = 0, memory_bus_bits = 0;
};
int device_count();
DeviceProperties properties(int index);
int multiprocessors(int index);  // cached: launches ask

}  // namespace metron::cuda
