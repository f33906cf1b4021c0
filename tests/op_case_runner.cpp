#include "op_case_runner.h"

#include <metron/core/allocator.h>
#include <metron/core/autograd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <limits>
#include <optional>

namespace metron::test {

std::vector<Device> devices() {
  std::vector<Device> list;
#ifdef METRON_EMULATED
  constexpr std::array types{Device::Type::cuda};
#else
  constexpr std::array types{Device::Type::cpu, Device::Type::cuda};
#endif
  for (const Device device : types) {
    if (has_device(device)) list.push_back(device);
  }
  return list;
}

std::vector<Provider> providers_of(Device device) {
  std::vector<Provider> list;
  for (const Provider& p : providers()) {
    if (p.device == device.type()) list.push_back(p);
  }
  return list;
}

Provider portable(Device device) { return providers_of(device).back(); }

testing::AssertionResult close(const naive::Array& got, const naive::Array& want, double tolerance,
                               double unit) {
  if (got.shape != want.shape) {
    return testing::AssertionFailure() << "the shape is " << got.shape << " instead of " << want.shape;
  }
  if (got.data.size() != want.data.size()) {
    return testing::AssertionFailure() << got.data.size() << " elements instead of " << want.data.size();
  }
  if (want.data.empty()) return testing::AssertionSuccess();  // including an array that was never set
  double scale = unit;
  for (const double value : want.data) {
    if (std::isfinite(value)) scale = std::max(scale, std::abs(value));
  }
  std::optional<naive::Index> first;
  std::int64_t count = 0;
  double largest = 0;
  naive::for_each_index(got.shape, [&](const naive::Index& i) {
    const double a = got.at(i), b = want.at(i);
    if (a == b || (std::isnan(a) && std::isnan(b))) return;
    const double difference = std::abs(a - b);
    if (difference <= tolerance * scale) return;  // false for NaN
    if (!first) first = i;
    ++count;
    largest = std::isnan(difference) || std::isnan(largest) ? std::numeric_limits<double>::quiet_NaN()
                                                            : std::max(largest, difference);
  });
  if (!first) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "element " << *first << " of " << got.shape << " is "
                                     << got.at(*first) << " instead of " << want.at(*first) << "; " << count
                                     << " of " << got.numel() << " differ, by up to " << largest
                                     << ", tolerance " << tolerance * scale;
}

void poison(Device device) {
  if (backend(device).is_emulated()) return;  // the emulator reports uninitialized reads itself
  constexpr std::size_t most = std::size_t{1} << 20;
  std::vector<Tensor> blocks;
  for (std::size_t bytes = memory_alignment; bytes <= most; bytes = CachingAllocator::size_class(bytes + 1)) {
    const std::vector<std::uint8_t> ones(bytes, 0xff);  // a NaN in every floating-point type
    for (int i = 0; i < (bytes <= most / 16 ? 4 : 1); ++i)
      blocks.push_back(Tensor::from(ones, {static_cast<std::int64_t>(bytes)}, device));
  }
}

naive::Array starting_gradient(const Case& c, const Shape& shape) {
  return make_values(in(shape), title(c) + ", gradient");
}

Outcome run(const Case& c, DType dtype, Device device) {
  std::vector<Tensor> inputs = make_inputs(c, dtype, device);
  poison(device);
  const Tensor y = c.call(inputs);
  Outcome outcome{to_array(y), std::vector<naive::Array>(inputs.size())};
  if (!y.requires_grad()) return outcome;
  const Tensor g = make_tensor(starting_gradient(c, y.shape()), y.dtype(), Layout::contiguous, device);
  poison(device);
  y.backward(g);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].requires_grad()) outcome.gradients[i] = to_array(inputs[i].grad());
  }
  return outcome;
}

std::string test_name(const testing::TestParamInfo<Case>& info) {
  std::string name = info.param.op + '_' + info.param.name;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char letter) { return std::isalnum(letter) == 0; }, '_');
  return name;
}

}  // namespace metron::test
