// Convolution plans: descriptors and the chosen algorithm, cached.
#pragma once

#include <metron/core/options.h>
#include <metron/kernels/cudnn/context.h>
#include <metron/kernels/internal/lru_cache.h>

#include <array>
#include <compare>
#include <cstdint>
#include <memory>

namespace metron::cudnn {

// Algorithm selection, by METRON_CUDNN: `heuristic` (the default), `benchmark` (runs and times each eligible
// algorithm on a shape's first call) or `deterministic` (by heuristic, among run-to-run deterministic
// algorithms).
enum class Choice : std::uint8_t { heuristic, benchmark, deterministic };
Choice choice();

// Workspace limit for any algorithm.
inline constexpr std::size_t max_workspace = std::size_t{256} << 20;

enum class DirectionName : std::int64_t { forward, backward_input, backward_weight };

// A convolution of x (N, C, H, W) by w to y; bias may be undefined.
struct Convolution {
  DirectionName direction;
  const Tensor& x;
  const Tensor& w;
  const Tensor& bias;
  const Tensor& y;
  const Conv2dOptions& options;
  Activation activation = Activation::none;

  // Whether cuDNN supports it: dense images of one dtype, contiguous weights, int sizes.
  bool is_expressible() const;
  Device device() const { return x.device(); }
  DType dtype() const { return x.dtype(); }
};

// The key of a plan: shapes, layouts, dtype, options, and alignments up to 16 bytes, the widest load.
struct PlanKey {
  std::array<std::int64_t, 26> values{};
  auto operator<=>(const PlanKey&) const = default;
};
PlanKey key_of(const Convolution& c);

struct Plan {
  Plan(const Functions& call, const Convolution& c);
  TensorDescriptor x, y, bias;
  Descriptor<cudnnFilterDescriptor_t> w;
  Descriptor<cudnnConvolutionDescriptor_t> convolution;
  Descriptor<cudnnActivationDescriptor_t> activation;
  int algorithm = 0;  // in the enumeration of the pass
  std::size_t workspace_bytes = 0;
  bool is_fused = false;    // bias and activation are fused into the convolution
  bool is_refused = false;  // although an algorithm was offered
};

// This thread's plan. A null pointer is a cached refusal of the shape. Throws Refused if the failure may be
// transient. The addresses are those of the pass's operands; a benchmark overwrites the last one.
Plan* plan_of(Context& context, const Convolution& c, const void* first, const void* second, void* result);

}  // namespace metron::cudnn
