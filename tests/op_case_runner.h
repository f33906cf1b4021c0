// Runs op cases on a device and compares their results.
#pragma once

#include <gtest/gtest.h>
#include <metron/core/slot.h>
#include <metron/tools/op_cases/cases.h>

#include <string>
#include <vector>

namespace metron::test {

using namespace op_cases;

// The available devices, the emulated one included.
std::vector<Device> devices();
// The providers of a device. The last one is portable: it computes everything on that device.
std::vector<Provider> providers_of(Device device);
Provider portable(Device device);

// Checks that |got - want| <= tolerance * max(unit, the largest finite |want|) for every element; a NaN or
// infinity must match exactly. A failure reports the first mismatch, both values and the largest difference.
testing::AssertionResult close(const naive::Array& got, const naive::Array& want, double tolerance,
                               double unit = 1);

// Fills cached memory with NaN, so that uninitialized reads surface in the next tensors: blocks of up to 1
// MB, or with small inputs of up to 64 KB or 16 times the largest one.
void poison(Device device, const std::vector<Tensor>& inputs = {});

// The output of a case and the gradients of its inputs (empty for those without one) for a fixed output
// gradient. Both passes start in poisoned memory.
struct Outcome {
  naive::Array output;
  std::vector<naive::Array> gradients;
};
Outcome run(const Case& c, DType dtype, Device device);

// The output gradient that backward starts from.
naive::Array starting_gradient(const Case& c, const Shape& shape);

// The case's title as a valid GoogleTest name: letters, digits and underscores.
std::string test_name(const testing::TestParamInfo<Case>& info);

}  // namespace metron::test
