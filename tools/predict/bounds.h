// Bounds of a recorded step on a GPU: the least that its data sheet allows each op. A kernel can't be faster
// than its bytes at the bandwidth of device memory, its FLOPs at the peak of the units that compute it, and a
// launch (Williams, Waterman and Patterson, "Roofline", CACM 52(4), 2009, with the launch as a third limit).
// Kernels of one stream follow each other, so that the bounds of an op's kernels add up.
#pragma once

#include <metron/core/timer/profile.h>
#include <metron/kernels/internal/data_sheet.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace metron::tools {

enum class Limit : std::uint8_t { none, memory, compute, launch };
const char* name_of(Limit limit);

// Of one kernel, in microseconds.
struct KernelBound {
  double memory_us = 0;
  double compute_us = 0;
  double launch_us = 0;
  double bound_us() const;  // the largest
  Limit limit() const;
};

// Peak in TFLOP/s of the units that compute a slot in float32: CUDA cores, or tensor cores for matrix
// products and convolutions if TF32 is allowed and the GPU has it.
double peak_tflops(const PeakTflops& peaks, std::string_view slot, bool allow_tf32);

KernelBound bound_of(const DataSheet& sheet, const Record& kernel, bool allow_tf32);

// All calls of an op in one phase. Nested ops and their kernels belong to the outermost op.
struct OpBound {
  int rank = 0;      // by bound, 1 is the largest; equal bounds share it
  std::string name;  // "conv2d", "conv2d backward"
  Phase phase = Phase::forward;
  std::int64_t calls = 0;
  std::int64_t launches = 0;  // at least: one per slot call
  double bytes = 0, flops = 0;
  double memory_us = 0, compute_us = 0, launch_us = 0;  // each limit alone, summed over the kernels
  double bound_us = 0;                                  // the kernels' bounds, summed
  Limit limit = Limit::none;  // what most of the bound is due to; none for a view, which launches nothing
  bool fits_cache = false;    // every memory-bound kernel's operands fit into the L2 cache
};

struct Prediction {
  std::vector<OpBound> ops;  // largest bound first
  double bound_us = 0;       // of all
  double bytes = 0, flops = 0;
  std::int64_t launches = 0;
  double share(const OpBound& op) const { return bound_us > 0 ? op.bound_us / bound_us : 0; }
};
Prediction predict(const Profile& step, const DataSheet& sheet, bool allow_tf32 = false);

}  // namespace metron::tools
