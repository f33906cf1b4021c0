// The memory format of images (N, C, H, W).
#pragma once

#include <metron/core/tensor.h>

namespace metron::detail {

// The memory format that the fast kernels of the device require: channels-last on the CPU.
MemoryFormat preferred_format(Device device);

// Within a scope this thread lays out images on the CPU as on a GPU, so that recorded ops convert layouts
// only where they would there.
class GpuImageLayout {
 public:
  GpuImageLayout();
  ~GpuImageLayout();
  GpuImageLayout(const GpuImageLayout&) = delete;
  GpuImageLayout& operator=(const GpuImageLayout&) = delete;

 private:
  bool previous_;
};

}  // namespace metron::detail
