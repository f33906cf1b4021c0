// What the walkers of the table share.
#pragma once

#include <gtest/gtest.h>
#include <metron/core/slot.h>
#include <metron/tools/op_cases/cases.h>

#include <string>
#include <vector>

namespace metron::test {

using namespace op_cases;

// The devices of this machine.
std::vector<Device> devices();
// The providers of a device, and the last of them, which computes everything there.
std::vector<Provider> providers_of(Device device);
Provider portable(Device device);

// Whether |got - want| <= tolerance * max(unit, the largest finite |want|) for every element; a NaN or an
// infinity must be met by the same. A failure names the first element that differs, both values and the
// largest difference.
testing::AssertionResult close(const naive::Array& got, const naive::Array& want, double tolerance,
                               double unit = 1);

// Leaves NaN in the memory that the next tensors are made of: whoever reads what was never written shows it.
void poison(Device device);

// The output of a case and the gradients of its inputs (empty for those that take none) for a fixed gradient
// of the output; both passes start in poisoned memory.
struct Outcome {
  naive::Array output;
  std::vector<naive::Array> gradients;
};
Outcome run(const Case& c, DType dtype, Device device);

// A gradient of y to start from.
naive::Array starting_gradient(const Case& c, const Shape& shape);

// The title as GoogleTest wants it: letters, digits and underscores.
std::string test_name(const testing::TestParamInfo<Case>& info);

}  // namespace metron::test
