// Options and enumerations shared by ops and kernels.
#pragma once

#include <cstdint>
#include <string_view>

namespace metron {

struct Size2 {  // (height, width); one number sets both
  std::int64_t h = 0;
  std::int64_t w = 0;
  constexpr Size2() = default;
  constexpr Size2(std::int64_t both) : h(both), w(both) {}
  constexpr Size2(std::int64_t height, std::int64_t width) : h(height), w(width) {}
  friend constexpr bool operator==(Size2, Size2) = default;
};

struct Conv2dOptions {
  Size2 stride = 1;
  Size2 padding = 0;
  Size2 dilation = 1;
  std::int64_t groups = 1;
  friend constexpr bool operator==(const Conv2dOptions&, const Conv2dOptions&) = default;
};

struct Pool2dOptions {
  Size2 kernel = 2;
  Size2 stride = 0;   // 0: same as the kernel
  Size2 padding = 0;  // at most half the kernel; ignored by max, zeros for average
  friend constexpr bool operator==(const Pool2dOptions&, const Pool2dOptions&) = default;
};

enum class UnaryOp : std::uint8_t {  // the rows of formulas.def
#define METRON_UNARY(name, ...) name,
#define METRON_UNARY_WITH(name, ...) name,
#include <metron/core/formulas.def>
};
inline constexpr UnaryOp unary_ops[] = {
#define METRON_UNARY(name, ...) UnaryOp::name,
#define METRON_UNARY_WITH(name, ...) UnaryOp::name,
#include <metron/core/formulas.def>
};
// Whether the derivative is a function of the output y = f(x), so that x need not be saved.
constexpr bool derivative_reads_output(UnaryOp op) {
  switch (op) {
#define METRON_UNARY(name, saved, ...) \
  case UnaryOp::name:                  \
    return std::string_view(#saved) == "y";
#define METRON_UNARY_WITH(name, saved, ...) METRON_UNARY(name, saved)
#include <metron/core/formulas.def>
  }
  return false;
}

// y = f(x) with two parameters: affine a*x + b, divide_by x / a, divide_into a / x, clamp to [a, b], power
// x^a. b of power is what a float loses of a; 0 for float64.
struct Unary {
  UnaryOp op = UnaryOp::affine;
  double a = 1;
  double b = 0;
};

enum class BinaryOp : std::uint8_t {
#define METRON_BINARY(name, ...) name,
#include <metron/core/formulas.def>
};
enum class CompareOp : std::uint8_t {
#define METRON_COMPARE(name, ...) name,
#define METRON_COMPARE_SWAPPED(name, other) name,
#include <metron/core/formulas.def>
};
enum class ReduceOp : std::uint8_t { sum, mean, max };
enum class Activation : std::uint8_t { none, relu };      // a fused epilogue of matmul and conv2d
enum class Reduction : std::uint8_t { none, mean, sum };  // of a loss
// Uniform on [a, b); normal with mean a and standard deviation b.
enum class Distribution : std::uint8_t { uniform, normal };

const char* name_of(UnaryOp op);
const char* name_of(BinaryOp op);
const char* name_of(CompareOp op);
const char* name_of(ReduceOp op);

namespace kernel {

struct SgdOptions {
  double lr = 1e-3, momentum = 0, dampening = 0, weight_decay = 0;
  bool nesterov = false;
  bool first_step = false;  // initializes the momentum buffers with the gradient
};

struct AdamOptions {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
  bool decoupled = false;  // AdamW: decoupled weight decay
  std::int64_t step = 1;   // 1-based, for bias correction
};

struct AdadeltaOptions {
  double lr = 1, rho = 0.9, eps = 1e-6, weight_decay = 0;
};

}  // namespace kernel
}  // namespace metron
