// Plans of convolutions: descriptors and the algorithm that was chosen for them, made once and kept.
#pragma once

#include <metron/core/options.h>
#include <metron/kernels/cudnn/context.h>
#include <metron/kernels/internal/lru_cache.h>

#include <array>
#include <compare>
#include <cstdint>
#include <memory>

namespace metron::cudnn {

// How an algorithm is chosen: METRON_CUDNN is `heuristic` (the default), `benchmark` (each one that fits is
// run and timed at a shape's first call) or `deterministic` (by heuristics, among those whose results do not
// change from run to run).
enum class Choice : std::uint8_t { heuristic, benchmark, deterministic };
Choice choice();

// More scratch memory than this no algorithm gets.
inline constexpr std::size_t most_workspace = std::size_t{256} << 20;

enum class DirectionName : std::int64_t { forward, backward_input, backward_weight };

// A convolution of x (N, C, H, W) by w to y; bias is undefined where there is none.
struct Convolution {
  DirectionName direction;
  const Tensor& x;
  const Tensor& w;
  const Tensor& bias;
  const Tensor& y;
  const Conv2dOptions& options;
  Activation activation = Activation::none;

  // Whether it can be said in cuDNN's terms: dense images of one dtype, plain weights, int sizes.
  bool is_expressible() const;
  Device device() const { return x.device(); }
  DType dtype() const { return x.dtype(); }
};

// What a plan depends on: shapes, layouts, dtype, options, and alignments up to the 16 bytes that a load
// takes.
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
  int algorithm = 0;  // of the direction's own enumeration
  std::size_t workspace_bytes = 0;
  bool is_fused = false;    // bias and activation are the convolution's call's
  bool is_refused = false;  // although an algorithm was offered
};

// The plan of this thread; a null pointer stands for a shape that the library has refused, and is remembered
// too. Throws Refused where it may do better the next time. The addresses are those of the direction's
// operands; a benchmark writes to the last.
Plan* plan_of(Context& context, const Convolution& c, const void* first, const void* second, void* result);

}  // namespace metron::cudnn
