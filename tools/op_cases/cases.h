// The table of op cases, shared by the tests of gradients, providers and devices and by the benchmark. A case
// names the op and its inputs, and holds the call and the same computation in double-precision loops.
#pragma once

#include <metron/core/error.h>
#include <metron/core/tensor.h>
#include <metron/tools/op_cases/naive.h>

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace metron::op_cases {

// The memory layout of an input. Gaps around and between elements hold NaN, or an absurd integer, so that a
// kernel that reads them produces a visible error.
enum class Layout : std::uint8_t {
  contiguous,
  transposed,     // the last two axes swapped
  strided,        // every second element along the last axis
  offset,         // contiguous, not at the start of its storage
  channels_last,  // (N, C, H, W) stored as N, H, W, C
  expanded,       // stride 0 along the first axis
};

// The values of an input. Floating-point values have at most nine significant bits, so they are exact in
// float32, and differ by at least 1/256 from 0, from every multiple of 1/64 and from the values of the
// previous and next input.
enum class Values : std::uint8_t {
  any,       // in (-2, 2)
  positive,  // in (0.25, 2.25)
  nonzero,   // 0.5 to 2.5 in magnitude
  distinct,  // no two equal, around 0
  tied,      // 0, 1 or 2
  large,     // in (-256, 256)
  label,     // int64 in [0, limit)
  integer,   // int64 in [-8, 8]
  mask,      // uint8, 0 or 1
  byte,      // uint8, 0 to 255
};

struct Input {
  Shape shape;
  Values values = Values::any;
  Layout layout = Layout::contiguous;
  std::int64_t limit = 0;  // of labels
  bool constant = false;   // requires no gradient

  bool is_floating() const { return values < Values::label; }
  bool wants_gradient() const { return is_floating() && !constant; }
};

// in({2, 3}), in({2, 3}, positive), in({2, 3}, transposed), in({2, 3}, positive, transposed)
inline Input in(const Shape& shape, Values values, Layout layout = Layout::contiguous) {
  return {shape, values, layout, 0, false};
}
inline Input in(const Shape& shape, Layout layout = Layout::contiguous) {
  return in(shape, Values::any, layout);
}
inline Input labels(const Shape& shape, std::int64_t limit, Layout layout = Layout::contiguous) {
  return {shape, Values::label, layout, limit, true};
}
inline Input constant(Input input) {
  input.constant = true;
  return input;
}

enum class Gradient : std::uint8_t {
  smooth,  // central differences apply
  kinked,  // differentiable, but the inputs are at a kink, or float64 differences are too inaccurate
  none,    // the result is not differentiable
};

using Tensors = std::span<const Tensor>;
using Arrays = std::span<const naive::Array>;

struct Case {
  std::string op;    // as declared in core/ops.h or core/slots.h
  std::string name;  // what is special about the case
  std::vector<Input> inputs;
  std::function<Tensor(Tensors)> call;  // deterministic across calls
  std::function<naive::Array(Arrays)> naive;
  Gradient gradient = Gradient::smooth;
};

// All cases, by family.
const std::vector<Case>& cases();

// A call that the op must refuse with an error of the expected type whose message names the op, and has these
// words.
struct ErrorCase {
  std::string op;
  std::function<void()> call;
  std::vector<std::string> words;
  bool (*is_expected)(const Error& error);
};
template <typename E>
ErrorCase error_case(std::string op, std::function<void()> call, std::vector<std::string> words) {
  return {std::move(op), std::move(call), std::move(words),
          [](const Error& error) { return dynamic_cast<const E*>(&error) != nullptr; }};
}
const std::vector<ErrorCase>& error_cases();

// Small operands of error cases.
inline Tensor f32(const Shape& shape) { return Tensor::zeros(shape); }
inline Tensor f64(const Shape& shape) { return Tensor::zeros(shape, {DType::float64}); }
inline Tensor i64(const Shape& shape) { return Tensor::zeros(shape, {DType::int64}); }
inline Tensor u8(const Shape& shape) { return Tensor::zeros(shape, {DType::uint8}); }

// "conv2d: stride 2"
std::string title(const Case& c);
std::ostream& operator<<(std::ostream& out, const Case& c);

// The values of an input in row-major order; a pure function of the arguments. `position` is the input's
// index.
naive::Array make_values(const Input& input, const std::string& seed, std::size_t position = 0);

// A tensor with these values in this layout, with gaps.
Tensor make_tensor(const naive::Array& values, DType dtype, Layout layout = Layout::contiguous,
                   Device device = {});

// The case's inputs. Floating-point ones have `dtype` and are leaves that require a gradient unless constant.
std::vector<Tensor> make_inputs(const Case& c, DType dtype, Device device = {});
Tensor make_input(const Input& input, const naive::Array& values, DType dtype, Device device = {});

// The elements in row-major order as doubles, for any dtype.
naive::Array to_array(const Tensor& tensor);
std::vector<naive::Array> to_arrays(Tensors tensors);

// The families, each in the file of that name.
std::vector<Case> elementwise_cases();
std::vector<Case> reduction_cases();
std::vector<Case> movement_cases();
std::vector<Case> matmul_cases();
std::vector<Case> convolution_cases();
std::vector<Case> normalization_cases();
std::vector<Case> loss_cases();
std::vector<Case> random_cases();
std::vector<Case> optimizer_cases();

// What they must refuse. Slots without an op, such as those of optimizers, have no error cases.
std::vector<ErrorCase> elementwise_error_cases();
std::vector<ErrorCase> reduction_error_cases();
std::vector<ErrorCase> movement_error_cases();
std::vector<ErrorCase> matmul_error_cases();
std::vector<ErrorCase> convolution_error_cases();
std::vector<ErrorCase> normalization_error_cases();
std::vector<ErrorCase> loss_error_cases();
std::vector<ErrorCase> random_error_cases();

}  // namespace metron::op_cases
