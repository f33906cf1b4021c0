// The table of op cases, which the tests of gradients, providers and devices and the benchmark iterate over.
// A case says which op, which inputs, the call, and the same in double-precision loops.
#pragma once

#include <metron/core/tensor.h>
#include <metron/tools/op_cases/naive.h>

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <span>
#include <string>
#include <vector>

namespace metron::op_cases {

// How an input lies in memory. The gaps around and between its elements hold NaN, or an absurd integer, so
// that a kernel that strays into them shows it.
enum class Layout : std::uint8_t {
  contiguous,
  transposed,     // the last two axes exchanged
  strided,        // every second element of its last axis
  offset,         // contiguous, not at the beginning of its storage
  channels_last,  // (N, C, H, W) stored as N, H, W, C
  expanded,       // stride 0 along the first axis
};

// What an input holds. Floating values have at most nine significant bits, so that float32 holds them
// exactly, and keep at least 1/256 away from 0, from every multiple of 1/64 and from the values of the input
// before or after.
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
};

struct Input {
  Shape shape;
  Values values = Values::any;
  Layout layout = Layout::contiguous;
  std::int64_t limit = 0;  // of labels
  bool constant = false;   // no gradient is asked of it

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
  kinked,  // there is one, but the inputs lie on a kink or where float64 differences say nothing
  none,    // the result takes no part in autograd
};

using Tensors = std::span<const Tensor>;
using Arrays = std::span<const naive::Array>;

struct Case {
  std::string op;    // as core/ops.h or kernels/kernels.h declares it
  std::string name;  // what is special about it
  std::vector<Input> inputs;
  std::function<Tensor(Tensors)> call;  // the same result however often it is called
  std::function<naive::Array(Arrays)> naive;
  Gradient gradient = Gradient::smooth;
};

// All cases, family by family.
const std::vector<Case>& cases();

// "conv2d: stride 2"
std::string title(const Case& c);
std::ostream& operator<<(std::ostream& out, const Case& c);

// The values of an input, row-major; they depend on nothing but these arguments. `position` is that among the
// inputs.
naive::Array make_values(const Input& input, const std::string& seed, std::size_t position = 0);

// A tensor of these values in this layout, amid its gaps.
Tensor make_tensor(const naive::Array& values, DType dtype, Layout layout = Layout::contiguous,
                   Device device = {});

// The case's inputs: floating ones of `dtype`, as leaves that require a gradient where one is wanted.
std::vector<Tensor> make_inputs(const Case& c, DType dtype, Device device = {});
Tensor make_input(const Input& input, const naive::Array& values, DType dtype, Device device = {});

// Elements in row-major order as doubles, whatever the dtype.
naive::Array to_array(const Tensor& tensor);
std::vector<naive::Array> to_arrays(Tensors tensors);

// The families, each in a file of its name.
std::vector<Case> elementwise_cases();
std::vector<Case> reduction_cases();
std::vector<Case> movement_cases();
std::vector<Case> matmul_cases();
std::vector<Case> convolution_cases();
std::vector<Case> normalization_cases();
std::vector<Case> loss_cases();
std::vector<Case> random_cases();
std::vector<Case> optimizer_cases();

}  // namespace metron::op_cases
