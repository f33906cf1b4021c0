#include <metron/core/ops/as_on_gpu.h>

#include <utility>

namespace metron::detail {
namespace {

thread_local bool as_on_gpu = false;

}  // namespace

AsOnGpu::AsOnGpu() : previous_(std::exchange(as_on_gpu, true)) {}
AsOnGpu::~AsOnGpu() { as_on_gpu = previous_; }

bool on_gpu(Device device) { return as_on_gpu || !device.is_cpu(); }

}  // namespace metron::detail
