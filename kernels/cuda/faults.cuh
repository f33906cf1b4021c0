// Reports invalid data from a kernel.
#pragma once

#include <metron/core/cuda/runtime.h>

namespace metron::cuda {

// `record` is the device's fault_record(). The first report wins.
__device__ inline void report_fault(FaultRecord* record, Fault fault, std::int64_t value,
                                    std::int64_t limit) {
  if (atomicCAS(&record->code, 0, static_cast<std::int32_t>(fault)) != 0) return;
  record->value = value;
  record->limit = limit;
}

}  // namespace metron::cuda
