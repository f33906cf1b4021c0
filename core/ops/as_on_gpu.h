// Records a step on the CPU as a GPU would run it.
#pragma once

#include <metron/core/tensor.h>

namespace metron::detail {

// Within a scope the ops of this thread choose on the CPU as on a GPU: the layouts of images, and which
// kernels they call. Results are the same but for rounding.
class AsOnGpu {
 public:
  AsOnGpu();
  ~AsOnGpu();
  AsOnGpu(const AsOnGpu&) = delete;
  AsOnGpu& operator=(const AsOnGpu&) = delete;

 private:
  bool previous_;
};

// Whether the device is a GPU or stands in for one in an AsOnGpu.
bool on_gpu(Device device);

}  // namespace metron::detail
