#include <metron/core/ops/image_layout.h>

#include <utility>

namespace metron::detail {
namespace {

thread_local bool as_on_gpu = false;

}  // namespace

MemoryFormat preferred_format(Device device) {
  return device.is_cpu() && !as_on_gpu ? MemoryFormat::channels_last : MemoryFormat::contiguous;
}

GpuImageLayout::GpuImageLayout() : previous_(std::exchange(as_on_gpu, true)) {}
GpuImageLayout::~GpuImageLayout() { as_on_gpu = previous_; }

}  // namespace metron::detail
